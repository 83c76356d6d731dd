"""The contract of every connector in the registry; HTTP ones have a second part, on what answers mean."""

import asyncio
import importlib
import xml.etree.ElementTree as ElementTree
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web
from connector_rig import MakeRig, Receiver, Rig, an_event, answer, hang, outgoing, some

from assent.destinations.connector import Outcome, Outgoing, Settings
from assent.destinations.registry import CONNECTORS, connector_class
from assent.domain.errors import Rejected, Unavailable

HTTP = ("segment", "webhook")


@pytest_asyncio.fixture
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    """The rig that the connector's own test module offers."""
    async with rig_of(request.param)(tmp_path) as made:
        yield made


def rig_of(name: str) -> MakeRig:
    made: MakeRig = importlib.import_module(f"test_connector_{name}").rig
    return made


every_connector = pytest.mark.parametrize("rig", CONNECTORS, indirect=True)
every_http_connector = pytest.mark.parametrize("rig", HTTP, indirect=True)


async def outcome_of(rig: Rig, batch: Sequence[Outgoing]) -> Outcome:
    """What became of a batch whose events all fared alike."""
    try:
        outcomes = list(await rig.connector.send(batch))
    except (Unavailable, Rejected) as error:
        return error
    assert len(outcomes) == len(batch)
    assert len({type(one) for one in outcomes}) == 1
    return outcomes[0]


def receiver_of(rig: Rig) -> Receiver:
    assert rig.receiver is not None
    return rig.receiver


# --- what people see of it


@pytest.mark.parametrize("name", CONNECTORS)
def test_a_connector_is_documented(name: str) -> None:
    connector = connector_class(name)
    assert connector.name == name
    assert connector.title
    assert connector.integration
    assert connector.description.endswith(".")
    assert ElementTree.fromstring(connector.icon).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("name", CONNECTORS)
def test_every_setting_has_title_description_and_example(name: str) -> None:
    settings_type = connector_class(name).settings_type
    assert issubclass(settings_type, Settings)
    _, definitions = msgspec.json.schema_components([settings_type])
    for setting, documented in definitions[settings_type.__name__]["properties"].items():
        assert documented["title"], setting
        assert documented["description"].endswith("."), setting
        assert documented["examples"], setting


# --- sending


@every_connector
@pytest.mark.asyncio
async def test_delivers(rig: Rig) -> None:
    assert list(await rig.connector.send(some(1))) == [None]
    assert rig.number() == 1


@every_connector
@pytest.mark.asyncio
async def test_every_event_arrives_whole_and_in_order(rig: Rig) -> None:
    events = [an_event(number) for number in range(min(rig.connector.batch_size, 12))]
    before = msgspec.json.encode(events)
    assert list(await rig.connector.send([outgoing(event) for event in events])) == [None] * len(events)
    assert rig.number() == len(events)
    assert msgspec.json.encode(events) == before, "connectors share events and must not change them"
    if rig.arrived is not None:
        assert list(rig.arrived()) == [rig.as_received(event) for event in events]


@every_connector
@pytest.mark.asyncio
async def test_takes_a_full_batch(rig: Rig) -> None:
    size = rig.connector.batch_size
    assert size >= 1
    assert rig.connector.concurrency >= 1
    assert list(await rig.connector.send(some(size))) == [None] * size
    assert rig.number() == size


@every_connector
@pytest.mark.asyncio
async def test_takes_as_many_sends_at_once_as_it_says(rig: Rig) -> None:
    sends = [rig.connector.send(some(1, start)) for start in range(rig.connector.concurrency)]
    assert await asyncio.gather(*sends) == [[None]] * len(sends)
    assert rig.number() == len(sends)


@every_connector
@pytest.mark.asyncio
async def test_a_cancelled_send_leaves_it_usable(rig: Rig) -> None:
    for _ in range(5):
        sending = asyncio.ensure_future(rig.connector.send(some(1)))
        await asyncio.sleep(0)
        sending.cancel()
        await asyncio.wait([sending])
    assert await rig.connector.send(some(1, start=1)) == [None]
    assert rig.number() >= 1
    if rig.arrived is not None:
        assert list(rig.arrived())[-1] == rig.as_received(an_event(1))


@every_connector
@pytest.mark.asyncio
async def test_can_be_closed_twice_and_unused(rig: Rig) -> None:
    await rig.connector.close()
    await rig.connector.close()


@every_connector
@pytest.mark.asyncio
async def test_can_be_closed_twice_after_use(rig: Rig) -> None:
    assert await rig.connector.send(some(1)) == [None]
    await rig.connector.close()
    await rig.connector.close()
    assert rig.number() == 1


# --- HTTP: what an answer means


@every_http_connector
@pytest.mark.asyncio
@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_delivered(rig: Rig, status: int) -> None:
    receiver_of(rig).answer = answer(status)
    assert await outcome_of(rig, some(1)) is None


@every_http_connector
@pytest.mark.asyncio
@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422, 451, 501])
async def test_a_refusal_is_kept_with_its_answer(rig: Rig, status: int) -> None:
    receiver_of(rig).answer = answer(status, '{"code": "no",\n "message": "unknown event"}')
    outcome = await outcome_of(rig, some(1))
    assert isinstance(outcome, Rejected)
    assert outcome.http_status == status
    assert outcome.answer == f'answered {status}: {{"code": "no", "message": "unknown event"}}'


@every_http_connector
@pytest.mark.asyncio
@pytest.mark.parametrize("status", [408, 423, 429, 500, 502, 503, 504, 599])
async def test_a_busy_receiver_makes_events_wait(rig: Rig, status: int) -> None:
    receiver_of(rig).answer = answer(status, "busy")
    outcome = await outcome_of(rig, some(1))
    assert isinstance(outcome, Unavailable)
    assert outcome.http_status == status
    assert outcome.answer == f"answered {status}: busy"
    assert outcome.after is None


@every_http_connector
@pytest.mark.asyncio
async def test_the_receiver_says_for_how_long(rig: Rig) -> None:
    receiver_of(rig).answer = answer(429, headers={"Retry-After": "17"})
    outcome = await outcome_of(rig, some(1))
    assert isinstance(outcome, Unavailable)
    assert outcome.after == timedelta(seconds=17)


@every_http_connector
@pytest.mark.asyncio
async def test_it_recovers(rig: Rig) -> None:
    receiver_of(rig).answer = answer(500)
    assert isinstance(await outcome_of(rig, some(1)), Unavailable)
    receiver_of(rig).answer = answer(200)
    assert await outcome_of(rig, some(1)) is None
    assert rig.number() == 1


@every_http_connector
@pytest.mark.asyncio
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(rig: Rig, status: int) -> None:
    receiver = receiver_of(rig)
    receiver.answer = answer(status, headers={"Location": f"{receiver.url}/elsewhere?token=hidden"})
    outcome = await outcome_of(rig, some(1))
    assert isinstance(outcome, Rejected)
    assert outcome.http_status == status
    assert "redirects are not followed" in outcome.answer
    assert "hidden" not in outcome.answer
    assert len(receiver.requests) == 1


# --- HTTP: no answer, or half of one


@pytest.mark.parametrize("name", HTTP)
@pytest.mark.asyncio
async def test_no_answer_in_time_makes_events_wait(name: str, tmp_path: Path) -> None:
    async with rig_of(name)(tmp_path, timeout=0.2) as rig:
        receiver_of(rig).answer = hang
        outcome = await outcome_of(rig, some(1))
        assert isinstance(outcome, Unavailable)
        assert outcome.answer == f"`127.0.0.1:{receiver_of(rig).port}` gave no answer within 0.2 s"


@every_http_connector
@pytest.mark.asyncio
async def test_a_connection_cut_before_the_answer_makes_events_wait(rig: Rig) -> None:
    async def cut(request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    receiver_of(rig).answer = cut
    outcome = await outcome_of(rig, some(1))
    assert isinstance(outcome, Unavailable)
    assert outcome.http_status is None
    assert "could not be reached" in outcome.answer


@every_http_connector
@pytest.mark.asyncio
@pytest.mark.parametrize(("status", "expected"), [(200, type(None)), (404, Rejected), (503, Unavailable)])
async def test_a_status_holds_though_the_rest_is_cut(rig: Rig, status: int, expected: type) -> None:
    async def cut(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half of it")
        assert request.transport is not None
        request.transport.close()
        return response

    receiver_of(rig).answer = cut
    outcome = await outcome_of(rig, some(1))
    assert isinstance(outcome, expected)
    if outcome is not None:
        assert outcome.answer == f"answered {status}: half of it"


@every_http_connector
@pytest.mark.asyncio
@pytest.mark.parametrize("status", [200, 404])
async def test_a_huge_answer_is_not_read_to_its_end(rig: Rig, status: int) -> None:
    written = 0

    async def flood(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse(status=status)
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b"x" * 100_000)
            written += 100_000
        return response

    receiver_of(rig).answer = flood
    outcome = await outcome_of(rig, some(1))
    assert written < 50_000_000
    if status == 200:
        assert outcome is None
    else:
        assert isinstance(outcome, Rejected)
        assert outcome.answer == f"answered 404: {'x' * 500}"


@every_http_connector
@pytest.mark.asyncio
async def test_an_unprintable_answer_is_shown_all_the_same(rig: Rig) -> None:
    async def binary(request: web.BaseRequest) -> web.Response:
        return web.Response(
            status=400, body=b"\x00\xff\x1b[31m caf\xc3\xa9 \r\n end", headers={"Content-Encoding": "gzip"}
        )

    receiver_of(rig).answer = binary
    outcome = await outcome_of(rig, some(1))
    assert isinstance(outcome, Rejected)
    assert outcome.answer == "answered 400: \ufffd [31m café end"


# --- HTTP: many events, some of them bad


@every_http_connector
@pytest.mark.asyncio
async def test_one_bad_event_takes_no_other_with_it(rig: Rig) -> None:
    async def refuse_one(request: web.BaseRequest) -> web.Response:
        return web.Response(status=400 if b'"msg-5"' in await request.read() else 200)

    receiver_of(rig).answer = refuse_one
    outcomes = list(await rig.connector.send(some(12)))
    assert [number for number, outcome in enumerate(outcomes) if isinstance(outcome, Rejected)] == [5]
    assert [number for number, outcome in enumerate(outcomes) if outcome is None] == [*range(5), *range(6, 12)]
    assert rig.arrived is not None
    assert [event["messageId"] for event in rig.arrived()] == [f"msg-{number}" for number in range(12) if number != 5]


@every_http_connector
@pytest.mark.asyncio
@pytest.mark.parametrize("status", [401, 404])
async def test_what_holds_for_all_is_asked_once(rig: Rig, status: int) -> None:
    receiver_of(rig).answer = answer(status)
    assert isinstance(await outcome_of(rig, some(12)), Rejected)
    assert len(receiver_of(rig).requests) == 1


@every_http_connector
@pytest.mark.asyncio
async def test_an_outage_midway_keeps_what_was_delivered(rig: Rig) -> None:
    """The batch is refused, its first half taken, its second half meets an outage."""
    answers = iter([400, 200, 503])

    async def in_turn(request: web.BaseRequest) -> web.Response:
        return web.Response(status=next(answers))

    receiver_of(rig).answer = in_turn
    outcomes = list(await rig.connector.send(some(12)))
    assert outcomes[:6] == [None] * 6
    assert all(isinstance(outcome, Unavailable) for outcome in outcomes[6:])
    assert next(answers, None) is None


@every_http_connector
@pytest.mark.asyncio
async def test_a_cancelled_request_leaves_it_usable(rig: Rig) -> None:
    receiver = receiver_of(rig)
    receiver.answer = hang
    sends = [asyncio.ensure_future(rig.connector.send(some(1))) for _ in range(rig.connector.concurrency)]
    await receiver.has_seen(len(sends))
    for sending in sends:
        sending.cancel()
    await asyncio.wait(sends)
    receiver.answer = answer(200)
    assert await outcome_of(rig, some(1)) is None


@every_http_connector
@pytest.mark.asyncio
async def test_connections_are_used_again(rig: Rig) -> None:
    ports: set[int] = set()

    async def note(request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername")[1])
        return web.Response(text='{"success": true}')

    receiver_of(rig).answer = note
    for start in range(5):
        assert await outcome_of(rig, some(1, start)) is None
    assert len(ports) == 1
