"""How many events settled: counted by the minute, the hour and the day, with and without their names, and added up."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, delete, func, select, union_all

from assent.domain.decision import Reason
from assent.domain.outcome import State
from assent.store.database import upsert
from assent.store.tables import counters, day_counters, event_counters, event_day_counters, hour_counters

_HOUR: Final = 60
_DAY: Final = 24 * _HOUR
_NAMES_AN_HOUR: Final = 200
"""How many different names of events are counted per destination and hour, because senders choose them."""

_KEEP_NAMES_DAYS: Final = 29
"""How long events are counted by their names: two weeks, and the two before to compare them with."""


class Account(NamedTuple):
    """What settled events are counted under; `event` is their name, empty where they have none."""

    source: str
    state: State
    reason: Reason
    event: str = ""


class Count(NamedTuple):
    """How many events of one account of one destination settled in one minute (UTC epoch)."""

    destination: str
    minute: int
    source: str
    state: State
    reason: Reason
    events: int


class Sum(NamedTuple):
    """How many events settled, by what they were added up by; None where they were not.

    `minute` (UTC epoch) is where the stretch of time begins. An `event` without a name has none, or came when there
    were too many different ones.
    """

    events: int
    destination: str | None = None
    minute: int | None = None
    source: str | None = None
    state: State | None = None
    reason: Reason | None = None
    event: str | None = None


class _Grain(NamedTuple):
    """Counters by one unit of time, which is so many minutes long."""

    table: Table
    unit: str
    minutes: int


_BY_ACCOUNT: Final = (
    _Grain(counters, "minute", 1),
    _Grain(hour_counters, "hour", _HOUR),
    _Grain(day_counters, "day", _DAY),
)
_BY_NAME: Final[Sequence[_Grain]] = (_Grain(event_counters, "hour", _HOUR), _Grain(event_day_counters, "day", _DAY))
"""The finest first. Each is added up from the one before, exactly."""


class Counting:
    """Counts what settles, in the transaction of whoever settles it."""

    def __init__(self) -> None:
        self._names: dict[str, tuple[int, set[str]]] = {}

    def add(self, connection: Connection, destination: str, minute: int, counts: Mapping[Account, int]) -> None:
        """Add to the counters of a destination; what is below zero is taken off."""
        if not counts:
            return
        names = self._names_of(connection, destination, minute // _HOUR)
        accounts: Counter[tuple[str, ...]] = Counter()
        by_name: Counter[tuple[str, ...]] = Counter()
        for account, events in counts.items():
            source, state, reason, event = account
            accounts[source, state, reason] += events
            if event and event not in names and len(names) < _NAMES_AN_HOUR:
                names.add(event)
            by_name[source, event if event in names else "", state, reason] += events
        for grain in _BY_ACCOUNT:
            _add(connection, grain, ("source", "state", "reason"), destination, minute, accounts)
        for grain in _BY_NAME:
            _add(connection, grain, ("source", "event", "state", "reason"), destination, minute, by_name)

    def _names_of(self, connection: Connection, destination: str, hour: int) -> set[str]:
        """The names that events are counted by in this hour, to add to."""
        known = self._names.get(destination)
        if known is None or known[0] != hour:
            query = select(event_counters.c.event).where(
                event_counters.c.hour == hour, event_counters.c.destination == destination
            )
            known = self._names[destination] = (hour, set(connection.scalars(query.distinct())))
        return known[1]


def counts(connection: Connection, since: int, until: int) -> list[Count]:
    """The counters of the minutes in [since, until), UTC epoch minutes."""
    columns = (counters.c[name] for name in Count._fields)
    query = select(*columns).where(counters.c.minute >= since, counters.c.minute < until)
    return [Count(row[0], row[1], row[2], State(row[3]), Reason(row[4]), row[5]) for row in connection.execute(query)]


def sums(
    connection: Connection,
    since: int,
    until: int,
    by: Iterable[str],
    *,
    minutes: int,
    limit: int,
    only: Mapping[str, str],
) -> list[Sum]:
    """As `Accounts.sums`."""
    by = list(by)
    rows = _rows(since, until, minutes, by, only)
    if rows is None:
        return []
    columns: list[ColumnElement[Any]] = [rows.c[name] for name in by]
    if minutes:
        columns.append((rows.c.minute - rows.c.minute % minutes).label("minute"))
    total = func.sum(rows.c.events).label("events")
    query = select(*columns, total).group_by(*columns).order_by(*columns).limit(limit)
    return [_sum(row) for row in connection.execute(query) if row.events is not None]


def totals(connection: Connection) -> dict[str, dict[State, int]]:
    """How many events ever settled, by destination and state."""
    return _totals(connection, day_counters)


def totals_by_unit(connection: Connection) -> dict[str, dict[str, dict[State, int]]]:
    """The totals three times, as counted by each unit of time, the finest first: they should be the same."""
    return {grain.unit: _totals(connection, grain.table) for grain in _BY_ACCOUNT}


def _totals(connection: Connection, table: Table) -> dict[str, dict[State, int]]:
    columns = (table.c.destination, table.c.state)
    found: dict[str, dict[State, int]] = {}
    for destination, state, events in connection.execute(select(*columns, func.sum(table.c.events)).group_by(*columns)):
        if events:
            found.setdefault(destination, {})[State(state)] = int(events)
    return found


def forget_names(connection: Connection, hour: int) -> None:
    """It is `hour` (UTC epoch): forget the names of events of days longer ago than two windows of two weeks.

    INVARIANT: whole days go, from all counters by name, so that a day stays the sum of its hours.
    """
    oldest = hour // 24 - _KEEP_NAMES_DAYS
    connection.execute(delete(event_counters).where(event_counters.c.hour < oldest * 24))
    connection.execute(delete(event_day_counters).where(event_day_counters.c.day < oldest))


def _rows(since: int, until: int, minutes: int, by: Sequence[str], only: Mapping[str, str]) -> Any:
    """The fewest counters that say what became of events in [since, until), which is cut into whole days, whole hours,
    and minutes at its ends. None for no time at all."""
    is_named = "event" in by or "event" in only
    grains = _BY_NAME if is_named else _BY_ACCOUNT
    if is_named:
        since, until = since // _HOUR * _HOUR, -(-until // _HOUR) * _HOUR
    fitting = [grains[0], *(one for one in grains[1:] if minutes % one.minutes == 0)]
    parts = [_part(*one, by, only) for one in _cut(since, until, fitting)]
    return union_all(*parts).subquery() if parts else None


def _cut(since: int, until: int, grains: Sequence[_Grain]) -> Iterator[tuple[_Grain, int, int]]:
    """Stretches of time, each with the coarsest counters that fit into it."""
    *finer, coarsest = grains
    first, last = -(-since // coarsest.minutes) * coarsest.minutes, until // coarsest.minutes * coarsest.minutes
    if first < last:
        yield from _cut(since, first, finer) if finer else ()
        yield coarsest, first, last
        yield from _cut(last, until, finer) if finer else ()
    elif finer:
        yield from _cut(since, until, finer)


def _part(grain: _Grain, start: int, end: int, by: Sequence[str], only: Mapping[str, str]) -> Select[Any]:
    columns, time = grain.table.c, grain.table.c[grain.unit]
    return select(*(columns[name] for name in by), (time * grain.minutes).label("minute"), columns.events).where(
        time >= start // grain.minutes,
        time < end // grain.minutes,
        *(columns[name] == value for name, value in only.items()),
    )


def _add(
    connection: Connection,
    grain: _Grain,
    keys: tuple[str, ...],
    destination: str,
    minute: int,
    counts: Mapping[tuple[str, ...], int],
) -> None:
    names = ("destination", grain.unit, *keys, "events")
    at = minute // grain.minutes
    rows = [dict(zip(names, (destination, at, *account, events), strict=True)) for account, events in counts.items()]
    connection.execute(adding(connection.dialect.name, grain.table), rows)


@cache
def adding(dialect: str, table: Table) -> Any:
    """The statement that adds to counters; kept, because making it takes as long as using it."""
    statement = upsert(dialect, table)
    return statement.on_conflict_do_update(
        index_elements=[one.name for one in table.primary_key],
        set_={"events": table.c.events + statement.excluded.events},
    )


def _sum(row: Row[*tuple[Any, ...]]) -> Sum:
    found = dict(row._mapping)
    state, reason = found.pop("state", None), found.pop("reason", None)
    found["events"] = int(found["events"])
    return Sum(**found, state=State(state) if state else None, reason=Reason(reason) if reason else None)
