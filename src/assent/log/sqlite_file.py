"""The log's SQLite file: its tables and every statement that touches them. Synchronous."""

from typing import Final

_MOST_KEYS: Final = 100_000
_MOST_KEY_BYTES: Final = 2_048
_MOST_SAMPLES_A_COMMIT: Final = 100
_MOST_SAMPLES: Final = 100_000
_BLOCKS_A_TRIM: Final = 20
_NO_ID: Final = 1 << 62  # above every one there will ever be

_SCHEMA = """
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
PRAGMA user_version = 1;
"""
