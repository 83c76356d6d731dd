"""One destination's worker, over a real log and store: what it delivers, retries, withholds and gives up."""

import asyncio
import sqlite3
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from delivery_rig import BUSY, REFUSED, a_rig, a_workspace, each, in_fast_time, seconds, unavailable

from assent.destinations.connector import Outcome, Outgoing
from assent.domain.decision import Reason
from assent.domain.outcome import Cursor, Span, State
from assent.domain.workspace import Category, Workspace
from assent.engine.retry import GIVE_UP_MS
from assent.testing import FakeDestination, a_record

ADS = Category("C1", destinations=("crm",))


def refusing(message_id: str, person: str = "p") -> dict[str, object]:
    return {"userId": person, "context": {"consent": {"categoryPreferences": {"C1": False}}}}


# --- delivered, withheld, failed


@in_fast_time
async def test_every_event_is_delivered_once_and_in_order(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination(batch_size=7)) as rig:
        ids = [*await rig.append_many(1300), *await rig.append_many(300, start=1300)]
        await rig.settled_everything()
        assert rig.fakes["crm"].delivered_ids == ids
        assert rig.states("crm") == {State.DELIVERED: 1600}
        assert rig.accounts.spans(1599)["crm"].start == 0


@in_fast_time
async def test_what_is_withheld_is_never_sent_and_counted_by_reason(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        await rig.put_in_force(a_workspace("crm", categories=[ADS]))
        granted = {"context": {"consent": {"categoryPreferences": {"C1": True}}}}
        await rig.append(a_record("yes", **granted), a_record("no", **refusing("no")), a_record("none"))
        await rig.settled_everything()
        assert rig.fakes["crm"].delivered_ids == ["yes", "none"]
        counts = {(one.state, one.reason): one.events for one in rig.accounts.counts(0, 1 << 40)}
        assert counts == {
            (State.DELIVERED, Reason.CONSENTED): 1,
            (State.WITHHELD, Reason.CATEGORY_DENIED): 1,
            (State.DELIVERED, Reason.CONSENT_ABSENT): 1,
        }


@in_fast_time
async def test_a_refused_event_fails_with_its_answer_and_the_others_go_on(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination(batch_size=4)) as rig:
        rig.fakes["crm"].answer = each({"e5": REFUSED}.get)
        await rig.append_many(12)
        await rig.settled_everything()
        [failed] = rig.accounts.attempts()
        assert (failed.message_id, failed.state, failed.tried) == ("e5", State.FAILED, 1)
        assert (failed.answer, failed.http_status) == ("answered 400: no", 400)
        assert failed.settled_at is not None
        assert rig.states("crm") == {State.DELIVERED: 11, State.FAILED: 1}


# --- tried again


@in_fast_time
async def test_an_event_that_fails_is_tried_again_after_waits_that_double(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        times: list[float] = []

        async def fail_three_times(batch: Sequence[Outgoing]) -> list[None]:
            if batch[0].message_id == "e0":
                times.append(asyncio.get_running_loop().time())
                if len(times) <= 3:
                    raise BUSY
            return [None]

        rig.fakes["crm"].answer = fail_three_times
        await rig.append_many(3)
        await rig.settled_everything()
        waits = [later - earlier for earlier, later in pairwise(times)]
        # A second, two and four, each a fifth more or less at random, and the moment that a worker lingers.
        assert [0.8 * base <= wait <= 1.2 * base + 0.1 for base, wait in zip((1, 2, 4), waits, strict=True)] == [
            True
        ] * 3
        [attempt] = rig.accounts.attempts()
        assert (attempt.state, attempt.tried) == (State.DELIVERED, 4)
        assert rig.states("crm") == {State.DELIVERED: 3}


@in_fast_time
async def test_a_waiting_event_is_counted_as_retrying_with_the_last_answer(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        rig.fakes["crm"].answer = each(lambda one: BUSY if one == "e1" else None)
        await rig.append_many(3)
        await rig.until(lambda: rig.states("crm").get(State.DELIVERED) == 2)
        assert rig.states("crm") == {State.DELIVERED: 2, State.RETRYING: 1}
        [attempt] = rig.accounts.attempts(state=State.RETRYING)
        assert (attempt.message_id, attempt.answer, attempt.http_status) == ("e1", "answered 503: busy", 503)
        rig.assert_balance()


@in_fast_time
async def test_a_destination_that_asks_for_time_gets_it(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        crm, times = rig.fakes["crm"], []

        async def not_before_a_minute(batch: Sequence[Outgoing]) -> Sequence[Outcome]:
            times.append(asyncio.get_running_loop().time())
            if len(times) == 1:
                return await unavailable(after=timedelta(seconds=60))(batch)
            return [None]

        crm.answer = not_before_a_minute
        await rig.append_many(4)
        await rig.settled_everything()
        assert times[1] - times[0] >= 60
        assert crm.delivered_ids == ["e0", "e1", "e2", "e3"]


@in_fast_time
async def test_an_event_is_given_up_four_hours_after_its_first_attempt(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        rig.fakes["crm"].answer = each(lambda one: BUSY if one == "e0" else None)
        await rig.append_many(2)
        await rig.until(lambda: rig.states("crm") == {State.DELIVERED: 1, State.RETRYING: 1})
        rig.clock_error += GIVE_UP_MS
        await rig.settled_everything()
        assert rig.states("crm") == {State.DELIVERED: 1, State.FAILED: 1}
        [failed] = rig.accounts.attempts(state=State.FAILED)
        assert failed.answer == "answered 503: busy"


@in_fast_time
async def test_an_outage_does_not_count_against_an_event(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        rig.fakes["crm"].answer = unavailable()
        await rig.append_many(9)
        await rig.until(lambda: rig.worker("crm").breaker.is_open)
        rig.clock_error += 2 * GIVE_UP_MS
        probes = len(rig.fakes["crm"].sends)
        await rig.until(lambda: len(rig.fakes["crm"].sends) > probes + 3)
        hiccups = {"e5": BUSY}
        rig.fakes["crm"].answer = each(lambda one: hiccups.pop(one, None))
        await rig.settled_everything()
        assert rig.states("crm") == {State.DELIVERED: 9}


# --- decided again


@in_fast_time
async def test_a_waiting_event_is_decided_again_before_it_is_tried(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        rig.fakes["crm"].answer = unavailable()
        await rig.append(a_record("no", at=rig.now(), **refusing("no")), a_record("plain", at=rig.now()))
        await rig.until(lambda: rig.accounts.waiting().get("crm") == 2)
        await rig.put_in_force(a_workspace("crm", categories=[ADS]))
        before = len(rig.fakes["crm"].sends)
        rig.fakes["crm"].answer = FakeDestination().answer
        await rig.settled_everything()
        assert "no" not in [one for send in rig.fakes["crm"].sends[before:] for one in send]
        assert rig.fakes["crm"].delivered_ids == ["plain"]
        no, plain = rig.accounts.attempts()
        assert (no.state, no.decision.reason, no.version) == (State.WITHHELD, Reason.CATEGORY_DENIED, 3)
        assert (plain.state, plain.version) == (State.DELIVERED, 3)
        assert rig.states("crm") == {State.WITHHELD: 1, State.DELIVERED: 1}


@in_fast_time
async def test_spans_say_which_version_decided(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        await rig.append_many(3)
        await rig.settled_everything()
        await rig.put_in_force(a_workspace("crm", categories=[ADS]))
        await rig.append_many(2, start=3)
        await rig.settled_everything()
        assert rig.accounts.spans(2)["crm"] == Span("crm", 0, 3, 2)
        assert rig.accounts.spans(3)["crm"] == Span("crm", 3, 5, 3)


# --- outages


@in_fast_time
async def test_in_an_outage_the_cursor_stands_still_and_the_destination_is_left_alone(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        crm = rig.fakes["crm"]
        crm.answer = unavailable()
        await rig.append_many(2000)
        await rig.until(lambda: rig.worker("crm").breaker.is_open)
        opened = len(crm.sends)
        # With the first probe, the page that was under way when the breaker opened is settled.
        await rig.until(lambda: len(crm.sends) > opened)
        stood, sends = rig.worker("crm").position, len(crm.sends)
        await seconds(100)
        assert len(crm.sends) - sends <= 12
        await rig.until(lambda: len(crm.sends) - sends >= 2)
        assert rig.worker("crm").position <= stood + 6
        rig.assert_balance()
        crm.answer = FakeDestination().answer
        await rig.settled_everything()
        assert rig.states("crm") == {State.DELIVERED: 2000}


@pytest.mark.parametrize("shape", [(1, 1), (1, 8), (10, 1), (10, 3)])
@in_fast_time
async def test_after_an_outage_everything_arrives_in_order_of_each_person(
    tmp_path: Path, shape: tuple[int, int]
) -> None:
    async with a_rig(tmp_path, crm=FakeDestination(batch_size=shape[0], concurrency=shape[1])) as rig:
        crm = rig.fakes["crm"]
        await rig.append_many(50, people=7)
        await rig.settled_everything()
        crm.answer = unavailable()
        for start in range(50, 350, 50):
            await rig.append_many(50, people=7, start=start)
            await seconds(10)
        crm.answer = FakeDestination().answer
        await rig.append_many(50, people=7, start=350)
        await rig.settled_everything()
        assert_order(crm, people=7)
        assert sorted(crm.delivered_ids) == sorted(f"e{number}" for number in range(400))


def assert_order(crm: FakeDestination, people: int) -> None:
    for person in range(people):
        numbers = [int(one[1:]) for one in crm.delivered_ids if int(one[1:]) % people == person]
        assert numbers == sorted(numbers), f"person {person}"


@in_fast_time
async def test_a_destination_that_fails_now_and_then_keeps_each_persons_order(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination(concurrency=3)) as rig:
        crm, calls = rig.fakes["crm"], 0

        async def fail_every_third(batch: Sequence[Outgoing]) -> list[None]:
            nonlocal calls
            calls += 1
            if calls % 3 == 0:
                raise BUSY
            return [None]

        crm.answer = fail_every_third
        for start in range(0, 200, 20):
            await rig.append_many(20, people=6, start=start)
            await seconds(0.5)
        await rig.settled_everything()
        assert_order(crm, people=6)
        assert len(crm.delivered_ids) == len(set(crm.delivered_ids)) == 200


@in_fast_time
async def test_the_order_is_kept_over_a_restart(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        crm = rig.fakes["crm"]
        crm.answer = each(lambda one: BUSY if one == "e0" else None)
        await rig.append_many(10, people=2)
        await rig.until(lambda: len(crm.delivered_ids) == 5)
        await rig.restart()
        await rig.append_many(10, people=2, start=10)
        await rig.until(lambda: len(crm.delivered_ids) == 10)
        crm.answer = FakeDestination().answer
        await rig.settled_everything()
        assert_order(crm, people=2)
        assert rig.states("crm") == {State.DELIVERED: 20}


# --- held


def holding(held: bool = True, categories: Sequence[Category] = ()) -> Workspace:
    """The destination `crm`, held or not."""
    workspace = a_workspace("crm", categories=categories)
    [crm] = workspace.destinations
    return msgspec.structs.replace(workspace, destinations=(msgspec.structs.replace(crm, held=held),))


@in_fast_time
async def test_held_events_are_kept_and_arrive_in_order_when_released(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        await rig.append_many(10)
        await rig.settled_everything()
        await rig.put_in_force(holding())
        await rig.append_many(40, start=10)
        await seconds(60)
        assert (rig.worker("crm").position, len(rig.fakes["crm"].sends)) == (10, 10)
        rig.assert_balance()
        await rig.put_in_force(holding(False))
        await rig.settled_everything()
        assert rig.fakes["crm"].delivered_ids == [f"e{number}" for number in range(50)]


@in_fast_time
async def test_what_was_held_is_decided_by_the_version_that_releases_it(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        await rig.put_in_force(holding())
        await rig.append(a_record("no", **refusing("no")), a_record("plain"))
        await rig.put_in_force(holding(categories=[ADS]))
        await seconds(10)
        assert rig.states("crm") == {}
        await rig.put_in_force(holding(False, [ADS]))
        await rig.settled_everything()
        assert rig.fakes["crm"].delivered_ids == ["plain"]
        assert rig.states("crm") == {State.WITHHELD: 1, State.DELIVERED: 1}
        assert rig.accounts.spans(0)["crm"] == Span("crm", 0, 2, 5)


@in_fast_time
async def test_what_waits_is_not_tried_while_it_is_held(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        crm = rig.fakes["crm"]
        crm.answer = each(lambda one: BUSY if one == "e0" else None)
        await rig.append_many(3)
        await rig.until(lambda: rig.states("crm") == {State.DELIVERED: 2, State.RETRYING: 1})
        await rig.put_in_force(holding())
        await seconds(1)
        sends = len(crm.sends)
        await seconds(300)
        assert len(crm.sends) == sends
        assert rig.states("crm") == {State.DELIVERED: 2, State.RETRYING: 1}
        crm.answer = FakeDestination().answer
        await rig.put_in_force(holding(False))
        await rig.settled_everything()
        assert crm.delivered_ids == ["e1", "e2", "e0"]


@in_fast_time
async def test_a_destination_that_is_left_alone_is_not_even_probed_while_it_is_held(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        crm = rig.fakes["crm"]
        crm.answer = unavailable()
        await rig.append_many(50)
        # By the eleventh try it is left alone for half a minute: the hold comes amid that.
        await rig.until(lambda: len(crm.sends) >= 11)
        await seconds(10)
        sends = len(crm.sends)
        await rig.put_in_force(holding())
        await seconds(100)
        assert len(crm.sends) == sends
        crm.answer = FakeDestination().answer
        await rig.put_in_force(holding(False))
        await rig.settled_everything()
        assert rig.states("crm") == {State.DELIVERED: 50}


@in_fast_time
async def test_the_time_that_an_event_is_held_does_not_count_against_it(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        crm = rig.fakes["crm"]
        crm.answer = each(lambda one: BUSY if one == "e0" else None)
        await rig.append_many(2)
        await rig.until(lambda: rig.states("crm") == {State.DELIVERED: 1, State.RETRYING: 1})
        await rig.put_in_force(holding())
        await seconds(1)
        rig.clock_error += 2 * GIVE_UP_MS
        hiccups = {"e0": BUSY}
        crm.answer = each(lambda one: hiccups.pop(one, None))
        await rig.put_in_force(holding(False))
        await rig.settled_everything()
        assert rig.states("crm") == {State.DELIVERED: 2}


@in_fast_time
async def test_a_page_in_flight_ends_before_the_cursor_stands(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        crm, answering = rig.fakes["crm"], asyncio.Event()

        async def slowly(batch: Sequence[Outgoing]) -> list[None]:
            await answering.wait()
            return [None]

        crm.answer = slowly
        await rig.append_many(1)
        await rig.until(lambda: len(crm.sends) == 1)
        await rig.append_many(20, start=1)
        await rig.put_in_force(holding())
        answering.set()
        await rig.until(lambda: rig.states("crm") == {State.DELIVERED: 1})
        await seconds(20)
        assert crm.delivered_ids == ["e0"]
        assert rig.worker("crm").position == 1
        rig.assert_balance()


@in_fast_time
async def test_a_held_destination_stops_at_once_and_is_still_held_after_a_restart(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        await rig.put_in_force(holding())
        await rig.append_many(5)
        started = asyncio.get_running_loop().time()
        await rig.restart()
        assert asyncio.get_running_loop().time() - started < 10
        await seconds(20)
        assert rig.fakes["crm"].sends == []
        await rig.put_in_force(holding(False))
        await rig.settled_everything()
        assert rig.fakes["crm"].delivered_ids == [f"e{number}" for number in range(5)]


@in_fast_time
async def test_a_trim_gives_up_what_was_held_too_long(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        await rig.put_in_force(holding())
        await rig.append_many(30)
        await rig.delivery.trim(rig.now() + 1, at_most_bytes=None)
        assert rig.fakes["crm"].sends == []
        assert rig.states("crm") == {State.FAILED: 30}
        rig.assert_balance()
        await rig.append_many(3, start=30)
        await seconds(20)
        assert rig.fakes["crm"].sends == []
        await rig.put_in_force(holding(False))
        await rig.settled_everything()
        assert rig.states("crm") == {State.FAILED: 30, State.DELIVERED: 3}


@in_fast_time
async def test_a_held_destination_that_is_removed_settles_what_it_had(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        await rig.put_in_force(holding())
        await rig.append_many(4)
        await rig.put_in_force(Workspace())
        await rig.settled_everything()
        assert rig.states("crm") == {State.WITHHELD: 4}


# --- one bad event


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (20, 1)])
@in_fast_time
async def test_one_event_that_always_fails_stops_no_other(tmp_path: Path, shape: tuple[int, int]) -> None:
    async with a_rig(tmp_path, crm=FakeDestination(batch_size=shape[0], concurrency=shape[1])) as rig:
        crm = rig.fakes["crm"]

        async def no_poison(batch: Sequence[Outgoing]) -> list[None]:
            if any(one.message_id == "e1" for one in batch):
                raise BUSY
            return [None] * len(batch)

        crm.answer = no_poison
        await rig.append_many(60, people=6)
        await rig.until(lambda: rig.states("crm") == {State.DELIVERED: 59, State.RETRYING: 1})
        assert "e1" not in crm.delivered_ids


@in_fast_time
async def test_one_event_that_always_fails_does_not_pass_for_an_outage_where_little_happens(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        crm = rig.fakes["crm"]
        crm.answer = each(lambda one: BUSY if one == "e0" else None)
        await rig.append_many(1)
        await rig.until(lambda: rig.worker("crm").breaker.is_open)
        await rig.append_many(3, start=1)
        await rig.until(lambda: len(crm.delivered_ids) == 3)
        assert not rig.worker("crm").breaker.is_open


@in_fast_time
async def test_one_event_that_always_fails_holds_its_person_for_a_minute_at_most(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        crm = rig.fakes["crm"]
        crm.answer = each(lambda one: BUSY if one == "e0" else None)
        started = asyncio.get_running_loop().time()
        await rig.append_many(4, people=1)
        others = 0
        while len([one for one in crm.delivered_ids if one in ("e1", "e2", "e3")]) < 3:
            await rig.append(a_record(f"other{others}", at=rig.now(), userId="somebody else"))
            others += 1
            await seconds(1)
        assert asyncio.get_running_loop().time() - started < 60
        assert [one for one in crm.delivered_ids if one.startswith("e")] == ["e1", "e2", "e3"]


@in_fast_time
async def test_a_bug_in_a_connector_loses_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with a_rig(tmp_path, crm=FakeDestination(batch_size=2)) as rig:
        crm = rig.fakes["crm"]

        async def divide(batch: Sequence[Outgoing]) -> list[None]:
            return [None] * (1 // 0)

        crm.answer = divide
        await rig.append_many(20)
        await rig.until(lambda: rig.worker("crm").breaker.is_open)
        assert rig.accounts.attempts()[0].answer == "the connector has a bug: ZeroDivisionError"
        crm.answer = FakeDestination().answer
        await rig.settled_everything()
        assert rig.states("crm") == {State.DELIVERED: 20}
        assert "has a bug" in caplog.text


# --- stopping, and going on


@in_fast_time
async def test_a_stop_finishes_what_is_under_way(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination(batch_size=5)) as rig:
        crm, under_way = rig.fakes["crm"], asyncio.Event()

        async def slowly(batch: Sequence[Outgoing]) -> list[None]:
            under_way.set()
            await asyncio.sleep(2)
            return [None] * len(batch)

        crm.answer = slowly
        await rig.append_many(40)
        await under_way.wait()
        await rig.delivery.stop()
        assert crm.closed
        cursor = rig.accounts.cursor("crm")
        assert cursor is not None
        assert 0 < cursor.position < 40
        assert len(crm.delivered_ids) == cursor.position
        crm.answer = FakeDestination().answer
        await rig.restart()
        await rig.settled_everything()
        assert crm.delivered_ids == [f"e{number}" for number in range(40)]


@pytest.mark.asyncio
async def test_a_stop_waits_for_a_few_events_only_where_a_destination_is_slow(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        crm = rig.fakes["crm"]

        async def slowly(batch: Sequence[Outgoing]) -> list[None]:
            await asyncio.sleep(0.05)
            return [None] * len(batch)

        crm.answer = slowly
        await rig.append_many(400)
        await rig.until(lambda: len(crm.delivered_ids) >= 20)
        delivered = len(crm.delivered_ids)
        await rig.delivery.stop()
        assert len(crm.delivered_ids) - delivered < 25
        cursor = rig.accounts.cursor("crm")
        assert cursor is not None
        assert cursor.position == len(crm.delivered_ids)


@in_fast_time
async def test_a_restart_tries_what_waited(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        rig.fakes["crm"].answer = unavailable()
        await rig.append_many(20)
        await rig.until(lambda: rig.worker("crm").breaker.is_open)
        await rig.delivery.stop()
        waited = len(rig.accounts.attempts(state=State.RETRYING))
        assert waited > 0
        rig.fakes["crm"].answer = FakeDestination().answer
        await rig.restart()
        await rig.settled_everything()
        assert sorted(rig.fakes["crm"].delivered_ids) == sorted(f"e{number}" for number in range(20))
        assert len(rig.accounts.attempts(state=State.DELIVERED)) >= waited


@in_fast_time
async def test_a_stop_does_not_wait_for_a_destination_that_is_left_alone(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        rig.fakes["crm"].answer = unavailable(after=timedelta(hours=5))
        await rig.append_many(3)
        await rig.until(lambda: rig.worker("crm").breaker.is_open)
        started = asyncio.get_running_loop().time()
        await rig.delivery.stop()
        assert asyncio.get_running_loop().time() - started < 60


# --- when the store or the cursor is not ours


@in_fast_time
async def test_while_the_store_cannot_be_written_nothing_is_sent_twice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_rig(tmp_path, crm=FakeDestination(batch_size=10)) as rig:
        crm = rig.fakes["crm"]
        store = sqlite3.connect(tmp_path / "state.db", isolation_level=None)

        async def break_the_store(batch: Sequence[Outgoing]) -> list[None]:
            store.execute("ALTER TABLE counters RENAME TO gone")
            return [None] * len(batch)

        crm.answer = break_the_store
        await rig.append_many(10)
        await rig.until(lambda: "cannot be written" in caplog.text)
        await seconds(10)
        assert rig.accounts.cursor("crm") == Cursor("crm", 0, 0)
        store.execute("ALTER TABLE gone RENAME TO counters")
        await rig.settled_everything()
        assert len(crm.sends) == 1
        assert rig.states("crm") == {State.DELIVERED: 10}
        store.close()


@in_fast_time
async def test_a_worker_whose_cursor_was_moved_goes_on_from_where_it_is_now(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Two processes may share a cursor for a while: each event is counted once, and neither gets stuck."""
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        other = rig.new_worker("crm")
        running = asyncio.create_task(other.run())
        for start in range(0, 200, 20):
            await rig.append_many(20, start=start)
            await seconds(1)
        await rig.settled_everything("crm")
        assert rig.states("crm") == {State.DELIVERED: 200}
        both = rig.fakes["crm"].delivered_ids + rig.fakes["crm of another process"].delivered_ids
        assert set(both) == {f"e{number}" for number in range(200)}
        assert "another process delivers from here" in caplog.text
        other.stop()
        await running


# --- the log forgets


@in_fast_time
async def test_what_the_log_is_about_to_forget_is_counted_as_failed(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        rig.fakes["crm"].answer = unavailable()
        for start in range(0, 30, 10):
            await rig.append_many(10, start=start)
            await seconds(3)
        await rig.until(lambda: rig.worker("crm").breaker.is_open)
        cut = rig.now() + 1
        await seconds(1)
        await rig.append_many(10, start=30)
        await rig.delivery.trim(cut, at_most_bytes=None)
        assert rig.log.start == 30
        rig.fakes["crm"].answer = FakeDestination().answer
        await rig.settled_everything()
        assert rig.states("crm") == {State.DELIVERED: 10, State.FAILED: 30}
        assert rig.accounts.attempts(state=State.FAILED) == []


@in_fast_time
async def test_giving_up_says_why(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        rig.fakes["crm"].answer = unavailable(after=timedelta(hours=9))
        await rig.append_many(5)
        await rig.until(lambda: rig.worker("crm").breaker.is_open)
        await rig.worker("crm").give_up_before(3)
        failed = rig.accounts.attempts(state=State.FAILED)
        assert [one.offset for one in failed] == [0, 1, 2]
        assert {one.answer for one in failed} == {"it waited longer than the log keeps events"}
        assert rig.states("crm")[State.FAILED] == 3


# --- clocks


@in_fast_time
async def test_a_clock_that_is_set_back_stops_no_retry(tmp_path: Path) -> None:
    async with a_rig(tmp_path, crm=FakeDestination()) as rig:
        rig.fakes["crm"].answer = each(lambda one: BUSY if one == "e0" else None)
        await rig.append_many(2)
        await rig.until(lambda: rig.states("crm") == {State.DELIVERED: 1, State.RETRYING: 1})
        before = rig.now()
        rig.clock_error -= 48 * 3_600_000
        rig.fakes["crm"].answer = FakeDestination().answer
        await rig.settled_everything()
        assert rig.states("crm") == {State.DELIVERED: 2}
        assert rig.accounts.cursor("crm") == Cursor("crm", 2, 0)
        assert rig.now() < before
