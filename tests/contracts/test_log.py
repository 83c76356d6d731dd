"""The contract of every log: what it stores, in which order, and what it never does. One suite for all adapters."""

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from secrets import token_urlsafe
from typing import TypeAlias

import pytest

from assent.domain.errors import LogUnavailable, NotFound
from assent.domain.record import Discard, DiscardCode, Record
from assent.domain.regulation import SubjectId, SubjectType
from assent.engine.person import People
from assent.log.interface import ACCEPTED, Log, Received
from assent.log.sqlite import SqliteLog
from assent.testing import a_record

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NOON = 1_767_268_800_000  # 2026-01-01T12:00:00Z


async def open_sqlite(directory: Path) -> Log:
    return SqliteLog(directory / "log.db")


ADAPTERS: dict[str, Callable[[Path], Awaitable[Log]]] = {"sqlite": open_sqlite}

Opener: TypeAlias = Callable[[], AbstractAsyncContextManager[Log]]
FullDisk: TypeAlias = Callable[[], AbstractContextManager[None]]

pytestmark = pytest.mark.asyncio


@pytest.fixture(params=ADAPTERS)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Opens the log under test; each time the same one, with what it held before."""

    @contextlib.asynccontextmanager
    async def open_log() -> AsyncIterator[Log]:
        log = await ADAPTERS[request.param](tmp_path)
        try:
            yield log
        finally:
            await log.close()

    return open_log


def some(*message_ids: str, source: str = "web", at: int = NOON) -> list[Record]:
    return [a_record(one, source=source, at=at) for one in message_ids]


def many(count: int, start: int = 0, at: int = NOON) -> list[Record]:
    return some(*(f"m{number}" for number in range(start, start + count)), at=at)


async def everything(log: Log) -> list[Record]:
    records: list[Record] = []
    while log.start + len(records) < log.head:
        records += await log.read(log.start + len(records), 1000)
    return records


def ids(records: Sequence[Record]) -> list[str]:
    return [one.message_id for one in records]


async def codes(log: Log) -> dict[tuple[str, str], int]:
    """How many items came in ever, by source and code."""
    found: dict[tuple[str, str], int] = {}
    for one in await log.received(0, 1 << 40):
        found[one.source, one.code] = found.get((one.source, one.code), 0) + one.events
    return found


@contextlib.contextmanager
def no_room(*, bytes_left: int, directory: Path) -> Iterator[None]:
    """No file of this process may grow beyond the largest in `directory` and so many bytes."""
    largest = max(one.stat().st_size for one in directory.iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + bytes_left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# --- append and read


async def test_a_new_log_is_empty(opened: Opener) -> None:
    async with opened() as log:
        assert (log.start, log.head) == (0, 0)
        assert await log.read(0, 10) == []


async def test_what_was_appended_is_read_as_it_was(opened: Opener) -> None:
    records = [
        a_record("plain", at=NOON),
        a_record("Zażółć 東京 🦊", source="app", at=NOON + 1, properties={"text": "\x00 \x7f \ufffd"}),
        a_record("refused", at=NOON + 2, context={"consent": {"categoryPreferences": {"C0002": False}}}),
        a_record("hello", at=NOON + 3, event_type="identify", traits={"email": "a@example.com"}),
    ]
    records[0] = Record(
        *(getattr(records[0], name) for name in Record.__struct_fields__[:6]), "2026-01-01", "::1", "Żółć"
    )
    async with opened() as log:
        await log.append(records, [])
        assert await log.read(0, 10) == records
    async with opened() as log:
        assert await log.read(0, 10) == records


async def test_offsets_count_without_gaps(opened: Opener) -> None:
    async with opened() as log:
        for size in (1, 700, 3, 512, 513, 1):
            await log.append(many(size, start=log.head), [])
        assert log.head == 1730
        for offset in (0, 1, 511, 512, 700, 701, 703, 704, 1215, 1729):
            for limit in (1, 2, 513, 5000):
                read = await log.read(offset, limit)
                assert 1 <= len(read) <= limit
                assert ids(read) == [f"m{number}" for number in range(offset, offset + len(read))]
        assert await log.read(1730, 10) == []


async def test_a_log_opened_again_reads_alike_at_every_offset(opened: Opener) -> None:
    async with opened() as log:
        for size in (600, 1, 30):
            await log.append(many(size, start=log.head), [])
    async with opened() as log:
        assert (log.start, log.head) == (0, 631)
        for offset in (0, 1, 511, 512, 599, 600, 601, 630):
            read = await log.read(offset, 2)
            assert ids(read) == [f"m{number}" for number in range(offset, offset + len(read))]
            assert read
        await log.append(many(1, start=631), [])
        assert ids(await log.read(631, 10)) == ["m631"]


async def test_appends_made_one_after_the_other_stay_in_that_order(opened: Opener) -> None:
    async with opened() as log:
        await asyncio.gather(*(log.append(many(3, start=at), []) for at in range(0, 900, 3)))
        assert ids(await everything(log)) == [f"m{number}" for number in range(900)]


async def test_concurrent_appenders_lose_nothing(opened: Opener) -> None:
    async def client(name: int) -> None:
        for number in range(20):
            await log.append(some(f"{name}-{number}-a", f"{name}-{number}-b"), [])

    async with opened() as log:
        await asyncio.gather(*(client(name) for name in range(40)))
        found = ids(await everything(log))
    assert len(found) == log.head == 1600
    for name in range(40):
        own = [one for one in found if one.startswith(f"{name}-")]
        assert own == [f"{name}-{number}-{half}" for number in range(20) for half in "ab"]


async def test_a_reader_sees_nothing_before_it_is_stored(opened: Opener) -> None:
    async with opened() as log:
        append = asyncio.create_task(log.append(many(5), []))
        waiting = asyncio.create_task(log.wait(0))
        while not append.done():
            if log.head == 0:
                assert await log.read(0, 10) == []
                assert not waiting.done()
            await asyncio.sleep(0)
        await waiting
        assert len(await log.read(0, 10)) == 5


async def test_wait_returns_once_there_is_a_record_at_the_offset(opened: Opener) -> None:
    async with opened() as log:
        waiting = asyncio.create_task(log.wait(2))
        await log.append(many(2), [])
        await log.append([], [Discard("web", NOON, DiscardCode.EMPTY_BATCH)])
        assert not waiting.done()
        await log.append(many(1, start=2), [])
        await waiting
        await log.wait(0)


async def test_a_reader_that_stops_waiting_disturbs_nobody(opened: Opener) -> None:
    async with opened() as log:
        leaving, staying = asyncio.create_task(log.wait(0)), asyncio.create_task(log.wait(0))
        await asyncio.sleep(0)
        leaving.cancel()
        await log.append(many(1), [])
        await staying
        assert leaving.cancelled()


async def test_an_appender_that_goes_away_leaves_the_others_alone(opened: Opener) -> None:
    async with opened() as log:
        leaving = asyncio.create_task(log.append(many(1), []))
        staying = asyncio.create_task(log.append(many(1, start=1), []))
        await asyncio.sleep(0)
        leaving.cancel()
        await staying
        assert "m1" in ids(await everything(log))


# --- duplicates


async def test_a_message_id_that_its_source_sent_before_is_not_stored_again(opened: Opener) -> None:
    async with opened() as log:
        await log.append(some("one", "two"), [])
        await log.append(some("two", "three"), [])
        assert ids(await everything(log)) == ["one", "two", "three"]
        assert await codes(log) == {("web", ACCEPTED): 3, ("web", DiscardCode.DUPLICATE): 1}
        [(_, discard)] = await log.discards(10)
        assert (discard.source, discard.received_at, discard.code) == ("web", NOON, DiscardCode.DUPLICATE)
        assert discard.sample == b"two"


async def test_duplicates_within_one_request_and_within_one_commit(opened: Opener) -> None:
    async with opened() as log:
        await asyncio.gather(
            log.append(some("one", "one", "two"), []), log.append(some("two", "one"), []), log.append(some("three"), [])
        )
        assert ids(await everything(log)) == ["one", "two", "three"]
        assert (await codes(log))["web", DiscardCode.DUPLICATE] == 3


async def test_the_same_message_id_of_two_sources_is_two_events(opened: Opener) -> None:
    async with opened() as log:
        await log.append(some("one") + some("one", source="app"), [])
        await log.append(some("one", source="server"), [])
        assert [one.source for one in await everything(log)] == ["web", "app", "server"]


@pytest.mark.parametrize(("later", "kept"), [(DAY_MS - 1, 1), (DAY_MS, 2), (-DAY_MS, 1)])
async def test_a_message_id_is_remembered_for_24_hours(opened: Opener, later: int, kept: int) -> None:
    """Also when the clock was set back meanwhile."""
    async with opened() as log:
        await log.append(some("one"), [])
        await log.append(some("one", at=NOON + later), [])
        assert log.head == kept
    async with opened() as log:
        await log.append(some("one", at=NOON + later), [])
        assert log.head == kept


async def test_duplicates_are_known_after_the_log_was_opened_again(opened: Opener) -> None:
    async with opened() as log:
        await log.append(many(1500), [])
    async with opened() as log:
        await log.append(many(1501), [])
        assert log.head == 1501
        assert (await codes(log))["web", DiscardCode.DUPLICATE] == 1500


async def test_a_duplicate_of_a_discard_is_none(opened: Opener) -> None:
    async with opened() as log:
        await log.append([], [Discard("web", NOON, DiscardCode.NO_USER_ANON_ID, b'{"messageId": "one"}')])
        await log.append(some("one"), [])
        assert ids(await everything(log)) == ["one"]


# --- when it cannot be written


@pytest.fixture
def full(tmp_path: Path) -> FullDisk:
    """Makes the disk full for as long as the block lasts."""
    return lambda: no_room(bytes_left=10_000, directory=tmp_path)


def large(count: int, start: int = 0) -> list[Record]:
    return [a_record(f"m{start + number}", at=NOON, properties={"text": "x" * 20_000}) for number in range(count)]


async def test_a_full_disk_leaves_nothing_half_written(opened: Opener, full: FullDisk) -> None:
    async with opened() as log:
        await log.append(many(10), [])
        with full():
            discard = Discard("web", NOON, DiscardCode.EMPTY_BATCH)
            both = log.append(large(10, start=10), [discard]), log.append(large(10, start=20), [])
            failures = await asyncio.gather(*both, return_exceptions=True)
            assert [type(one) for one in failures] == [LogUnavailable, LogUnavailable]
            assert log.head == 10
            assert ids(await everything(log)) == ids(many(10))
        assert await codes(log) == {("web", ACCEPTED): 10}
        assert list(await log.discards(10)) == []
    async with opened() as log:
        assert (log.head, await codes(log)) == (10, {("web", ACCEPTED): 10})


async def test_what_failed_is_no_duplicate_when_it_is_sent_again(opened: Opener, full: FullDisk) -> None:
    async with opened() as log:
        with full():
            for _ in range(3):
                with pytest.raises(LogUnavailable):
                    await log.append(large(10), [])
        # Where the failed ones would be are others now, which must not pass for them.
        await log.append(some(*(f"other{number}" for number in range(5))), [])
        await log.append(large(10), [])
        assert ids(await everything(log)) == [f"other{number}" for number in range(5)] + ids(large(10))
        await log.append(large(10), [])
        assert log.head == 15
    async with opened() as log:
        await log.append(large(10), [])
        assert log.head == 15


async def test_readers_waiting_through_a_failure_are_woken_by_what_comes_after(opened: Opener, full: FullDisk) -> None:
    async with opened() as log:
        waiting = asyncio.create_task(log.wait(0))
        with full(), pytest.raises(LogUnavailable):
            await log.append(large(10), [])
        assert not waiting.done()
        await log.append(many(1), [])
        await waiting
        assert ids(await log.read(0, 10)) == ["m0"]


async def test_routing_keys_that_failed_to_be_stored_are_read_right_when_they_come_again(
    opened: Opener, full: FullDisk
) -> None:
    def refusing(category: str, *, text: str = "") -> Record:
        consent = {"consent": {"categoryPreferences": {category: False}}}
        return a_record(f"of {category}", at=NOON, context=consent, properties={"text": text})

    async with opened() as log:
        with full(), pytest.raises(LogUnavailable):
            await log.append([refusing("A", text="x" * 30_000), *large(5)], [])
        later = [refusing("B"), refusing("A")]
        await log.append(later, [])
        assert await log.read(0, 10) == later
    async with opened() as log:
        assert await log.read(0, 10) == later


# --- find


async def test_find_gives_every_kept_record_with_a_message_id(opened: Opener) -> None:
    async with opened() as log:
        await log.append(many(1000), [])
        await log.append(some("m7", source="app"), [])
        await log.append(some("m7", at=NOON + DAY_MS), [])
        found = await log.find("m7")
        assert [(one.offset, one.record.source) for one in found] == [(1001, "web"), (1000, "app"), (7, "web")]
        assert all(one.record.message_id == "m7" for one in found)
        assert await log.find("m1000") == []
        assert await log.find("") == []


# --- trim


async def test_trim_forgets_what_came_in_before(opened: Opener) -> None:
    async with opened() as log:
        for hour in range(10):
            discard = Discard("web", NOON + hour * HOUR_MS, DiscardCode.EMPTY_BATCH)
            await log.append(many(3, start=hour * 3, at=NOON + hour * HOUR_MS), [discard])
        until = NOON + 4 * HOUR_MS
        start = await log.trimmable(until)
        assert (start, log.start) == (12, 0)
        assert await log.trim(start, until) == log.start == 12
        assert ids(await everything(log)) == [f"m{number}" for number in range(12, 30)]
        assert [one.received_at for _, one in await log.discards(100)] == [NOON + n * HOUR_MS for n in range(9, 3, -1)]
        with pytest.raises(NotFound):
            await log.read(11, 1)
        assert await log.find("m11") == []
        assert [one.offset for one in await log.find("m12")] == [12]
    async with opened() as log:
        assert (log.start, log.head) == (12, 30)
        assert ids(await log.read(12, 1)) == ["m12"]


async def test_trimming_everything_keeps_counting_offsets(opened: Opener) -> None:
    async with opened() as log:
        await log.append(many(5), [])
        assert await log.trim(await log.trimmable(NOON + 1), NOON + 1) == 5
        assert await log.read(5, 10) == []
    async with opened() as log:
        assert (log.start, log.head) == (5, 5)
        await log.append(many(1, start=5), [])
        assert ids(await log.read(5, 10)) == ["m5"]


async def test_trimming_many_leaves_room_for_requests(opened: Opener) -> None:
    async with opened() as log:
        for at in range(100):
            await log.append(many(1, start=at), [])
        trimming = asyncio.create_task(log.trim(await log.trimmable(NOON + 1), NOON + 1))
        await log.append(many(1, start=100, at=NOON + 1), [])
        assert not trimming.done()
        assert await trimming == 100
        assert ids(await everything(log)) == ["m100"]


async def test_trim_by_size_forgets_the_oldest(opened: Opener) -> None:
    async with opened() as log:
        for at in range(50):
            await log.append([a_record(f"m{at}", at=NOON + at, properties={"text": token_urlsafe(22_500)})], [])
        start = await log.trimmable(0, at_most_bytes=675_000)
        assert 20 < start < 40
        assert await log.trim(start, 0) == start
        assert await log.trimmable(0, at_most_bytes=675_000) <= start + 5
        # What goes because of its age leaves room already.
        assert await log.trimmable(NOON + start + 3, at_most_bytes=600_000) <= start + 8


async def test_a_trimmed_message_id_may_come_again(opened: Opener) -> None:
    async with opened() as log:
        await log.append(some("one"), [])
        await log.trim(await log.trimmable(NOON + 1), NOON + 1)
        await log.append(some("one", at=NOON + 2), [])
        assert ids(await everything(log)) == ["one"]


async def test_a_record_never_shows_under_an_offset_that_is_not_its_own(opened: Opener) -> None:
    """A reader far behind may be overtaken by a trim."""
    async with opened() as log:
        for at in range(60):
            await log.append(many(1, start=at), [])
    async with opened() as log:
        until = NOON + 1
        trimming = asyncio.create_task(log.trim(await log.trimmable(until), until))
        while not trimming.done():
            await asyncio.sleep(0)  # a read at the head answers at once, and would let nobody else go on
            try:
                read = await log.read(at := log.start, 5)
            except NotFound:
                continue
            assert ids(read) == [f"m{at + number}" for number in range(len(read))]


async def test_a_clock_that_was_set_back_changes_no_order_and_trims_nothing_too_early(opened: Opener) -> None:
    async with opened() as log:
        for number, at in enumerate((NOON, NOON + 100, NOON - DAY_MS, NOON + 50, NOON - 2 * DAY_MS, NOON + 101)):
            await log.append(some(f"m{number}", at=at), [])
        assert ids(await everything(log)) == [f"m{number}" for number in range(6)]
        assert await log.trimmable(NOON + 60) == 1
        assert await log.trimmable(NOON - DAY_MS) == 0
    async with opened() as log:
        assert ids(await everything(log)) == [f"m{number}" for number in range(6)]


# --- counts


async def test_everything_received_is_counted_by_minute(opened: Opener) -> None:
    minute = NOON // 60_000
    async with opened() as log:
        await log.append(some("a", "b") + some("c", source="app"), [Discard("web", NOON, DiscardCode.EMPTY_BATCH)])
        await log.append(some("a", "d"), [])
        await log.append(some("e", at=NOON + 60_000), [])
    async with opened() as log:
        assert sorted(await log.received(minute, minute + 1)) == [
            Received("app", minute, ACCEPTED, 1),
            Received("web", minute, ACCEPTED, 3),
            Received("web", minute, DiscardCode.DUPLICATE, 1),
            Received("web", minute, DiscardCode.EMPTY_BATCH, 1),
        ]
        assert await log.received(minute + 1, minute + 2) == [Received("web", minute + 1, ACCEPTED, 1)]
        assert await log.received(0, minute) == []
        # By longer stretches, which begin at multiples of their length.
        assert sorted(await log.received(minute, minute + 2, minutes=1440)) == [
            Received("app", minute - minute % 1440, ACCEPTED, 1),
            Received("web", minute - minute % 1440, ACCEPTED, 4),
            Received("web", minute - minute % 1440, DiscardCode.DUPLICATE, 1),
            Received("web", minute - minute % 1440, DiscardCode.EMPTY_BATCH, 1),
        ]


async def test_discards_are_paged_newest_first(opened: Opener) -> None:
    async with opened() as log:
        for number in range(7):
            await log.append([], [Discard("web", NOON + number, DiscardCode.BAD_REQUEST, b"%d" % number)])
        first = await log.discards(3)
        second = await log.discards(3, before=first[-1][0])
        third = await log.discards(3, before=second[-1][0])
        assert [one.sample for _, one in (*first, *second, *third)] == [b"%d" % number for number in range(6, -1, -1)]
        assert first[0][1] == Discard("web", NOON + 6, DiscardCode.BAD_REQUEST, b"6")


async def test_a_flood_of_discards_is_counted_in_full(opened: Opener) -> None:
    async with opened() as log:
        await log.append([], [Discard("web", NOON, DiscardCode.TOO_MANY_EVENTS, b"sample")] * 2500)
        assert await codes(log) == {("web", DiscardCode.TOO_MANY_EVENTS): 2500}
        assert 1 <= len(await log.discards(5000)) <= 2500


def choosing(message_id: str, *, at: int = NOON, source: str = "web", **preferences: bool) -> Record:
    return a_record(message_id, at=at, source=source, context={"consent": {"categoryPreferences": preferences}})


async def test_events_are_counted_by_source_routing_key_and_hour(opened: Opener) -> None:
    hour = NOON // HOUR_MS
    yes, no, none = choosing("1", C2=True), choosing("2", C2=False), a_record("3", at=NOON)
    async with opened() as log:
        await log.append([yes, no, none, choosing("4", C2=True), choosing("5", C2=True, source="app")], [])
        await log.append([choosing("6", C2=True, at=NOON + HOUR_MS), choosing("1", C2=True)], [])
        counts = {
            ("web", yes.routing_key): 2,
            ("web", no.routing_key): 1,
            ("web", none.routing_key): 1,
            ("app", yes.routing_key): 1,
        }
        assert await log.key_counts(hour, hour + 1) == counts
        assert await log.key_counts(hour + 1, hour + 2) == {("web", yes.routing_key): 1}
        counts["web", yes.routing_key] += 1
    async with opened() as log:
        assert await log.key_counts(0, 1 << 40) == counts


async def test_a_routing_key_too_long_for_the_table_is_read_from_the_body(opened: Opener) -> None:
    long = choosing("long", **{f"category {number}": number % 2 == 0 for number in range(300)})
    update = a_record(
        "update",
        at=NOON,
        event="Segment Consent Preference Updated",
        context={"consent": {"categoryPreferences": {f"category {number}": True for number in range(300)}}},
    )
    assert len(long.routing_key) > 5000
    hour = NOON // HOUR_MS
    async with opened() as log:
        await log.append([long, a_record("short", at=NOON), update], [])
    async with opened() as log:
        assert [one.routing_key for one in await log.read(0, 10)] == [
            long.routing_key,
            a_record("short").routing_key,
            update.routing_key,
        ]
        assert (await log.key_counts(hour, hour + 1))["web", long.routing_key] == 1
        assert (await log.key_counts(hour, hour + 1))["web", update.routing_key] == 1
        assert await log.key_counts(hour + 1, hour + 2) == {}


# --- close


async def test_closing_stores_what_was_appended_before(opened: Opener) -> None:
    async with opened() as log:
        appending = [asyncio.create_task(log.append(many(1, start=number), [])) for number in range(50)]
        await asyncio.sleep(0)
    await asyncio.gather(*appending)
    async with opened() as log:
        assert ids(await everything(log)) == ids(many(50))


# --- erasing people


def people(*user_ids: str) -> People:
    return People([SubjectId(SubjectType.USER_ID, one) for one in user_ids])


def of(user_id: str, *message_ids: str) -> list[Record]:
    return [a_record(one, at=NOON, userId=user_id) for one in message_ids]


async def erase_all(log: Log, who: People) -> list[int]:
    found: list[int] = []
    position = log.start
    while position < log.head:
        erased = await log.erase(who, position, 700)
        found += erased.offsets
        position = erased.end
    return found


async def test_what_is_erased_leaves_what_it_was_decided_by_and_nothing_else(opened: Opener) -> None:
    consent = {"consent": {"categoryPreferences": {"ads": True}}}
    anns = a_record("m1", at=NOON, userId="ann", context=consent)
    async with opened() as log:
        await log.append([*of("ben", "m0"), anns, *of("ben", "m2")], [])
        before = await everything(log)
        assert await erase_all(log, people("ann")) == [1]
        after = await everything(log)
        assert (after[0], after[2]) == (before[0], before[2])
        assert after[1].is_erased
        assert after[1] == Record("web", NOON, "track", "", anns.routing_key, b"{}", event="Tested")
        assert await log.find("m1") == []
        assert await codes(log) == {("web", ACCEPTED): 3}
        assert sum((await log.key_counts(0, 1 << 40)).values()) == 3
    async with opened() as log:
        assert await everything(log) == after


async def test_an_alias_event_is_erased_with_either_of_its_people(opened: Opener) -> None:
    async with opened() as log:
        await log.append([a_record("m0", event_type="alias", userId="ann", previousId="browser 7")], [])
        assert (await log.erase(people("browser 7"), 0, 10)).new == 1
        assert (await log.erase(people("ann"), 0, 10)) == (10, [0], 0)


async def test_people_are_erased_from_many_blocks_and_from_what_is_not_in_memory_any_more(opened: Opener) -> None:
    async with opened() as log:
        for start in range(0, 30_000, 1_000):
            await log.append(
                [a_record(f"m{one}", at=NOON, userId=f"p{one % 10}") for one in range(start, start + 1_000)], []
            )
        assert await erase_all(log, people("p3", "p8")) == [one for one in range(30_000) if one % 10 in (3, 8)]
        assert [one.is_erased for one in await everything(log)] == [one % 10 in (3, 8) for one in range(30_000)]
        assert (await log.erase(people("p3"), 0, 30_000)).new == 0


async def test_a_key_that_no_table_has_is_kept_with_what_is_erased(opened: Opener) -> None:
    many = {"consent": {"categoryPreferences": {f"category {one}": True for one in range(200)}}}
    record = a_record("m0", at=NOON, userId="ann", context=many)
    async with opened() as log:
        await log.append([record], [])
        assert (await log.erase(people("ann"), 0, 10)).new == 1
        [kept] = await everything(log)
        assert (kept.routing_key, kept.is_erased) == (record.routing_key, True)
    async with opened() as log:
        assert [one.routing_key for one in await everything(log)] == [record.routing_key]


async def test_discards_of_who_is_erased_show_nothing_any_more(opened: Opener) -> None:
    samples = [
        b'{"userId": "ann-77", "event": 7}',
        b'{"userId": "ben"}',
        b'{"event": "x", "userId": "ann-',
        b"of ann-77!",
    ]
    async with opened() as log:
        await log.append(
            of("ann-77", "a message of hers"), [Discard("web", NOON, DiscardCode.BAD_REQUEST, one) for one in samples]
        )
        await log.append(of("ann-77", "a message of hers"), [])  # a duplicate, whose sample is its message id
        await log.erase(people("ann-77"), 0, 10)
        await log.erase_samples(people("ann-77"))
        shown = [one.sample for _number, one in await log.discards(10)]
        assert shown == [b"", b"", b"", b'{"userId": "ben"}', b""]
        assert await log.purge()


async def test_events_come_in_while_people_are_erased(opened: Opener) -> None:
    async with opened() as log:
        await log.append(of("ann", *(f"a{one}" for one in range(2_000))), [])
        erasing = asyncio.create_task(erase_all(log, people("ann")))
        for one in range(200):
            await log.append(of("ben", f"b{one}"), [])
        await erasing
        await erase_all(log, people("ann"))
        records = await everything(log)
        assert [one.message_id for one in records if not one.is_erased] == [f"b{one}" for one in range(200)]
