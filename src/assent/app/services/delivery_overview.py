"""Delivery at a glance: what came in and what became of it over a window of time, for API and console."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

import msgspec

from assent.app.csv_document import csv_text
from assent.app.wiring import Server, now
from assent.domain.decision import Reason, Verdict, explain
from assent.domain.discards import DISCARDS
from assent.domain.errors import InvalidInput
from assent.domain.outcome import State
from assent.domain.record import DiscardCode
from assent.domain.workspace import Workspace
from assent.log.interface import ACCEPTED, Received
from assent.store.counting import Sum

MINUTE_MS: Final = 60_000
MOST_ROWS: Final = 50
_ALL: Final = 1_000_000
_DAY: Final = 24 * 60

WindowName: TypeAlias = Literal["10m", "1h", "6h", "24h", "7d", "14d"]
Dimension: TypeAlias = Literal["reason", "destination", "source", "event"]
DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)


class Window(NamedTuple):
    """How far to look back, in `minutes`, and how many of them one bar of a time series is."""

    name: WindowName
    title: str
    minutes: int
    bar: int


WINDOWS: Final[Mapping[str, Window]] = {
    one.name: one
    for one in (
        Window("10m", "10 minutes", 10, 1),
        Window("1h", "1 hour", 60, 2),
        Window("6h", "6 hours", 6 * 60, 10),
        Window("24h", "24 hours", _DAY, 60),
        Window("7d", "7 days", 7 * _DAY, 6 * 60),
        Window("14d", "14 days", 14 * _DAY, 12 * 60),
    )
}


class Wanted(msgspec.Struct, frozen=True):
    """A window that ends with the minute before `until` (UTC epoch), perhaps of one source or destination (ids)."""

    window: Window
    until: int
    source: str | None = None
    destination: str | None = None

    @property
    def since(self) -> int:
        return self.until - self.window.minutes

    def before(self) -> "Wanted":
        """The same of the period before."""
        return msgspec.structs.replace(self, until=self.since)

    @property
    def only(self) -> dict[str, str]:
        asked = {"source": self.source, "destination": self.destination}
        return {name: id_ for name, id_ in asked.items() if id_ is not None}


def wanted(window: str, source: str | None = None, destination: str | None = None) -> Wanted:
    """A window up to now. Raises InvalidInput for one that there is not."""
    if window not in WINDOWS:
        raise InvalidInput(f"`{window[:20]}` is no window: use {', '.join(WINDOWS)}", field="window")
    return Wanted(WINDOWS[window], now() // MINUTE_MS + 1, source or None, destination or None)


class Step(msgspec.Struct, frozen=True):
    """How many came to one step of delivery, now and in the period before.

    Up to `failed_on_ingest` it counts what was received; from there on once per destination.
    """

    name: str
    events: int
    before: int

    @property
    def title(self) -> str:
        return _STEPS[self.name].title

    @property
    def segment_title(self) -> str:
        return _STEPS[self.name].segment_title

    @property
    def meaning(self) -> str:
        return _STEPS[self.name].meaning

    @property
    def change(self) -> float | None:
        return change(self.events, self.before)


class _StepText(NamedTuple):
    title: str
    segment_title: str
    meaning: str


_STEPS: Final[Mapping[str, _StepText]] = {
    "received": _StepText("Received", "Successfully received", "Everything that sources sent."),
    "failed_on_ingest": _StepText("Discarded", "Failed on ingest", "It never became an event."),
    "withheld_at_source": _StepText(
        "Withheld by the event itself", "Filtered at source", "Its integrations object or the browser ruled it out."
    ),
    "withheld_at_destination": _StepText(
        "Withheld by consent", "Filtered at destination", "Consent, or a disabled destination, ruled it out."
    ),
    "failed": _StepText("Failed", "Failed delivery", "The destination did not take it, for good."),
    "delivered": _StepText("Delivered", "Successful delivery", "The destination has it."),
}
_AT_SOURCE: Final = frozenset({Reason.INTEGRATIONS_OBJECT, Reason.SENT_CLIENT_SIDE})


def change(events: int, before: int) -> float | None:
    """By what share more, or less, there are than before; None where there were none."""
    return (events - before) / before if before else None


class Bar(NamedTuple):
    """What came to rest during one stretch of time, which begins at `at` (UTC epoch milliseconds)."""

    at: int
    delivered: int
    withheld: int
    failed: int


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the events of one reason, destination, source or name; `before`, of all in the period before.

    `key` is its code, id or name: empty for events without a name, None for all that are beyond the first
    `MOST_ROWS`. A reason comes with its `verdict`.
    """

    key: str | None
    title: str
    verdict: Verdict | None = None
    delivered: int = 0
    withheld: int = 0
    failed: int = 0
    before: int = 0

    @property
    def events(self) -> int:
        return self.delivered + self.withheld + self.failed

    @property
    def change(self) -> float | None:
        return change(self.events, self.before)


class DiscardRow(msgspec.Struct, frozen=True):
    """How much was discarded by one code, now and in the period before."""

    code: DiscardCode
    events: int
    before: int

    @property
    def title(self) -> str:
        return DISCARDS[self.code].title

    @property
    def what_was_received(self) -> str:
        return DISCARDS[self.code].what_was_received

    @property
    def change(self) -> float | None:
        return change(self.events, self.before)


class Overview(msgspec.Struct, frozen=True):
    """What came in and what became of it: steps, discards by code, a time series, and a breakdown by one dimension."""

    wanted: Wanted
    by: Dimension
    steps: list[Step]
    discards: list[DiscardRow]
    series: list[Bar]
    rows: list[Row]

    @property
    def is_empty(self) -> bool:
        return not any(one.events for one in self.steps)


async def overview(server: Server, wanted: Wanted, by: Dimension) -> Overview:
    """Reads counters only, never the log, so that a long window takes hardly longer than a short one."""
    before, bar = wanted.before(), wanted.window.bar
    # All at once: SQLite reads on several cores, and two weeks of names take a while.
    received, received_before, settled, settled_before, bars, rows = await asyncio.gather(
        _received(server, wanted),
        _received(server, before),
        _sums(server, wanted, ["state", "reason"]),
        _sums(server, before, ["state", "reason"]),
        _sums(server, wanted, ["state"], minutes=bar),
        breakdown(server, wanted, by),
    )
    steps = zip(_steps(received, settled), _steps(received_before, settled_before), strict=True)
    return Overview(
        wanted,
        by,
        [Step(name, events, earlier) for (name, events), (_, earlier) in steps],
        _discard_rows(received, received_before),
        _series(wanted, bars),
        _first(rows),
    )


async def breakdown(server: Server, wanted: Wanted, by: Dimension) -> list[Row]:
    """All rows of one breakdown, however many, those with the most events first."""
    settled, before = await asyncio.gather(
        _sums(server, wanted, [by, "state"]), _sums(server, wanted.before(), [by, "state"])
    )
    return _rows(server.in_force.version.workspace, settled, before, by)


# ---------------------------------------------------------------------------------------- steps


async def _received(server: Server, wanted: Wanted) -> Counter[str]:
    """How much was received, by code."""
    found: Sequence[Received] = await server.log.received(wanted.since, wanted.until, minutes=wanted.until)
    counts: Counter[str] = Counter()
    for one in found:
        if wanted.source in (None, one.source):
            counts[one.code] += one.events
    return counts


async def _sums(server: Server, wanted: Wanted, by: Iterable[str], minutes: int = 0) -> list[Sum]:
    accounts = server.stores.accounts
    return await asyncio.to_thread(
        lambda: accounts.sums(wanted.since, wanted.until, by, minutes=minutes, limit=_ALL, only=wanted.only)
    )


def _steps(received: Counter[str], settled: Sequence[Sum]) -> list[tuple[str, int]]:
    counts = Counter(dict.fromkeys(_STEPS, 0))
    counts["received"] = received.total()
    counts["failed_on_ingest"] = received.total() - received[ACCEPTED]
    for one in settled:
        if one.state is State.WITHHELD:
            counts["withheld_at_source" if one.reason in _AT_SOURCE else "withheld_at_destination"] += one.events
        else:
            counts[str(one.state)] += one.events
    return [(name, counts[name]) for name in _STEPS]


def _discard_rows(received: Counter[str], before: Counter[str]) -> list[DiscardRow]:
    codes = (received.keys() | before.keys()) - {ACCEPTED}
    rows = [DiscardRow(DiscardCode(code), received[code], before[code]) for code in codes]
    return sorted(rows, key=lambda one: (-one.events, one.code))


# ---------------------------------------------------------------------------------------- over time


def _series(wanted: Wanted, settled: Sequence[Sum]) -> list[Bar]:
    bar = wanted.window.bar
    counts: Counter[tuple[int | None, State | None]] = Counter()
    for one in settled:
        counts[one.minute, one.state] += one.events
    return [
        Bar(minute * MINUTE_MS, *(counts[minute, state] for state in (State.DELIVERED, State.WITHHELD, State.FAILED)))
        for minute in range(wanted.since - wanted.since % bar, wanted.until, bar)
    ]


# ---------------------------------------------------------------------------------------- breakdown


def _first(rows: list[Row]) -> list[Row]:
    """The first `MOST_ROWS`, and the sum of the others."""
    if len(rows) <= MOST_ROWS:
        return rows
    others = rows[MOST_ROWS:]
    rest = Row(
        key=None,
        title=f"{len(others):,} others",
        delivered=sum(one.delivered for one in others),
        withheld=sum(one.withheld for one in others),
        failed=sum(one.failed for one in others),
        before=sum(one.before for one in others),
    )
    return [*rows[:MOST_ROWS], rest]


_Key: TypeAlias = tuple[str, Verdict | None]


def _rows(workspace: Workspace, settled: Sequence[Sum], settled_before: Sequence[Sum], by: Dimension) -> list[Row]:
    counts: Counter[tuple[_Key, State | None]] = Counter()
    for one in settled:
        counts[_key(one, by), one.state] += one.events
    before: Counter[_Key] = Counter()
    for one in settled_before:
        before[_key(one, by)] += one.events
    keys = {key for key, _ in counts} | before.keys()
    rows = [
        Row(
            key=key[0],
            title=_title(workspace, by, key),
            verdict=key[1],
            delivered=counts[key, State.DELIVERED],
            withheld=counts[key, State.WITHHELD],
            failed=counts[key, State.FAILED],
            before=before[key],
        )
        for key in keys
    ]
    return sorted(rows, key=lambda one: (-one.events, -one.before, one.title))


def _key(counted: Sum, by: Dimension) -> _Key:
    """A reason means something else under each verdict."""
    verdict = Verdict.WITHHOLD if counted.state is State.WITHHELD else Verdict.DELIVER
    return str(getattr(counted, by)), verdict if by == "reason" else None


def _title(workspace: Workspace, by: Dimension, key: _Key) -> str:
    name, verdict = key
    if verdict is not None:
        return explain(verdict, Reason(name)).title
    if by == "event":
        return name or "Without a name, or one of too many"
    found = workspace.destination(name) if by == "destination" else workspace.source(name)
    return found.title if found is not None else name


# ---------------------------------------------------------------------------------------- as CSV


def breakdown_csv(rows: Iterable[Row], by: Dimension) -> str:
    """A breakdown as CSV; its share of change is empty where there was nothing before."""
    head = (by, "title", "verdict", "delivered", "withheld", "failed", "events", "before", "change")
    return csv_text(
        head,
        (
            (
                one.key,
                one.title,
                one.verdict,
                one.delivered,
                one.withheld,
                one.failed,
                one.events,
                one.before,
                None if one.change is None else round(one.change, 4),
            )
            for one in rows
        ),
    )
