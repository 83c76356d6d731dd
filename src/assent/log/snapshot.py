"""The log's SQLite file as it is at one moment, for commands beside a server that may be writing it."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from assent.domain.record import Record
from assent.engine.audit import LogFigures, Stretch
from assent.log.interface import ACCEPTED, KeyCounts
from assent.log.sqlite_file import LogFile

_MISSING = """
SELECT before, first FROM (SELECT first, lag(first + count, 1, :start) OVER (ORDER BY first) AS before FROM blocks)
WHERE before < first ORDER BY first
"""


class LogSnapshot(LogFile):
    """A log's file that is only read: everything it answers is as of the moment it was opened.

    While it is open, no other process can begin the write-ahead log anew: close it soon.
    """

    def _open(self, path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection, sqlite3.Connection]:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        db.execute("BEGIN")
        return db, db, db

    def figures(self) -> LogFigures:
        """What `assent audit` compares the accounts with."""
        accepted, everything = self._read_db.execute(
            "SELECT coalesce(sum(count) FILTER (WHERE code = ?), 0), coalesce(sum(count), 0) FROM received", (ACCEPTED,)
        ).fetchone()
        missing = self._read_db.execute(_MISSING, {"start": self.start}).fetchall()
        return LogFigures(
            self.start, self.head, accepted, everything - accepted, tuple(Stretch(*one) for one in missing)
        )


class SnapshotReader:
    """A snapshot, to be read as a `Log` is: for what reads either."""

    def __init__(self, log: LogSnapshot) -> None:
        self._log = log
        self.head = log.head
        self.start = log.start

    async def read(self, offset: int, limit: int) -> Sequence[Record]:
        return self._log.read(offset, limit)

    async def key_counts(self, since: int, until: int) -> KeyCounts:
        return self._log.key_counts(since, until)

    async def trimmable(self, before: int, *, at_most_bytes: int | None = None) -> int:
        return self._log.trimmable(before, at_most_bytes)
