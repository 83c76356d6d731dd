"""All workers together: they follow the workspace, leave each other alone, and let the log forget."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from delivery_rig import a_rig, a_workspace, in_fast_time, seconds, unavailable

from assent.destinations.connector import Outgoing
from assent.domain.decision import Reason
from assent.domain.outcome import Cursor, Span, State
from assent.testing import FakeDestination


@in_fast_time
async def test_a_destination_that_hangs_delays_no_other(tmp_path: Path) -> None:
    async with a_rig(tmp_path, "sick", "well") as rig:

        async def hang(batch: Sequence[Outgoing]) -> list[None]:
            await asyncio.Event().wait()
            raise AssertionError

        rig.fakes["sick"].answer = hang
        for start in range(0, 100, 10):
            await rig.append_many(10, start=start)
            await rig.settled_everything("well")
        assert len(rig.fakes["well"].delivered_ids) == 100
        assert rig.fakes["sick"].delivered_ids == []
        rig.assert_balance()


@in_fast_time
async def test_a_new_destination_gets_what_comes_after_it(tmp_path: Path) -> None:
    async with a_rig(tmp_path, "crm") as rig:
        await rig.append_many(5)
        await rig.put_in_force(a_workspace("crm", "ads"))
        await rig.append_many(5, start=5)
        await rig.settled_everything()
        assert rig.fakes["ads"].delivered_ids == ["e5", "e6", "e7", "e8", "e9"]
        assert rig.accounts.cursor("ads") == Cursor("ads", position=10, skipped=5)


@in_fast_time
async def test_what_a_removed_destination_had_not_read_is_withheld_from_it(tmp_path: Path) -> None:
    async with a_rig(tmp_path, "crm", "ads") as rig:
        rig.fakes["ads"].answer = unavailable()
        await rig.append_many(1500)
        await rig.until(lambda: rig.worker("ads").breaker.is_open)
        assert rig.accounts.waiting()["ads"] > 0
        await rig.put_in_force(a_workspace("crm"))
        await rig.settled_everything()
        assert rig.states("ads") == {State.WITHHELD: 1500}
        assert {one.reason for one in rig.accounts.counts(0, 1 << 40) if one.destination == "ads"} == {
            Reason.DESTINATION_DISABLED
        }
        await rig.append_many(10, start=1500)
        await rig.settled_everything()
        assert rig.states("ads") == {State.WITHHELD: 1500}
        assert rig.states("crm") == {State.DELIVERED: 1510}
        assert [one.destination for one in rig.delivery.workers] == ["crm"]


@in_fast_time
async def test_a_destination_that_comes_back_begins_with_what_is_new(tmp_path: Path) -> None:
    async with a_rig(tmp_path, "crm", "ads") as rig:
        await rig.append_many(4)
        await rig.settled_everything()
        await rig.put_in_force(a_workspace("crm"))
        await rig.append_many(3, start=4)
        await rig.settled_everything()
        await rig.put_in_force(a_workspace("crm", "ads"))
        await rig.append_many(2, start=7)
        await rig.settled_everything()
        assert rig.fakes["ads"].delivered_ids == ["e0", "e1", "e2", "e3", "e7", "e8"]
        assert rig.accounts.cursor("ads") == Cursor("ads", position=9, skipped=3)
        assert rig.states("ads") == {State.DELIVERED: 6}


@in_fast_time
async def test_a_removed_destination_is_settled_after_a_restart_too(tmp_path: Path) -> None:
    async with a_rig(tmp_path, "crm", "ads") as rig:
        rig.fakes["ads"].answer = unavailable()
        await rig.append_many(20)
        await rig.until(lambda: rig.worker("ads").breaker.is_open)
        await rig.delivery.stop()
        rig.accounts.remove("ads", rig.log.head)
        del rig.fakes["ads"]
        rig.delivery = rig._new_delivery()
        await rig.put_in_force(a_workspace("crm"))
        await rig.settled_everything("crm", "ads")
        assert rig.states("ads") == {State.WITHHELD: 20}


@in_fast_time
async def test_changed_settings_restart_a_worker_and_others_stay(tmp_path: Path) -> None:
    async with a_rig(tmp_path, "crm") as rig:
        crm = rig.worker("crm")
        await rig.put_in_force(a_workspace("crm", "ads"))
        assert rig.worker("crm") is crm
        await rig.put_in_force(a_workspace("crm", "ads", settings={"url": "another"}))
        assert rig.worker("crm") is not crm
        assert rig.fakes["crm"].closed
        await rig.append_many(3)
        await rig.settled_everything()
        assert rig.fakes["crm"].delivered_ids == ["e0", "e1", "e2"]


@in_fast_time
async def test_a_worker_that_does_not_end_in_time_is_ended(tmp_path: Path) -> None:
    async with a_rig(tmp_path, "crm") as rig:
        crm = rig.fakes["crm"]
        hangs = asyncio.Event()

        async def hang(batch: Sequence[Outgoing]) -> list[None]:
            hangs.set()
            await asyncio.Event().wait()
            raise AssertionError

        crm.answer = hang
        await rig.append_many(3)
        await hangs.wait()
        started = asyncio.get_running_loop().time()
        await rig.delivery.stop()
        assert 15 <= asyncio.get_running_loop().time() - started < 60
        assert crm.closed


# --- the log forgets


@in_fast_time
async def test_the_log_forgets_what_all_have_settled(tmp_path: Path) -> None:
    async with a_rig(tmp_path, "crm") as rig:
        await rig.append_many(5)
        await rig.settled_everything()
        cut = rig.now() + 1
        await seconds(1)
        await rig.put_in_force(a_workspace("crm"))
        await rig.append_many(5, start=5)
        await rig.settled_everything()
        await rig.delivery.trim(cut, at_most_bytes=None)
        assert rig.log.start == 5
        assert rig.accounts.spans(4) == {}
        assert rig.accounts.spans(5) == {"crm": Span("crm", 5, 10, 3)}
        assert rig.states("crm") == {State.DELIVERED: 10}


@in_fast_time
async def test_a_removed_destination_does_not_keep_the_log_from_forgetting(tmp_path: Path) -> None:
    async with a_rig(tmp_path, "crm", "ads") as rig:
        await rig.append_many(5)
        await rig.settled_everything()
        await rig.put_in_force(a_workspace("crm"))
        await rig.append_many(5, start=5)
        await rig.settled_everything()
        await asyncio.wait_for(rig.delivery.trim(rig.now() + 1, at_most_bytes=None), 500)
        assert rig.log.start == 10


@in_fast_time
async def test_trimming_by_size_forgets_nothing_that_came_meanwhile(tmp_path: Path) -> None:
    """More may come in between the look at what is too much, and the trim."""
    async with a_rig(tmp_path, "slow") as rig:

        async def slowly(batch: Sequence[Outgoing]) -> list[None]:
            await asyncio.sleep(1)
            return [None]

        rig.fakes["slow"].answer = slowly
        await rig.append_many(50)
        trimming = asyncio.create_task(rig.delivery.trim(0, at_most_bytes=1))
        while not trimming.done():
            await rig.append_many(1, start=rig.log.head)
            await seconds(0.5)
        await trimming
        await rig.settled_everything()
        states = rig.states("slow")
        assert states[State.DELIVERED] + states[State.FAILED] == rig.log.head
        assert states[State.FAILED] >= 40


@in_fast_time
async def test_a_worker_that_is_replaced_while_the_log_trims_loses_nothing(tmp_path: Path) -> None:
    async with a_rig(tmp_path, "crm") as rig:
        rig.fakes["crm"].answer = unavailable()
        await rig.append_many(700)
        await rig.until(lambda: rig.worker("crm").breaker.is_open)
        for number in range(5):
            trimming = asyncio.create_task(rig.delivery.trim(rig.now() + 1, at_most_bytes=None))
            await rig.put_in_force(a_workspace("crm", settings={"url": f"another {number}"}))
            await asyncio.wait_for(trimming, 500)
            await rig.append_many(100, start=700 + 100 * number)
        rig.fakes["crm"].answer = FakeDestination().answer
        await rig.settled_everything()
        states = rig.states("crm")
        assert states.get(State.DELIVERED, 0) + states.get(State.FAILED, 0) == 1200
        await rig.delivery.trim(rig.now() + 1, at_most_bytes=None)
        assert rig.log.start == 1200
