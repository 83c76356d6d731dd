"""Whether the accounts balance: everything that came in against what became of it at every destination."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from assent.domain.outcome import Cursor, Span, State

_MOST_STRETCHES_NAMED: Final = 5


class Stretch(NamedTuple):
    """Offsets of the log: `start` inclusive, `end` exclusive."""

    start: int
    end: int


class LogFigures(msgspec.Struct, frozen=True):
    """What the log says of itself.

    `accepted` and `discarded` count everything that ever came in; `missing` are the stretches between `start` and
    `head` that hold no event.
    """

    start: int = 0
    head: int = 0
    accepted: int = 0
    discarded: int = 0
    missing: tuple[Stretch, ...] = ()


class DestinationFigures(msgspec.Struct, frozen=True):
    """What the store says of one destination: its cursor, all that settled by state, what waits, and its spans; of how
    many held events it knows where they are; and what settled as it is added up by longer units of time."""

    destination: str
    cursor: Cursor | None
    settled: Mapping[State, int]
    retrying: int
    spans: tuple[Span, ...]
    held: int = 0
    added_up: Mapping[str, Mapping[State, int]] = {}


class LedgerFigures(msgspec.Struct, frozen=True):
    """What the ledger says: how far it has read the log, how many receipts it wrote, and how many there are."""

    position: int = 0
    written: int = 0
    receipts: int = 0


_NO_LEDGER: Final = LedgerFigures()


class Balance(msgspec.Struct, frozen=True):
    """The accounts of one destination; `accepted` counts the events that were its to read."""

    destination: str
    accepted: int
    delivered: int
    withheld: int
    retrying: int
    failed: int
    held: int
    unread: int
    problems: tuple[str, ...]

    @property
    def difference(self) -> int:
        """How many accepted events no account holds; below zero, how many are counted without having come in."""
        return self.accepted - (self.delivered + self.withheld + self.retrying + self.failed + self.held + self.unread)


class Audit(msgspec.Struct, frozen=True):
    """The result: the figures of the log with what is wrong there, and the balance of every destination."""

    log: LogFigures
    log_problems: tuple[str, ...]
    balances: tuple[Balance, ...]
    ledger: LedgerFigures = LedgerFigures()
    ledger_problems: tuple[str, ...] = ()

    @property
    def problems(self) -> list[str]:
        """Everything that does not balance, each with the name of what it is about."""
        of_destinations = [f"{one.destination}: {problem}" for one in self.balances for problem in one.problems]
        of_ledger = [f"ledger: {problem}" for problem in self.ledger_problems]
        return [*(f"log: {problem}" for problem in self.log_problems), *of_ledger, *of_destinations]


def audit(log: LogFigures, destinations: Sequence[DestinationFigures], ledger: LedgerFigures = _NO_LEDGER) -> Audit:
    """Check that received = accepted + discarded, and for each destination accepted = delivered + withheld + retrying
    + failed + held + not yet read (DESIGN.md, section 3).

    The figures of the destinations must have been taken before those of the log: then a running server changes nothing.
    """
    balances = tuple(_balance(log, one) for one in destinations)
    return Audit(log, tuple(_log_problems(log)), balances, ledger, tuple(_ledger_problems(log, ledger)))


def _log_problems(log: LogFigures) -> Iterator[str]:
    if log.accepted != log.head:
        yield f"it counted {_events(log.accepted)} as accepted, but has given out {log.head} offsets"
    if log.missing:
        yield f"the events at {_named(log.missing)} are gone"


def _ledger_problems(log: LogFigures, ledger: LedgerFigures) -> Iterator[str]:
    if ledger.position > log.head:
        yield f"its cursor stands at {ledger.position}, {ledger.position - log.head} beyond the end of the log"
    if ledger.written != ledger.receipts:
        yield f"it wrote {ledger.written} receipts, and there are {ledger.receipts}"


def _balance(log: LogFigures, figures: DestinationFigures) -> Balance:
    cursor = figures.cursor or Cursor(figures.destination, position=0, skipped=0, until=0)
    end = log.head if cursor.until is None else cursor.until
    balance = Balance(
        figures.destination,
        accepted=end - cursor.skipped,
        delivered=figures.settled.get(State.DELIVERED, 0),
        withheld=figures.settled.get(State.WITHHELD, 0),
        retrying=figures.retrying,
        failed=figures.settled.get(State.FAILED, 0),
        held=figures.settled.get(State.HELD, 0),
        unread=end - cursor.position,
        problems=(),
    )
    problems = [*_account_problems(figures, balance), *_span_problems(figures, log.start)]
    return msgspec.structs.replace(balance, problems=tuple(problems))


def _account_problems(figures: DestinationFigures, balance: Balance) -> Iterator[str]:
    if figures.cursor is None:
        yield "it has accounts but no cursor"
    elif balance.unread < 0:
        yield f"its cursor stands at {figures.cursor.position}, {-balance.unread} beyond the end of what it may read"
    if balance.held != figures.held:
        yield f"its accounts hold back {_events(balance.held)}, but it knows the places of {figures.held}"
    if balance.difference > 0:
        yield f"it has read {_events(balance.difference)} that no account holds"
    elif balance.difference < 0:
        yield f"its accounts hold {_events(-balance.difference)} more than it has read"
    for unit, settled in figures.added_up.items():
        if settled != figures.settled:
            yield f"its accounts by the {unit} do not add up to those by the minute"


def _span_problems(figures: DestinationFigures, log_start: int) -> Iterator[str]:
    """What the spans leave out or cover twice.

    What a destination never had to read has no span either, and below the start of the log spans are forgotten. So
    where the log has been trimmed, gaps are accepted up to as many offsets as the destination skipped in all.
    """
    if figures.cursor is None:
        return
    spans = sorted(figures.spans, key=lambda one: one.start)
    if twice := [Stretch(after.start, before.end) for before, after in pairwise(spans) if after.start < before.end]:
        yield f"two versions claim to have decided the events at {_named(twice)}"
    gaps = list(_gaps(spans, log_start, figures.cursor.position))
    uncovered = sum(one.end - one.start for one in gaps)
    skipped = figures.cursor.skipped
    if uncovered > skipped:
        yield f"no version is known to have decided the events at {_named(gaps)}" + _of_these(skipped)
    elif uncovered < skipped and log_start == 0:
        yield f"it has decided {_events(skipped - uncovered)} that it never had to read"
    if spans and spans[-1].end > figures.cursor.position:
        beyond = Stretch(figures.cursor.position, spans[-1].end)
        yield f"its cursor stands before the events at {_named([beyond])}, which have been decided"


def _gaps(spans: Sequence[Span], start: int, end: int) -> Iterator[Stretch]:
    """The stretches of [start, end) that no span covers."""
    for span in spans:
        if span.start > start:
            yield Stretch(start, min(span.start, end))
        start = max(start, span.end)
        if start >= end:
            return
    if start < end:
        yield Stretch(start, end)


def _of_these(skipped: int) -> str:
    return f" ({skipped} of these it never had to read)" if skipped else ""


def _events(number: int) -> str:
    return f"{number} event" if number == 1 else f"{number} events"


def _named(stretches: Sequence[Stretch]) -> str:
    named = ", ".join(
        f"offset {one.start}" if one.end - one.start == 1 else f"offsets {one.start} to {one.end - 1}"
        for one in stretches[:_MOST_STRETCHES_NAMED]
    )
    return named + (f" and {len(stretches) - _MOST_STRETCHES_NAMED} more stretches" if stretches[5:] else "")
