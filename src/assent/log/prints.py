"""Where a message id may be in the log: fingerprints in sorted runs, so that nobody looks through all of them.

The fingerprints of `RUN` offsets are one row, a *run*, whose number is the first of them divided by `RUN`. It is
written once the log has come to its end, and never changed. An entry has 8 bytes: the high bits of a fingerprint, and
in the low ones the offset within the run. Fingerprints are spread evenly, so a page or two of each run need to be read.
"""

import sqlite3
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from assent.log.block import MOST_RECORDS

RUN: Final = 1 << 14
_INDEX: Final = RUN - 1
_BYTES: Final = 8
_WINDOW: Final = 256
"""How far from its expected place an entry is looked for at first: four times the standard deviation."""


def index_prints(db: sqlite3.Connection, head: int) -> None:
    """Write the runs that are whole now that the log has come to `head`, in the open transaction."""
    numbers, first = db.execute("SELECT (SELECT max(number) FROM print_runs), min(first) FROM blocks").fetchone()
    number = numbers + 1 if numbers is not None else (first or 0) // RUN
    while (number + 1) * RUN <= head:
        db.execute("INSERT INTO print_runs VALUES (?, ?)", (number, _run(db, number)))
        number += 1


def _run(db: sqlite3.Connection, number: int) -> bytes:
    start, end = number * RUN, (number + 1) * RUN
    rows = db.execute(
        "SELECT first, fingerprints FROM blocks WHERE first > ? AND first < ? ORDER BY first",
        (start - MOST_RECORDS, end),
    )
    entries = [
        print_ & ~_INDEX | offset - start
        for first, prints in rows
        for offset, print_ in enumerate(array("Q", prints), first)
        if start <= offset < end
    ]
    return array("Q", sorted(entries)).tobytes()


def forget_prints(db: sqlite3.Connection, start: int) -> None:
    """Delete the runs of offsets below `start`, in the open transaction."""
    db.execute("DELETE FROM print_runs WHERE number < ?", (start // RUN,))


def find_prints(db: sqlite3.Connection, print_: int) -> Iterator[int]:
    """The offsets where this fingerprint may be. To be read to its end: what it sees is of one moment."""
    db.execute("SAVEPOINT find_prints")
    try:
        end = 0
        for number, size in db.execute("SELECT number, length(prints) FROM print_runs ORDER BY number").fetchall():
            with db.blobopen("print_runs", "prints", number, readonly=True) as run:
                for index in _indexes(run, size // _BYTES, print_):
                    yield number * RUN + index
            end = (number + 1) * RUN
        yield from _not_yet_indexed(db, end, print_)
    finally:
        db.execute("RELEASE find_prints")


def _indexes(run: sqlite3.Blob, count: int, print_: int) -> Iterator[int]:
    """The offsets within one run that this fingerprint has."""
    low, high = print_ & ~_INDEX, print_ | _INDEX
    expected, reach = print_ * count >> 64, _WINDOW
    while True:
        first, end = max(0, expected - reach), min(count, expected + reach)
        entries = _read(run, first, end)
        if (first == 0 or entries[0] < low) and (end == count or entries[-1] > high):
            break
        reach *= 4
    for entry in entries[bisect_left(entries, low) : bisect_right(entries, high)]:
        yield entry & _INDEX


def _read(run: sqlite3.Blob, first: int, end: int) -> Sequence[int]:
    run.seek(first * _BYTES)
    return array("Q", run.read((end - first) * _BYTES))


def _not_yet_indexed(db: sqlite3.Connection, start: int, print_: int) -> Iterator[int]:
    wanted = array("Q", [print_]).tobytes()
    for first, prints in db.execute(
        "SELECT first, fingerprints FROM blocks WHERE first > ? AND instr(fingerprints, ?)",
        (start - MOST_RECORDS, wanted),
    ).fetchall():
        yield from (
            first + index for index, one in enumerate(array("Q", prints)) if one == print_ and first + index >= start
        )
