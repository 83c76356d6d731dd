"""The webhook connector: what it signs, names and splits, and that it keeps secrets."""

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from connector_rig import Event, Receiver, Rig, an_event, answer, closing, outgoing, receiving, some

from assent.destinations.connector import Outcome, Outgoing
from assent.destinations.webhook import REQUEST_BYTES, Webhook, WebhookSettings, signature_headers
from assent.domain.errors import Rejected, Unavailable
from assent.domain.regulation import SubjectId, SubjectType

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@asynccontextmanager
async def rig(folder: Path, **settings: Any) -> AsyncIterator[Rig]:
    async with receiving() as receiver, webhook(receiver, batch_size=12, **settings) as connector:

        def arrived() -> list[Event]:
            return [event for request in receiver.taken for event in request.json]

        yield Rig(connector, number=lambda: len(arrived()), arrived=arrived, receiver=receiver)


@asynccontextmanager
async def webhook(receiver: Receiver, path: str = "/hook", **settings: Any) -> AsyncIterator[Webhook]:
    connector = Webhook(WebhookSettings(url=receiver.url + path, **settings))
    async with closing(connector):
        yield connector


async def sent(batch: Sequence[Outgoing], path: str = "/hook", **settings: Any) -> Receiver:
    """The receiver after it took this batch."""
    async with receiving() as receiver, webhook(receiver, path, **settings) as connector:
        assert list(await connector.send(batch)) == [None] * len(batch)
        return receiver


async def refusal(status: int, text: str, path: str = "/hook", **settings: Any) -> Outcome:
    async with receiving() as receiver, webhook(receiver, path, **settings) as connector:
        receiver.answer = answer(status, text)
        (outcome,) = await connector.send(some(1))
        return outcome


# --- the body


@pytest.mark.asyncio
async def test_alone_an_event_is_an_object() -> None:
    (request,) = (await sent([outgoing(an_event())])).taken
    assert request.json == an_event()
    assert request.headers["content-type"] == "application/json"


@pytest.mark.asyncio
async def test_in_batches_even_one_event_is_an_array() -> None:
    (request,) = (await sent([outgoing(an_event())], batch_size=2)).taken
    assert request.json == [an_event()]


@pytest.mark.asyncio
async def test_a_batch_of_large_events_comes_in_several_requests() -> None:
    events = [an_event(number, blob="x" * 30_000) for number in range(100)]
    requests = (await sent([outgoing(event) for event in events], batch_size=100)).taken
    assert len(requests) == 4
    assert all(len(request.body) <= REQUEST_BYTES + 2 for request in requests)
    assert [event for request in requests for event in request.json] == events


# --- the idempotency key


@pytest.mark.asyncio
async def test_the_message_id_is_the_idempotency_key() -> None:
    (request,) = (await sent([outgoing(an_event(7))])).taken
    assert request.headers["idempotency-key"] == "msg-7"


@pytest.mark.asyncio
async def test_a_batch_has_the_same_key_at_every_attempt_and_another_one_has_another() -> None:
    keys = []
    for batch in (some(3), some(3), some(4), some(3, start=1)):
        (request,) = (await sent(batch, batch_size=10)).taken
        keys.append(request.headers["idempotency-key"])
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


@pytest.mark.asyncio
@pytest.mark.parametrize("message_id", ["a\r\nX-Evil: 1", "", "ключ", "a b", "1.2", "x" * 300])
async def test_an_id_that_is_no_header_is_hashed(message_id: str) -> None:
    (request,) = (await sent([outgoing(an_event(messageId=message_id))])).taken
    assert request.headers["idempotency-key"] == hashlib.sha256(msgspec.json.encode([message_id])).hexdigest()
    assert "x-evil" not in request.headers
    assert request.json["messageId"] == message_id


# --- the signature


def test_the_signature_is_that_of_the_published_example() -> None:
    """The test vector of the Standard Webhooks libraries."""
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    headers = signature_headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("secret", "key"),
    [(SECRET, base64.b64decode(SECRET[6:])), ("a phrase that is no base64 ✓", "a phrase that is no base64 ✓".encode())],
)
@pytest.mark.parametrize("batch_size", [1, 50])
async def test_a_receiver_can_verify_the_signature(secret: str, key: bytes, batch_size: int) -> None:
    before = int(time.time())
    (request,) = (await sent(some(1), secret=secret, batch_size=batch_size)).taken
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{expected}"
    assert request.headers["webhook-id"] == request.headers["idempotency-key"]
    assert before <= int(request.headers["webhook-timestamp"]) <= time.time()


@pytest.mark.asyncio
async def test_without_a_secret_nothing_is_signed() -> None:
    (request,) = (await sent(some(1))).taken
    assert not [name for name in request.headers if name.startswith("webhook-")]


# --- headers and secrets


@pytest.mark.asyncio
async def test_headers_travel_and_do_not_replace_ours() -> None:
    headers = {"Authorization": "Bearer tok", "IDEMPOTENCY-KEY": "mine", "Content-Type": "application/cloudevents+json"}
    (request,) = (await sent(some(1), headers=headers)).taken
    assert request.headers["authorization"] == "Bearer tok"
    assert request.headers["idempotency-key"] == "msg-0"
    assert request.headers["content-type"] == "application/cloudevents+json"


@pytest.mark.asyncio
async def test_the_url_keeps_its_query() -> None:
    (request,) = (await sent(some(1), path="/a/b?token=abc%20def&x=1")).taken
    assert request.path == "/a/b?token=abc%20def&x=1"


@pytest.mark.asyncio
async def test_a_receiver_that_echoes_our_secrets_is_not_quoted() -> None:
    echoed = "no entry for Bearer 5up3r-s3cret at /hook?token=t0ken-in-url&x=1, key t0ken-in-url"
    outcome = await refusal(
        403, echoed, path="/hook?token=t0ken-in-url&x=1", headers={"Authorization": "Bearer 5up3r-s3cret"}
    )
    assert isinstance(outcome, Rejected)
    assert outcome.answer == "answered 403: no entry for *** *** at /hook?***, key ***"


@pytest.mark.asyncio
async def test_no_part_of_a_secret_is_shown_where_the_answer_is_cut() -> None:
    outcome = await refusal(
        403, "." * 480 + "5up3r-s3cret-that-is-long", headers={"X-Key": "5up3r-s3cret-that-is-long"}
    )
    assert isinstance(outcome, Rejected)
    assert "5up3r" not in outcome.answer


@pytest.mark.asyncio
async def test_an_unreachable_receiver_is_named_without_its_path_and_query() -> None:
    async with receiving() as receiver:
        port = receiver.port
    connector = Webhook(WebhookSettings(url=f"http://127.0.0.1:{port}/secret-path?token=hidden"))
    async with closing(connector):
        (outcome,) = await connector.send(some(1))
    assert isinstance(outcome, Unavailable)
    assert outcome.answer.startswith(f"`127.0.0.1:{port}` could not be reached: ")
    assert "hidden" not in outcome.answer
    assert "secret-path" not in outcome.answer


@pytest.mark.asyncio
@pytest.mark.parametrize("url", ["http://nowhere.invalid/x?token=hidden", "http://127.0.0.1:99999/x?token=hidden"])
async def test_an_impossible_address_makes_events_wait(url: str) -> None:
    async with closing(Webhook(WebhookSettings(url=url))) as connector:
        (outcome,) = await connector.send(some(1))
    assert isinstance(outcome, Unavailable)
    assert "hidden" not in outcome.answer


@pytest.mark.asyncio
async def test_cookies_are_not_kept() -> None:
    """By name: no client keeps the cookies of a bare address."""
    async with receiving() as receiver:
        receiver.answer = answer(200, headers={"Set-Cookie": "session=1"})
        connector = Webhook(WebhookSettings(url=f"http://localhost:{receiver.port}"))
        for start in range(2):
            assert await connector.send(some(1, start)) == [None]
        await connector.close()
        assert "cookie" not in receiver.requests[1].headers


@pytest.mark.asyncio
async def test_no_more_requests_run_at_once_than_allowed() -> None:
    assert Webhook(WebhookSettings(url="http://localhost", concurrency=3)).concurrency == 3


@pytest.mark.asyncio
async def test_an_early_refusal_of_a_large_body_is_heard() -> None:
    """The receiver answers on seeing the headers, and reads no further."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        connections.append(writer)
        writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno")
        await writer.drain()

    connections: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    events = [outgoing(an_event(number, blob="x" * 30_000)) for number in range(30)]
    async with server, closing(Webhook(WebhookSettings(url=f"http://127.0.0.1:{port}", batch_size=30))) as connector:
        outcomes = await connector.send(events)
        for writer in connections:
            writer.close()
            await writer.wait_closed()
    assert [str(outcome) for outcome in outcomes] == ["answered 403: no"] * 30


# --- people who are to be deleted


@pytest.mark.asyncio
async def test_a_deletion_is_a_signed_message_for_each_person() -> None:
    people = [SubjectId(SubjectType.USER_ID, "ann"), SubjectId(SubjectType.ANONYMOUS_ID, "b-7")]
    async with receiving() as receiver, webhook(receiver, secret=SECRET) as connector:
        assert connector.forgets
        await connector.forget(people, "reg_1")
    first, second = receiver.taken
    assert first.json == {"type": "delete", "messageId": "reg_1-0", "userId": "ann"}
    assert second.json == {"type": "delete", "messageId": "reg_1-1", "anonymousId": "b-7"}
    assert first.headers["idempotency-key"] == first.headers["webhook-id"] == "reg_1-0"
    assert first.headers["webhook-signature"].startswith("v1,")


@pytest.mark.asyncio
@pytest.mark.parametrize(("status", "error"), [(503, Unavailable), (422, Rejected)])
async def test_a_deletion_that_is_not_taken_is_an_error(status: int, error: type[Exception]) -> None:
    async with receiving() as receiver, webhook(receiver, batch_size=10) as connector:
        receiver.answer = answer(status, "not now")
        with pytest.raises(error, match="not now"):
            await connector.forget([SubjectId(SubjectType.USER_ID, "ann")], "reg_1")
