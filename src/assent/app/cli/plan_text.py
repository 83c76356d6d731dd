"""What `assent plan` and `assent apply` show people of a plan."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from assent.app.api.trials import TriedDestination, TriedOutcome, TriedWorkspace
from assent.app.api.workspace import PlannedChange
from assent.app.cli.terminal import plain_console
from assent.app.services.trials import LEDGER_NOT_ASKED, last_hours
from assent.domain.decision import Verdict, explain
from assent.domain.outcome import State
from assent.engine.changes import Action

_MOST_SHIFTS: Final = 10
_SIGNS: Final[dict[Action, tuple[str, str]]] = {
    "create": ("+", "green"),
    "update": ("~", "yellow"),
    "delete": ("-", "red"),
}


def print_plan(plan: TriedWorkspace) -> None:
    """Print what would change, and which of the events that it was tried on would have gone another way."""
    plain_console().print(Group(*_parts(plan)))


def _parts(plan: TriedWorkspace) -> Iterator[RenderableType]:
    if not plan.changes:
        yield Text(f"No changes: this is what is in force (version {plan.version}).")
        return
    yield Text(
        f"Version {plan.version + 1} would change this:" if plan.version else "The first version would bring this:"
    )
    yield Text()
    for change in plan.changes:
        yield from _lines(change)
    yield Text()
    yield Text(_sum(plan.changes))
    yield from _effects(plan)


def _lines(change: PlannedChange) -> Iterator[Text]:
    sign, colour = _SIGNS[change.action]
    yield Text.assemble("  ", (f"{sign} {change.kind}", colour), f" {change.id}")
    yield from (Text(f"      {detail}") for detail in change.details)


def _sum(changes: Sequence[PlannedChange]) -> str:
    actions = Counter(one.action for one in changes)
    return ", ".join(f"{actions[action]} to {action}" for action in _SIGNS) + "."


def _effects(tried: TriedWorkspace) -> Iterator[RenderableType]:
    last = f"the last {last_hours(tried.hours)}"
    if not tried.events:
        yield Text(f"No event came in during {last} on which to measure the effect.")
    elif not tried.destinations:
        yield Text(f"Nothing would have changed for the {_events(tried.events)} of {last}.")
    else:
        yield Text(f"Of the {_events(tried.events)} of {last}, these would have gone another way:")
        yield _table(tried.destinations)
        for one in tried.destinations:
            yield from _reasons(one)
    if LEDGER_NOT_ASKED in tried.in_words:
        yield Text(LEDGER_NOT_ASKED)


def _events(events: int) -> str:
    return "1 event" if events == 1 else f"{events:,} events"


def _table(found: Sequence[TriedDestination]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("Destination")
    table.add_column("Newly delivered", justify="right", style="green")
    table.add_column("Newly withheld", justify="right", style="red")
    table.add_column("Newly held", justify="right", style="yellow")
    for one in found:
        counts = (one.newly_delivered, one.newly_withheld, one.newly_held)
        table.add_row(Text(one.destination), *(f"{events:,}" for events in counts))
    return table


def _reasons(one: TriedDestination) -> Iterator[Text]:
    yield Text(f"{one.destination}:")
    for shift in one.shifts[:_MOST_SHIFTS]:
        yield Text(f"  {shift.events:,}: {_outcome(shift.before)} -> {_outcome(shift.after)}")
    examples = one.examples
    for direction, ids in (("delivered", examples.delivered), ("withheld", examples.withheld), ("held", examples.held)):
        if ids:
            yield Text(f"  newly {direction}, such as {', '.join(ids)}")


def _outcome(outcome: TriedOutcome | None) -> str:
    if outcome is None:
        return "no such destination"
    verdict = Verdict.WITHHOLD if outcome.state is State.WITHHELD else Verdict.DELIVER
    categories = f": {', '.join(outcome.categories)}" if outcome.categories else ""
    return f"{outcome.state} ({explain(verdict, outcome.reason).title}{categories})"
