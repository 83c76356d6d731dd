"""The log's SQLite file: its tables and every statement that touches them. Synchronous."""

import sqlite3
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from assent.domain.record import Discard, DiscardCode, Record
from assent.engine.person import People
from assent.log.block import MOST_RECORDS, UNKNOWN_KEY, Erasure, decode_block, encode_block, erase_from_block
from assent.log.counting import count, forget_keys, key_sums, received
from assent.log.interface import ACCEPTED, Counts, Found, KeyCounts, Received
from assent.log.key_sums import KeySums
from assent.log.prints import RUN, find_prints, forget_prints, index_prints
from assent.log.schema import COUNTS_DAYS_SINCE, prepare_tables
from assent.log.seen import MOST_REMEMBERED, Seen, fingerprint

_MOST_KEYS: Final = 100_000
_MOST_KEY_BYTES: Final = 2_048
_MOST_SAMPLES_A_COMMIT: Final = 100
_MOST_SAMPLES: Final = 100_000
_BLOCKS_A_TRIM: Final = 20
SAMPLE_BYTES: Final = 500
"""How much is kept of something that never became an event."""
_NO_ID: Final = 1 << 62  # above every one there will ever be


class Block(NamedTuple):
    """A run of records that one commit wrote; `stored` is how many bytes they take on disk."""

    first: int
    records: list[Record]
    stored: int

    @property
    def size(self) -> int:
        """Bytes in memory, nearly: those of the events."""
        return sum(len(one.body) for one in self.records)


class LogFile:
    """One SQLite file that holds the log, with a connection to write, one to read and one for checkpoints.

    The connections may be used from three threads, each from one at a time.
    """

    def __init__(self, path: Path) -> None:
        self._db, self._read_db, self._checkpoint_db = self._open(path)
        self._load_keys()
        self._new_keys: list[bytes] = []
        self._block_read_last = Block(0, [], 0)
        self.start: int = self._db.execute("SELECT start FROM trimmed").fetchone()[0]
        last = self._db.execute("SELECT first + count FROM blocks ORDER BY first DESC LIMIT 1").fetchone()
        self.head: int = max(self.start, last[0]) if last else self.start
        by_day = self._db.execute("PRAGMA user_version").fetchone()[0] >= COUNTS_DAYS_SINCE
        self._key_sums = KeySums(partial(key_sums, self._read_db, by_day=by_day))
        self._newest_hour: int = self._db.execute("SELECT coalesce(max(hour), 0) FROM key_counts").fetchone()[0]
        self._counts_changed = 0
        self._has_forgotten = False

    def _open(self, path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection, sqlite3.Connection]:
        """The three connections. The file is made where there is none."""
        db = _connect(path)
        prepare_tables(db)
        return db, _connect(path), _connect(path)

    def _load_keys(self) -> None:
        rows = self._db.execute("SELECT id, key FROM routing_keys").fetchall()
        self._key_ids: dict[bytes, int] = {key: id_ for id_, key in rows}
        self._keys: dict[int, bytes] = dict(rows)

    def load_seen(self, window_ms: int) -> Seen:
        """The message ids of the newest event and of those up to `window_ms` before it, as far as they can be kept."""
        seen = Seen()
        rows = self._db.execute(
            "SELECT first, fingerprints FROM blocks"
            " WHERE first >= ? AND received_at >= (SELECT max(received_at) FROM blocks) - ? ORDER BY first",
            (self.head - MOST_REMEMBERED, window_ms),
        )
        for first, fingerprints in rows:
            for index, print_ in enumerate(array("Q", fingerprints)):
                seen.add(print_, first + index)
        return seen

    # ---------------------------------------------------------------------------------------- write

    def prepare(
        self, records: Sequence[Record], prints: Sequence[int], discards: Sequence[Discard]
    ) -> tuple[list[Block], Counts]:
        """Write rows into the open transaction, leaving only the commit; `prints` are fingerprints of `records`."""
        blocks = [
            self._insert_block(self.head + at, records[at : at + MOST_RECORDS], prints[at : at + MOST_RECORDS])
            for at in range(0, len(records), MOST_RECORDS)
        ]
        head = self.head + len(records)
        if head // RUN > self.head // RUN:
            index_prints(self._db, head)
        if discards:
            self._insert_discards(discards)
        return blocks, count(self._db, records, discards, self._key_ids)

    def begin(self) -> None:
        self._new_keys.clear()
        self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self._db.execute("COMMIT")

    def committed(self, head: int, start: int, received: Counts) -> None:
        """What was prepared is on disk: the log now goes from `start` to `head`."""
        self.head, self.start = head, start
        hours = {minute // 60 for minute, _source, code in received if code == ACCEPTED}
        if self._has_forgotten or (hours and min(hours) < self._newest_hour):
            self._counts_changed += 1
        self._newest_hour = max((self._newest_hour, *hours))
        self._has_forgotten = False

    def rollback(self) -> None:
        """Take back everything since `begin`."""
        self._has_forgotten = False
        for key in self._new_keys:
            del self._keys[self._key_ids.pop(key)]
        self._new_keys.clear()
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _insert_block(self, first: int, records: Sequence[Record], prints: Sequence[int]) -> Block:
        block = encode_block(records, [self._key_id(one.routing_key) for one in records])
        self._db.execute(
            "INSERT INTO blocks VALUES (?, ?, ?, ?, ?)",
            (first, len(records), records[-1].received_at, array("Q", prints).tobytes(), block),
        )
        return Block(first, list(records), len(block))

    def _key_id(self, key: bytes) -> int:
        id_ = self._key_ids.get(key)
        if id_ is None:
            if len(key) > _MOST_KEY_BYTES or len(self._key_ids) >= _MOST_KEYS:
                return UNKNOWN_KEY
            id_ = len(self._key_ids) + 1
            self._db.execute("INSERT INTO routing_keys VALUES (?, ?)", (id_, key))
            self._new_keys.append(key)
            self._key_ids[key] = id_
            self._keys[id_] = key
        return id_

    def _insert_discards(self, discards: Sequence[Discard]) -> None:
        # All are counted; as samples to look at the newest will do, or a flood of them would fill the disk.
        self._db.executemany(
            "INSERT INTO discards (source, received_at, code, sample) VALUES (?, ?, ?, ?)",
            [(one.source, one.received_at, one.code, one.sample) for one in discards[:_MOST_SAMPLES_A_COMMIT]],
        )
        self._db.execute("DELETE FROM discards WHERE id <= (SELECT max(id) FROM discards) - ?", (_MOST_SAMPLES,))

    def erase(self, first: int, erasure: Erasure) -> None:
        """Put a block without some people in the place of the one at `first`, in the open transaction."""
        self._block_read_last = Block(0, [], 0)
        self._db.execute("UPDATE blocks SET records = ? WHERE first = ?", (erasure.block, first))
        self._db.executemany(
            "UPDATE discards SET sample = x'' WHERE code = ? AND sample = ?",
            [(DiscardCode.DUPLICATE, one.encode()[:SAMPLE_BYTES]) for one in erasure.message_ids],
        )

    def erase_samples(self, ids: Sequence[int]) -> None:
        """Forget what these discards looked like, in the open transaction."""
        self._db.executemany("UPDATE discards SET sample = x'' WHERE id = ?", [(one,) for one in ids])

    def truncate_wal(self) -> bool:
        """Move all of the write-ahead log into the file and leave it empty, while the writer waits; whether it went."""
        try:
            busy = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.Error:
            return False
        return not busy

    def restart_wal(self) -> bool:
        """Move all of the write-ahead log into the file and begin it anew, while the writer waits; whether it went."""
        try:
            busy = self._db.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0]
        except sqlite3.Error:
            return False  # what was committed stays committed; the next commit tries again
        return not busy

    def checkpoint(self) -> bool:
        """Move what can be moved without keeping the writer; whether that was all of it."""
        busy, written, moved = self._checkpoint_db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return not busy and bool(written == moved)

    # ---------------------------------------------------------------------------------------- read

    def at(self, offset: int) -> Record | None:
        """The record at `offset`, for the writer.

        Clients send whole batches again, so the block that was read last is likely to hold the next one too.
        """
        first, records, _ = self._block_read_last
        if not first <= offset < first + len(records):
            row = self._db.execute(
                "SELECT first, records FROM blocks WHERE first <= ? ORDER BY first DESC LIMIT 1", (offset,)
            ).fetchone()
            if row is None:
                return None
            first, records = row[0], decode_block(row[1], self._keys.__getitem__)
            self._block_read_last = Block(first, records, len(row[1]))
        return records[offset - first] if offset - first < len(records) else None

    def read(self, offset: int, limit: int) -> list[Record]:
        """The records from `offset` on, at most `limit`; none when a trim has taken it meanwhile."""
        found: list[Record] = []
        rows = self._read_db.execute(
            "SELECT first, records FROM blocks WHERE first > ? AND first < ? ORDER BY first",
            (offset - MOST_RECORDS, offset + limit),
        )
        for first, block in rows:
            # INVARIANT: what is found is at `offset` and after. Blocks have no gaps, but the first may just be gone.
            if first > offset and not found:
                break
            found += decode_block(block, self._keys.__getitem__)[max(0, offset - first) :]
            if len(found) >= limit:
                break
        return found[:limit]

    def look_for(self, people: People, offset: int, limit: int) -> tuple[int, list[tuple[int, Erasure]]]:
        """Where the blocks from `offset` on end that hold about `limit` records; and those in which there is something
        of some people, or was."""
        end, found = offset + limit, []
        for first, records, block in self._read_db.execute(
            "SELECT first, count, records FROM blocks WHERE first > ?1 AND first < ?2 AND first + count > ?3"
            " ORDER BY first",
            (offset - MOST_RECORDS, offset + limit, offset),
        ):
            erasure = erase_from_block(block, people)
            if erasure.indexes:
                found.append((first, erasure))
            end = max(end, first + records)
        return end, found

    def samples_of(self, people: People) -> list[int]:
        """The ids of the discards whose samples show one of some people."""
        rows = self._read_db.execute("SELECT id, sample FROM discards WHERE sample <> x''")
        return [id_ for id_, sample in rows if people.are_in_sample(sample)]

    def find(self, message_id: str) -> list[Found]:
        sources = [source for (source,) in self._read_db.execute("SELECT DISTINCT source FROM received_days")]
        found = []
        for source in sources:
            for offset in list(find_prints(self._read_db, fingerprint(source, message_id))):
                found += [
                    Found(offset, one)
                    for one in self.read(offset, 1)
                    if one.message_id == message_id and one.source == source
                ]
        return sorted(found, key=lambda one: -one.offset)

    def _bytes_used(self) -> int:
        pages, free, size = (
            self._read_db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def trimmable(self, before: int, at_most_bytes: int | None) -> int:
        # The plus has it look through the index by time, which is small, and not through all blocks.
        first = self._read_db.execute("SELECT min(+first) FROM blocks WHERE received_at >= ?", (before,)).fetchone()[0]
        start = int(first) if first is not None else self.head
        surplus = self._bytes_used() - at_most_bytes if at_most_bytes is not None else 0
        if surplus > 0:
            for first, count, size in self._read_db.execute(
                "SELECT first, count, length(records) FROM blocks ORDER BY first"
            ):
                if surplus <= 0:
                    break
                surplus -= size
                start = max(start, first + count)
        return max(start, self.start)

    def trim(self, start: int, before: int) -> int:
        """Delete, in the open transaction, a few of the blocks below `start` and the discards before `before`.

        Few at a time, so that requests do not wait long. Returns the new start.
        """
        rows = self._db.execute(
            "SELECT first, count FROM blocks WHERE first + count <= ? ORDER BY first LIMIT ?", (start, _BLOCKS_A_TRIM)
        ).fetchall()
        self._db.executemany("DELETE FROM blocks WHERE first = ?", [(first,) for first, _count in rows])
        self._db.execute(
            "DELETE FROM discards"
            " WHERE id < coalesce((SELECT id FROM discards WHERE received_at >= ? ORDER BY id LIMIT 1), ?)",
            (before, _NO_ID),
        )
        self._has_forgotten = forget_keys(self._db, before)
        new_start = int(rows[-1][0] + rows[-1][1]) if rows else start
        forget_prints(self._db, new_start)
        self._db.execute("UPDATE trimmed SET start = ?", (new_start,))
        return new_start

    def received(self, since: int, until: int, minutes: int = 1) -> list[Received]:
        return received(self._read_db, since, until, minutes)

    def discards(self, limit: int, before: int | None = None) -> list[tuple[int, Discard]]:
        rows = self._read_db.execute(
            "SELECT id, source, received_at, code, sample FROM discards WHERE id < ? ORDER BY id DESC LIMIT ?",
            (before if before is not None else _NO_ID, limit),
        )
        return [(id_, Discard(source, at, DiscardCode(code), sample)) for id_, source, at, code, sample in rows]

    def key_counts(self, since: int, until: int) -> KeyCounts:
        sums = self._key_sums.between(since, until, self._newest_hour, self._counts_changed)
        keys = self._keys
        counts = Counter({(source, keys[id_]): events for (source, id_), events in sums.items() if id_ != UNKNOWN_KEY})
        if any(id_ == UNKNOWN_KEY for _source, id_ in sums):
            counts.update(self._unknown_keys(since, until))
        return counts

    def _unknown_keys(self, since: int, until: int) -> Iterator[tuple[str, bytes]]:
        """Source and routing key of each record whose key the table had no room for, from their bodies."""
        for (block,) in self._read_db.execute(
            "SELECT records FROM blocks WHERE received_at >= ? ORDER BY first", (since * 3_600_000,)
        ):
            for record in decode_block(block, self._keys.__getitem__):
                if since <= record.received_at // 3_600_000 < until and record.routing_key not in self._key_ids:
                    yield record.source, record.routing_key

    def close(self) -> None:
        for db in (self._read_db, self._checkpoint_db, self._db):
            db.close()


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1, cached_statements=64)
    db.execute("PRAGMA page_size = 8192")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute("PRAGMA cache_size = -16000")
    # INVARIANT: what was deleted is nowhere in the file: its place is overwritten.
    db.execute("PRAGMA secure_delete = ON")
    return db
