"""What the SQLite log promises beyond the contract: crashes, bounds, and the table of message ids seen."""

import asyncio
import random
import shutil
import sqlite3
from array import array
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from secrets import token_urlsafe

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.domain.errors import LogUnavailable
from assent.domain.record import Discard, DiscardCode, Record
from assent.log.block import decode_block
from assent.log.prints import RUN, find_prints, index_prints
from assent.log.schema import prepare_tables
from assent.log.seen import Seen, fingerprint
from assent.log.snapshot import LogSnapshot
from assent.log.sqlite import SqliteLog
from assent.log.sqlite_file import LogFile
from assent.testing import a_record

HOUR_MS = 3_600_000


@pytest.mark.asyncio
async def test_the_files_as_they_are_at_any_moment_hold_all_that_was_acknowledged(tmp_path: Path) -> None:
    """As after a crash: copies of the files, taken while others are still appending."""
    log = SqliteLog(tmp_path / "log.db")
    acknowledged: list[str] = []
    copies: list[tuple[Path, list[str]]] = []

    async def append(number: int) -> None:
        await log.append([a_record(f"m{number}", properties={"n": "x" * (number % 700)})], [])
        acknowledged.append(f"m{number}")
        if number % 25 == 0:
            copies.append((copy := tmp_path / f"copy{number}", list(acknowledged)))
            copy.mkdir()
            # The write-ahead log last: the file beside it is not written without a checkpoint.
            for name in ("log.db", "log.db-wal"):
                shutil.copy(tmp_path / name, copy)

    async def client(first: int) -> None:
        for number in range(first, 300, 10):
            await append(number)

    await asyncio.gather(*(client(first) for first in range(10)))
    await log.close()
    assert len(copies) == 12
    for copy, before in copies:
        file = LogFile(copy / "log.db")
        stored = [one.message_id for one in file.read(0, 1000)]
        assert set(before) <= set(stored)
        assert len(stored) == len(set(stored)) == file.head
        file.close()


@pytest.mark.asyncio
async def test_a_record_that_cannot_be_written_fails_and_takes_nothing_with_it(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db")
    unwritable = msgspec.structs.replace(a_record("bad"), message_id="half a pair: \ud800")
    with pytest.raises(LogUnavailable, match="surrogates not allowed"):
        await log.append([unwritable], [])
    await log.append([a_record("good")], [])
    assert [one.message_id for one in await log.read(0, 10)] == ["good"]
    await log.close()


@pytest.mark.asyncio
async def test_a_file_that_another_process_holds_is_unavailable_until_it_lets_go(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db")
    other = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LogUnavailable, match="locked"):
        await log.append([a_record("one")], [])
    other.execute("ROLLBACK")
    other.close()
    await log.append([a_record("one")], [])
    assert log.head == 1
    await log.close()


def stored_blocks(directory: Path, count: int) -> LogFile:
    """A log's file with `count` blocks of one record each."""
    file = LogFile(directory / "log.db")
    for number in range(count):
        file.begin()
        [block], _ = file.prepare([a_record(f"m{number}")], [fingerprint("web", f"m{number}")], [])
        file.commit()
        file.head = block.first + 1
    return file


def test_blocks_of_before_names_were_kept_are_read() -> None:
    of_before = zstandard.compress(msgspec.msgpack.encode([("web", 5, "track", "m", 1, b"{}", None, "::1")]))
    assert decode_block(of_before, {1: b"{}"}.__getitem__) == [
        Record("web", 5, "track", "m", b"{}", b"{}", None, "::1", event="")
    ]


def test_a_read_that_a_trim_overtook_finds_nothing_rather_than_something_else(tmp_path: Path) -> None:
    file = stored_blocks(tmp_path, 10)
    file.begin()
    file.trim(4, 0)
    file.commit()
    assert file.read(3, 5) == []
    assert [one.message_id for one in file.read(4, 2)] == ["m4", "m5"]
    file.close()


@pytest.mark.asyncio
async def test_commits_are_reported_with_what_they_stored(tmp_path: Path) -> None:
    seen: dict[tuple[str, str], int] = {}
    seconds: list[float] = []

    def on_commit(took: float, received: dict[tuple[int, str, str], int]) -> None:
        seconds.append(took)
        for (_minute, source, code), count in received.items():
            seen[source, code] = seen.get((source, code), 0) + count

    log = SqliteLog(tmp_path / "log.db", on_commit=on_commit)
    await log.append([a_record("a"), a_record("b"), a_record("a")], [Discard("web", 0, DiscardCode.BAD_REQUEST)])
    with pytest.raises(LogUnavailable):
        await log.append([msgspec.structs.replace(a_record("c"), source="\ud800")], [])
    await log.append([a_record("a", source="app"), a_record("b")], [])
    assert seen == {
        ("web", "accepted"): 2,
        ("web", "duplicate"): 2,
        ("web", "bad_request"): 1,
        ("app", "accepted"): 1,
    }
    assert all(0 < one < 10 for one in seconds)
    await log.close()


# --- bounds


def with_a_key_of_its_own(number: int) -> Record:
    return a_record(f"m{number}", context={"consent": {"categoryPreferences": {f"c{number}": True}}})


@pytest.mark.asyncio
async def test_the_table_of_routing_keys_is_bounded_and_keys_beyond_it_come_from_the_body(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db")
    for first in range(0, 102_000, 2_000):
        await log.append([with_a_key_of_its_own(number) for number in range(first, first + 2_000)], [])
    await log.close()
    with sqlite3.connect(tmp_path / "log.db") as db:
        assert db.execute("SELECT count(*) FROM routing_keys").fetchone() == (100_000,)
    db.close()
    log = SqliteLog(tmp_path / "log.db")
    for offset in (0, 99_999, 100_000, 101_999):
        assert await log.read(offset, 1) == [with_a_key_of_its_own(offset)]
    counts = await log.key_counts(0, 1)
    assert len(counts) == 102_000
    assert set(counts.values()) == {1}
    await log.close()


@pytest.mark.asyncio
async def test_samples_of_discards_are_bounded_and_their_counts_are_not(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db")
    flood = [Discard("web", 0, DiscardCode.EMPTY_BATCH, b"x")] * 2_500
    for _ in range(4):
        await log.append([], flood)
    assert len(await log.discards(10_000)) == 400
    assert [one.events for one in await log.received(0, 1)] == [10_000]
    await log.close()


# --- message ids seen

prints = st.integers(0, (1 << 64) - 1) | st.integers(0, 40).map(lambda low: low << 32 | low)


@given(st.lists(prints, max_size=300), st.integers(0, 1 << 33))
def test_a_remembered_id_is_never_missed(added: list[int], first: int) -> None:
    """However full its tables are, and wherever the log has got to: low halves of offsets come round at 2^32 - 1."""
    seen = Seen(first_slots=8)
    for number, print_ in enumerate(added):
        assert all(offset < first + number for offset in seen.candidates(print_, first + number))
        seen.add(print_, first + number)
    head = first + len(added)
    for number, print_ in enumerate(added):
        assert first + number in seen.candidates(print_, head)


@given(st.lists(prints, max_size=100, unique=True), st.sets(prints, max_size=20))
def test_an_id_that_was_never_added_shares_answers_only_with_ids_of_the_same_high_half(
    added: list[int], others: set[int]
) -> None:
    seen = Seen(first_slots=8)
    for offset, print_ in enumerate(added):
        seen.add(print_, offset)
    for print_ in others - set(added):
        assert all(added[offset] >> 32 == print_ >> 32 for offset in seen.candidates(print_, len(added)))


@given(st.integers(60, 400))
def test_memory_is_bounded_and_the_newest_ids_stay(most: int) -> None:
    seen = Seen(first_slots=8, most_remembered=most)
    for number in range(6 * most):
        seen.add(fingerprint("web", str(number)), number)
    remembered = [n for n in range(6 * most) if n in seen.candidates(fingerprint("web", str(n)), 6 * most)]
    assert remembered == list(range(remembered[0], 6 * most))
    assert most // 4 < len(remembered) < 6 * most


@given(st.integers((1 << 32) - 400, (1 << 32) + 400))
@settings(max_examples=20)
def test_offsets_beyond_32_bits_are_told_apart(first: int) -> None:
    seen = Seen(first_slots=1 << 10)
    for number in range(500):
        seen.add(fingerprint("web", str(number)), first + number)
    for number in range(500):
        assert first + number in seen.candidates(fingerprint("web", str(number)), first + 500)


def test_fingerprints_are_the_same_in_every_process_and_of_every_source_their_own() -> None:
    assert fingerprint("web", "m1") == 2_731_407_316_514_724_599
    ways = [("web", "m1"), ("we", "bm1"), ("web", "M1"), ("", "webm1"), ("web\0m1", "")]
    found = {fingerprint(*way) for way in ways}
    assert len(found) == len(ways)
    assert all(0 <= one < 1 << 64 for one in found)
    assert not any(one == other for one, other in pairwise(sorted(found)))


def test_a_log_of_before_what_is_deleted_was_overwritten_is_rewritten_once(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    LogFile(path).close()
    secret = token_urlsafe(40).encode()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA secure_delete = OFF")
        db.execute("PRAGMA user_version = 2")
        for sample in (secret, b"another"):
            db.execute("INSERT INTO discards (source, received_at, code, sample) VALUES ('web', 0, 'x', ?)", (sample,))
        db.execute("DELETE FROM discards WHERE sample = ?", (secret,))
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert secret in path.read_bytes()
    file = LogFile(path)
    assert file.truncate_wal()
    assert not [one.name for one in tmp_path.iterdir() if secret in one.read_bytes()]
    file.close()


# --- where a message id is


@pytest.mark.asyncio
async def test_a_message_id_is_found_in_every_run_and_beyond_the_last(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db")
    count = 2 * RUN + 700
    for first in range(0, count, 3_000):
        numbers = range(first, min(count, first + 3_000))
        await log.append([a_record(f"m{one}", source="web" if one % 3 else "app") for one in numbers], [])
    for number in (0, 1, 511, 512, RUN - 1, RUN, RUN + 1, 20_000, 2 * RUN - 1, 2 * RUN, count - 1):
        assert [one.offset for one in await log.find(f"m{number}")] == [number]
    assert await log.find("never sent") == []
    start = await log.trim(RUN + 600, 0)
    assert await log.find("m1") == await log.find(f"m{start - 600}") == []
    assert [one.offset for one in await log.find(f"m{start}")] == [start]
    await log.close()
    log = SqliteLog(tmp_path / "log.db")
    assert [one.offset for one in await log.find(f"m{2 * RUN - 1}")] == [2 * RUN - 1]
    await log.close()


@pytest.mark.parametrize("narrow", [1 << 64, 1 << 50, 1 << 20])
def test_fingerprints_are_found_however_unevenly_they_are_spread(tmp_path: Path, narrow: int) -> None:
    """Whoever sends events chooses their message ids, and so their fingerprints."""
    db = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    prepare_tables(db)
    chance = random.Random(1)
    prints = [chance.randrange(narrow) for _ in range(RUN)]
    for first in range(0, RUN, 512):
        some = array("Q", prints[first : first + 512]).tobytes()
        db.execute("INSERT INTO blocks VALUES (?, 512, 0, ?, '')", (first, some))
    index_prints(db, RUN)
    for offset in chance.sample(range(RUN), 50):
        assert offset in list(find_prints(db, prints[offset]))
    assert db.execute("SELECT count(*) FROM print_runs").fetchone() == (1,)
    db.close()


@pytest.mark.asyncio
async def test_a_file_of_an_older_version_is_counted_and_indexed_when_it_is_opened(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db")
    for hour in (0, 1, 23, 24, 25):
        some = [a_record(f"h{hour}-{one}", at=hour * HOUR_MS) for one in range(RUN // 5 + 9)]
        await log.append(some, [Discard("web", hour * HOUR_MS, DiscardCode.BAD_REQUEST, b"")])
    everything = (
        await log.key_counts(0, 48),
        await log.received(0, 2880, minutes=1440),
        await log.find("h0-7"),
    )
    await log.close()
    with sqlite3.connect(tmp_path / "log.db") as db:
        for table in ("key_day_counts", "received_days", "print_runs"):
            db.execute(f"DROP TABLE {table}")
        db.execute("DROP INDEX blocks_by_time")
        db.execute("PRAGMA user_version = 1")
    db.close()
    snapshot = LogSnapshot(tmp_path / "log.db")  # beside a server of before, perhaps
    assert snapshot.key_counts(0, 48) == everything[0]
    snapshot.close()
    log = SqliteLog(tmp_path / "log.db")
    assert (
        await log.key_counts(0, 48),
        await log.received(0, 2880, minutes=1440),
        await log.find("h0-7"),
    ) == everything
    await log.close()


# --- how many came in


@pytest.mark.asyncio
async def test_what_came_late_is_counted_in_hours_that_were_asked_for_before(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db")

    async def events(since: int, until: int) -> int:
        return sum((await log.key_counts(since, until)).values())

    await log.append([a_record(f"h{hour}", at=hour * HOUR_MS) for hour in range(10)], [])
    assert [await events(2, 10), await events(2, 10), await events(3, 11)] == [8, 8, 7]
    await log.append([a_record("late", at=5 * HOUR_MS)], [])
    assert [await events(2, 10), await events(3, 11), await events(6, 11)] == [9, 8, 4]
    await log.append([a_record("h10", at=10 * HOUR_MS), a_record("h11", at=11 * HOUR_MS)], [])
    assert [await events(3, 11), await events(4, 12), await events(2, 10)] == [9, 9, 9]
    await log.trim(0, 30 * HOUR_MS)
    assert [await events(2, 10), await events(4, 12)] == [0, 0]
    await log.close()
