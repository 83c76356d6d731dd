"""The tables of the log's SQLite file, and how an older file comes to them."""

import sqlite3
from typing import Final

from assent.log.prints import index_prints

NEWEST: Final = 3
"""The version of the file, kept in it as `user_version`."""

COUNTS_DAYS_SINCE: Final = 2
_OVERWRITES_SINCE: Final = 3

_FIRST = """
CREATE TABLE blocks (
    first INTEGER PRIMARY KEY,      -- the offset of its first record
    count INTEGER NOT NULL,
    received_at INTEGER NOT NULL,   -- of its last record, epoch milliseconds
    fingerprints BLOB NOT NULL,     -- 8 bytes a record: where a message id may be
    records BLOB NOT NULL
);
CREATE TABLE routing_keys (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE);
CREATE TABLE key_counts (
    hour INTEGER NOT NULL, source TEXT NOT NULL, key_id INTEGER NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (hour, source, key_id)
) WITHOUT ROWID;
CREATE TABLE received (
    minute INTEGER NOT NULL, source TEXT NOT NULL, code TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (minute, source, code)
) WITHOUT ROWID;
CREATE TABLE discards (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, received_at INTEGER NOT NULL, code TEXT NOT NULL, sample BLOB NOT NULL
);
CREATE TABLE trimmed (start INTEGER NOT NULL);
INSERT INTO trimmed VALUES (0);
"""

_SECOND = """
CREATE TABLE key_day_counts (
    day INTEGER NOT NULL, source TEXT NOT NULL, key_id INTEGER NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (day, source, key_id)
) WITHOUT ROWID;
CREATE TABLE received_days (
    day INTEGER NOT NULL, source TEXT NOT NULL, code TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (day, source, code)
) WITHOUT ROWID;
CREATE TABLE print_runs (
    number INTEGER PRIMARY KEY,     -- of the run of offsets: see log/prints.py
    prints BLOB NOT NULL
);
CREATE INDEX blocks_by_time ON blocks (received_at);
INSERT INTO key_day_counts SELECT hour / 24, source, key_id, sum(count) FROM key_counts
    GROUP BY hour / 24, source, key_id;
INSERT INTO received_days SELECT minute / 1440, source, code, sum(count) FROM received
    GROUP BY minute / 1440, source, code;
PRAGMA user_version = 2;
"""


def prepare_tables(db: sqlite3.Connection) -> None:
    """Make the tables where there are none, and what is new where they are older; all of it or nothing."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version < COUNTS_DAYS_SINCE:
        db.executescript("BEGIN IMMEDIATE;" + (_FIRST if version == 0 else "") + _SECOND)
        head = db.execute("SELECT coalesce(max(first + count), 0) FROM blocks").fetchone()[0]
        index_prints(db, head)
        db.execute("COMMIT")
    if 0 < version < _OVERWRITES_SINCE:
        # Written before what is deleted was overwritten: it may still lie where nothing is.
        db.execute("VACUUM")
    if version < NEWEST:
        db.execute(f"PRAGMA user_version = {NEWEST}")
