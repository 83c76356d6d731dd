"""Sending a run of events: batches, lanes, and one outcome for each whatever the connector does."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from delivery_rig import BUSY, REFUSED, each, in_fast_time, unavailable

from assent.delivery.breaker import Breaker
from assent.delivery.dispatch import Deliverable, NotTried, dispatch
from assent.destinations.connector import Outcome, Outgoing
from assent.domain.decision import Decision, Reason, Verdict
from assent.domain.errors import Rejected, Unavailable
from assent.testing import FakeDestination, a_record

CONSENTED = Decision(Verdict.DELIVER, Reason.CONSENTED)


def events(*ids: str, person: str = "p", tried: int = 0) -> list[Deliverable]:
    return [Deliverable(at, a_record(one, userId=person), CONSENTED, tried) for at, one in enumerate(ids)]


def of_people(count: int, people: int) -> list[Deliverable]:
    return [
        Deliverable(number, a_record(f"{number % people}-{number}", userId=f"person {number % people}"), CONSENTED)
        for number in range(count)
    ]


async def sent(connector: FakeDestination, run: Sequence[Deliverable], breaker: Breaker | None = None) -> list[Outcome]:
    return await dispatch(connector, run, breaker or Breaker(), asyncio.get_running_loop().time)


def kinds(outcomes: Sequence[Outcome]) -> list[str]:
    return ["delivered" if one is None else type(one).__name__ for one in outcomes]


@in_fast_time
async def test_events_go_in_order_in_batches_as_large_as_may_be() -> None:
    connector = FakeDestination(batch_size=3)
    assert await sent(connector, events("a", "b", "c", "d", "e", "f", "g")) == [None] * 7
    assert connector.sends == [["a", "b", "c"], ["d", "e", "f"], ["g"]]


@in_fast_time
async def test_nothing_to_send_is_nothing_sent() -> None:
    connector = FakeDestination()
    assert await sent(connector, []) == []
    assert connector.sends == []


@in_fast_time
async def test_lanes_run_at_once_and_keep_each_person_in_order() -> None:
    connector = FakeDestination(batch_size=2, concurrency=4)
    running = most = 0

    async def count(batch: Sequence[Outgoing]) -> list[None]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(1)
        running -= 1
        return [None] * len(batch)

    connector.answer = count
    assert await sent(connector, of_people(40, 10)) == [None] * 40
    assert 1 < most <= 4
    for person in range(10):
        got = [one for one in connector.delivered_ids if one.startswith(f"{person}-")]
        assert got == [f"{person}-{number}" for number in range(person, 40, 10)]


@in_fast_time
async def test_an_outage_ends_a_lane_and_the_rest_is_not_tried() -> None:
    connector = FakeDestination(batch_size=2)
    connector.answer = unavailable(after=timedelta(seconds=7))
    outcomes = await sent(connector, events("a", "b", "c", "d", "e"))
    assert kinds(outcomes) == ["Unavailable"] * 2 + ["NotTried"] * 3
    assert connector.sends == [["a", "b"]]
    assert all(isinstance(one, NotTried) and one.after == timedelta(seconds=7) for one in outcomes[2:])


@in_fast_time
async def test_each_event_of_a_batch_has_its_own_outcome() -> None:
    connector = FakeDestination(batch_size=4)
    connector.answer = each({"b": REFUSED, "c": BUSY}.get)
    outcomes = await sent(connector, events("a", "b", "c", "d", "e"))
    assert outcomes[:4] == [None, REFUSED, BUSY, None]
    assert kinds(outcomes)[4] == "NotTried"


@in_fast_time
async def test_a_batch_that_is_refused_goes_again_one_by_one() -> None:
    connector = FakeDestination(batch_size=3)

    async def refuse_b(batch: Sequence[Outgoing]) -> list[None]:
        if any(one.message_id == "b" for one in batch):
            raise REFUSED
        return [None] * len(batch)

    connector.answer = refuse_b
    assert await sent(connector, events("a", "b", "c", "d")) == [None, REFUSED, None, None]
    assert connector.sends == [["a", "b", "c"], ["a"], ["b"], ["c"], ["d"]]


@in_fast_time
async def test_an_outage_while_a_refused_batch_goes_one_by_one_keeps_the_order() -> None:
    connector = FakeDestination(batch_size=3)

    async def refuse_batches_and_b(batch: Sequence[Outgoing]) -> list[None]:
        if len(batch) > 1:
            raise REFUSED
        if batch[0].message_id == "b":
            raise BUSY
        return [None]

    connector.answer = refuse_batches_and_b
    assert kinds(await sent(connector, events("a", "b", "c", "d"))) == [
        "delivered",
        "Unavailable",
        "NotTried",
        "NotTried",
    ]
    assert connector.delivered_ids == ["a"]


@in_fast_time
async def test_what_failed_often_goes_in_smaller_batches() -> None:
    connector = FakeDestination(batch_size=8)
    run = [*events(*"abcdefgh", tried=2), *(one._replace(offset=9 + at) for at, one in enumerate(events(*"ijkl")))]
    assert await sent(connector, run) == [None] * 12
    assert connector.sends == [["a", "b"], ["c", "d"], ["e", "f"], ["g", "h"], ["i", "j", "k", "l"]]


@pytest.mark.parametrize("outcomes", [[], [None], [None] * 3])
@in_fast_time
async def test_a_wrong_number_of_outcomes_is_a_bug_that_waits_like_an_outage(
    outcomes: list[Outcome], caplog: pytest.LogCaptureFixture
) -> None:
    connector = FakeDestination(batch_size=2)

    async def wrong(batch: Sequence[Outgoing]) -> list[Outcome]:
        return outcomes

    connector.answer = wrong
    answers = await sent(connector, events("a", "b", "c"))
    assert kinds(answers) == ["Unavailable", "Unavailable", "NotTried"]
    assert f"{len(outcomes)} outcomes for 2 events" in caplog.text


@in_fast_time
async def test_a_bug_in_a_connector_waits_like_an_outage_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    connector = FakeDestination()

    async def divide(batch: Sequence[Outgoing]) -> list[None]:
        return [None] * (1 // 0)

    connector.answer = divide
    [outcome, _] = await sent(connector, events("a", "b"))
    assert type(outcome) is Unavailable
    assert outcome.answer == "the connector has a bug: ZeroDivisionError"
    assert "the connector `fake` has a bug" in caplog.text


@in_fast_time
async def test_an_event_that_cannot_be_forwarded_takes_no_other_with_it() -> None:
    deep = b'{"messageId":"deep","userId":"p","event":"x","properties":' + b'{"a":' * 3000 + b"1" + b"}" * 3001
    run = events("a", "deep", "c")
    record = run[1].record
    run[1] = run[1]._replace(
        record=type(record)(*(deep if name == "body" else getattr(record, name) for name in record.__struct_fields__))
    )
    connector = FakeDestination(batch_size=3)
    outcomes = await sent(connector, run)
    assert kinds(outcomes) == ["delivered", "Rejected", "delivered"]
    assert isinstance(outcomes[1], Rejected)
    assert "nested too deeply" in outcomes[1].answer
    assert connector.delivered_ids == ["a", "c"]


@in_fast_time
async def test_the_breaker_hears_of_successes_and_failures() -> None:
    connector, breaker = FakeDestination(), Breaker()
    connector.answer = each(lambda one: BUSY if one.startswith("bad") else None)
    for _ in range(4):
        await sent(connector, events("bad"), breaker)
    assert not breaker.is_open
    await sent(connector, events("good"), breaker)
    for _ in range(5):
        assert not breaker.is_open
        await sent(connector, events("bad"), breaker)
    assert breaker.is_open
    await sent(connector, events("good"), breaker)
    assert not breaker.is_open
