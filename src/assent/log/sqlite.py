"""The log in one SQLite file: group commit, one fsync for many requests, checkpoints under our control."""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from assent.domain.errors import LogUnavailable, NotFound
from assent.domain.record import Discard, DiscardCode, Record
from assent.engine.person import People
from assent.log.block import Erasure
from assent.log.interface import Counts, Erased, Found, KeyCounts, Received
from assent.log.seen import fingerprint
from assent.log.sqlite_file import SAMPLE_BYTES, Block, LogFile
from assent.log.tail import Tail
from assent.log.writer import Writer

DUPLICATES_MS: Final = 24 * 3600 * 1000
_CHECKPOINT_BYTES: Final = 32 << 20
_RESTART_BYTES: Final = 256 << 20
_COMMIT_OVERHEAD_BYTES: Final = 16 << 10
_SAMPLES_A_COMMIT: Final = 500

_Answer = TypeVar("_Answer")

OnCommit: TypeAlias = Callable[[float, Counts], None]
"""What is told of each commit: how many seconds it took, and what it stored."""


class _Group:
    """What waits for one commit; `trim` is the start to delete up to and the time before which discards go.

    `erasures` are blocks without some people, by where they begin, `samples` the discards to forget the looks of.
    `purge` is to leave the write-ahead log empty, and then whether it is.
    """

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.discards: list[Discard] = []
        self.received: Counts = Counter()
        self.trim: tuple[int, int] | None = None
        self.erasures: list[tuple[int, Erasure, People]] = []
        self.samples: list[int] = []
        self.purge = False
        self.waiters: list[asyncio.Future[None]] = []
        self.started = 0.0


class SqliteLog:
    """One SQLite file as the log.

    All methods belong to one event loop. Rows are prepared there, between requests, and committed by one writer
    thread: while it waits for the disk, the next group gathers. Preparing them in the thread instead would hand the
    interpreter's lock back and forth for each statement.
    """

    def __init__(self, path: Path, *, on_commit: OnCommit | None = None) -> None:
        self._file = LogFile(path)
        self._head = self._file.head
        self._start = self._file.start
        self._seen = self._file.load_seen(DUPLICATES_MS)
        self._tail = Tail()
        self._on_commit = on_commit
        self._writer = Writer(self._commit)
        self._reader = ThreadPoolExecutor(1, "log-reader")
        self._checkpointer = ThreadPoolExecutor(1, "log-checkpointer")
        self._pending = _Group()
        self._committing = self._purging = False
        self._readers: list[asyncio.Future[None]] = []
        self._wal_bytes = 0
        self._checkpoint: Future[bool] | None = None

    @property
    def head(self) -> int:
        return self._head

    @property
    def start(self) -> int:
        return self._start

    # ---------------------------------------------------------------------------------------- write

    async def append(self, records: Sequence[Record], discards: Sequence[Discard]) -> None:
        self._pending.records += records
        self._pending.discards += discards
        await self._next_commit()

    async def _next_commit(self) -> None:
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        self._pending.waiters.append(waiter)
        if len(self._pending.waiters) == 1 and not self._committing:
            # Not at once: every request of this turn of the loop shares the commit.
            loop.call_soon(self._commit_pending)
        await waiter

    def _commit_pending(self) -> None:
        if self._committing or not self._pending.waiters:
            return
        group, self._pending = self._pending, _Group()
        group.started = time.perf_counter()
        try:
            self._file.begin()
            blocks, start = self._prepare(group)
        except Exception as error:
            # INVARIANT: whatever goes wrong, nobody waits for ever, and the next group has its chance.
            self._fail(group, error)
            return
        self._committing, self._purging = True, group.purge
        loop = asyncio.get_running_loop()
        self._writer.commit(lambda done: loop.call_soon_threadsafe(self._committed, group, blocks, start, done))

    def _prepare(self, group: _Group) -> tuple[list[Block], int]:
        records, prints, duplicates = self._without_duplicates(group.records)
        blocks, group.received = self._file.prepare(records, prints, group.discards + duplicates)
        for first, erasure, _people in group.erasures:
            self._file.erase(first, erasure)
        self._file.erase_samples(group.samples)
        return blocks, self._file.trim(*group.trim) if group.trim else self._start

    def _without_duplicates(self, records: list[Record]) -> tuple[list[Record], list[int], list[Discard]]:
        kept: list[Record] = []
        prints: list[int] = []
        duplicates: list[Discard] = []
        for record in records:
            print_ = fingerprint(record.source, record.message_id)
            offset = self._head + len(kept)
            candidates = self._seen.candidates(print_, offset)
            if candidates and any(self._is_same(one, record, kept) for one in candidates):
                sample = record.message_id.encode()[:SAMPLE_BYTES]
                duplicates.append(Discard(record.source, record.received_at, DiscardCode.DUPLICATE, sample))
                continue
            self._seen.add(print_, offset)
            kept.append(record)
            prints.append(print_)
        return kept, prints, duplicates

    def _is_same(self, offset: int, record: Record, kept: list[Record]) -> bool:
        """Whether the record at `offset`, if it is there, is this one sent before, within 24 hours."""
        if offset < self._start:
            return False
        uncommitted = offset - self._head
        earlier = kept[uncommitted] if uncommitted >= 0 else self._tail.at(offset) or self._file.at(offset)
        return (
            earlier is not None
            and earlier.message_id == record.message_id
            and earlier.source == record.source
            and earlier.received_at > record.received_at - DUPLICATES_MS
        )

    def _commit(self) -> bool:
        """In the writer thread; whether the write-ahead log began anew."""
        self._file.commit()
        if self._purging:
            return self._file.truncate_wal()
        # INVARIANT: the write-ahead log is bounded. Under load a passive checkpoint never catches up with the writer,
        # so once in a while the writer itself waits for one.
        return self._wal_bytes > _RESTART_BYTES and self._file.restart_wal()

    def _committed(self, group: _Group, blocks: list[Block], start: int, done: bool | Exception) -> None:
        self._committing = False
        if isinstance(done, Exception):
            self._fail(group, done)
            return
        if self._on_commit is not None:
            self._on_commit(time.perf_counter() - group.started, group.received)
        self._advance(blocks, start, group.received)
        for first, erasure, people in group.erasures:
            self._tail.erase(first, erasure.indexes, people)
        group.purge = group.purge and done
        for waiter in group.waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._wake_readers()
        self._checkpoint_if_due(restarted=done)
        self._commit_pending()

    def _advance(self, blocks: list[Block], start: int, received: Counts) -> None:
        for block in blocks:
            self._tail.add(block)
            self._wal_bytes += block.stored
        self._wal_bytes += _COMMIT_OVERHEAD_BYTES
        if blocks:
            self._head = blocks[-1].first + len(blocks[-1].records)
        self._start = start
        self._file.committed(self._head, start, received)

    def _fail(self, group: _Group, error: BaseException) -> None:
        """Take the whole group back: nothing of it was stored."""
        with suppress(sqlite3.Error):  # what stays open makes the next `begin` fail, which tries this again
            self._file.rollback()
        unavailable = LogUnavailable(f"the log cannot be written: {error}; nothing was stored, send it again later")
        for waiter in group.waiters:
            if not waiter.done():
                waiter.set_exception(unavailable)
        self._commit_pending()

    def _checkpoint_if_due(self, *, restarted: bool) -> None:
        if self._checkpoint is not None and not self._checkpoint.done():
            return
        caught_up = self._checkpoint is not None and not self._checkpoint.exception() and self._checkpoint.result()
        if restarted or caught_up:
            self._wal_bytes = 0
        self._checkpoint = None
        if self._wal_bytes > _CHECKPOINT_BYTES:
            self._checkpoint = self._checkpointer.submit(self._file.checkpoint)

    # ---------------------------------------------------------------------------------------- read

    async def read(self, offset: int, limit: int) -> Sequence[Record]:
        if offset < self._start:
            raise _trimmed(offset)
        if offset >= self._head:
            return []
        found = self._tail.read(offset, limit) or await self._aside(self._file.read, offset, limit)
        if not found:
            raise _trimmed(offset)
        return found

    async def wait(self, offset: int) -> None:
        while offset >= self._head:
            waiter = asyncio.get_running_loop().create_future()
            self._readers.append(waiter)
            await waiter

    def _wake_readers(self) -> None:
        readers, self._readers = self._readers, []
        for reader in readers:
            if not reader.done():
                reader.set_result(None)

    async def _aside(self, read: Callable[..., _Answer], *arguments: object) -> _Answer:
        """What `read` answers, from the reader thread."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, read, *arguments)

    async def find(self, message_id: str) -> Sequence[Found]:
        return await self._aside(self._file.find, message_id)

    async def received(self, since: int, until: int, *, minutes: int = 1) -> Sequence[Received]:
        return await self._aside(self._file.received, since, until, minutes)

    async def discards(self, limit: int, before: int | None = None) -> Sequence[tuple[int, Discard]]:
        return await self._aside(self._file.discards, limit, before)

    async def key_counts(self, since: int, until: int) -> KeyCounts:
        return await self._aside(self._file.key_counts, since, until)

    # ---------------------------------------------------------------------------------------- erase

    async def erase(self, people: People, offset: int, limit: int) -> Erased:
        end, found = await self._aside(self._file.look_for, people, max(offset, self._start), limit)
        changed = [(first, one, people) for first, one in found if one.block is not None]
        if changed:
            self._pending.erasures += changed
            await self._next_commit()
        offsets = [first + index for first, one in found for index in one.indexes]
        return Erased(end, offsets, sum(len(one.message_ids) for _first, one in found))

    async def erase_samples(self, people: People) -> None:
        samples = await self._aside(self._file.samples_of, people)
        for at in range(0, len(samples), _SAMPLES_A_COMMIT):
            self._pending.samples += samples[at : at + _SAMPLES_A_COMMIT]
            await self._next_commit()

    async def purge(self) -> bool:
        group = self._pending
        group.purge = True
        await self._next_commit()
        return group.purge

    # ---------------------------------------------------------------------------------------- trim, close

    async def trimmable(self, before: int, *, at_most_bytes: int | None = None) -> int:
        return await self._aside(self._file.trimmable, before, at_most_bytes)

    async def trim(self, start: int, before: int) -> int:
        while True:
            self._pending.trim = (start, before)
            await self._next_commit()
            if self._start >= start:
                return self._start

    async def close(self) -> None:
        await self._next_commit()
        self._writer.close()
        for executor in (self._checkpointer, self._reader):
            executor.shutdown()
        self._file.close()


def _trimmed(offset: int) -> NotFound:
    return NotFound(f"offset `{offset}` is no longer in the log: it was trimmed")
