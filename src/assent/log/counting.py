"""How much came in: counted by the minute, the hour and the day, and added up."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeVar

from assent.domain.record import Discard, Record
from assent.log.block import UNKNOWN_KEY
from assent.log.interface import ACCEPTED, Counts, Received

_DAY_MINUTES: Final = 1440
_DAY_MS: Final = 86_400_000

_ADD: Final = " VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count"
_ADD_RECEIVED: Final = "INSERT INTO received" + _ADD
_ADD_RECEIVED_DAYS: Final = "INSERT INTO received_days" + _ADD
_ADD_KEYS: Final = "INSERT INTO key_counts" + _ADD
_ADD_KEY_DAYS: Final = "INSERT INTO key_day_counts" + _ADD

_SUM: Final = "SELECT source, key_id, sum(count) FROM "
_SUM_HOURS: Final = _SUM + "key_counts WHERE hour >= ? AND hour < ? GROUP BY source, key_id"
_SUM_DAYS: Final = _SUM + "key_day_counts WHERE day >= ? AND day < ? GROUP BY source, key_id"

_What = TypeVar("_What", str, int)


def count(
    db: sqlite3.Connection, records: Sequence[Record], discards: Sequence[Discard], key_ids: Mapping[bytes, int]
) -> Counts:
    """Add these to all counters, in the open transaction; returns what was received by the minute."""
    received = Counter((one.received_at // 60_000, one.source, ACCEPTED) for one in records)
    received.update((one.received_at // 60_000, one.source, str(one.code)) for one in discards)
    keys = Counter(
        (one.received_at // 3_600_000, one.source, key_ids.get(one.routing_key, UNKNOWN_KEY)) for one in records
    )
    for add, counts in (
        (_ADD_RECEIVED, received),
        (_ADD_RECEIVED_DAYS, _coarser(received, _DAY_MINUTES)),
        (_ADD_KEYS, keys),
        (_ADD_KEY_DAYS, _coarser(keys, 24)),
    ):
        db.executemany(add, [(*group, events) for group, events in counts.items()])
    return received


def _coarser(counts: Mapping[tuple[int, str, _What], int], times: int) -> Counter[tuple[int, str, _What]]:
    found: Counter[tuple[int, str, _What]] = Counter()
    for (at, source, what), events in counts.items():
        found[at // times, source, what] += events
    return found


def forget_keys(db: sqlite3.Connection, before: int) -> bool:
    """Forget the counts by routing key of the days that were over at `before` (epoch milliseconds), in the open
    transaction; whether there were any.

    INVARIANT: whole days go, so that a day stays the sum of its hours.
    """
    day = before // _DAY_MS
    db.execute("DELETE FROM key_day_counts WHERE day < ?", (day,))
    return db.execute("DELETE FROM key_counts WHERE hour < ?", (day * 24,)).rowcount > 0


def received(db: sqlite3.Connection, since: int, until: int, minutes: int) -> list[Received]:
    """As `Log.received`."""
    # A stretch takes whole days if its ends are ends of days, or if it is the only one.
    first, last = since, since
    if minutes % _DAY_MINUTES == 0 or minutes >= until:
        first, last = _whole(since, until, _DAY_MINUTES)
    rows = db.execute(
        "SELECT source, minute - minute % ?5 AS stretch, code, sum(count) FROM ("
        " SELECT minute, source, code, count FROM received WHERE minute >= ?1 AND minute < ?2"
        " UNION ALL SELECT day * 1440, source, code, count FROM received_days"
        " WHERE day >= ?2 / 1440 AND day < ?3 / 1440"
        " UNION ALL SELECT minute, source, code, count FROM received WHERE minute >= ?3 AND minute < ?4"
        ") GROUP BY source, stretch, code",
        (since, first, last, until, minutes),
    )
    return [Received(*row) for row in rows]


def key_sums(db: sqlite3.Connection, since: int, until: int, *, by_day: bool) -> Iterator[tuple[str, int, int]]:
    """Source, key id and how many events, of the hours in [since, until), UTC epoch hours; some come more than once.

    A file that no newer server has opened yet is not counted by the day.
    """
    first, last = _whole(since, until, 24) if by_day else (since, since)
    for query, start, end in (
        (_SUM_HOURS, since, first),
        (_SUM_DAYS, first // 24, last // 24),
        (_SUM_HOURS, last, until),
    ):
        if start < end:
            yield from db.execute(query, (start, end))


def _whole(since: int, until: int, unit: int) -> tuple[int, int]:
    """Where the whole units within [since, until) begin and end; both at `since` where there are none."""
    first, last = -(-since // unit) * unit, until // unit * unit
    return (first, last) if first < last else (since, since)
