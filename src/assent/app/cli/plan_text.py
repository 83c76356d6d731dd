"""What `assent plan` and `assent apply` show people of a plan."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from assent.app.cli.terminal import plain_console
from assent.app.services.workspaces import Plan
from assent.engine.changes import Action, Change
from assent.engine.impact import Impact

_SIGNS: Final[dict[Action, tuple[str, str]]] = {
    "create": ("+", "green"),
    "update": ("~", "yellow"),
    "delete": ("-", "red"),
}


def print_plan(plan: Plan) -> None:
    """Print what would change, and how many of the last day's events would have gone another way."""
    plain_console().print(Group(*_parts(plan)))


def _parts(plan: Plan) -> Iterator[RenderableType]:
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
    yield from _impact(plan)


def _lines(change: Change) -> Iterator[Text]:
    sign, colour = _SIGNS[change.action]
    yield Text.assemble("  ", (f"{sign} {change.kind}", colour), f" {change.id}")
    yield from (Text(f"      {detail}") for detail in change.details)


def _sum(changes: Sequence[Change]) -> str:
    actions = Counter(one.action for one in changes)
    return ", ".join(f"{actions[action]} to {action}" for action in _SIGNS) + "."


def _impact(plan: Plan) -> Iterator[RenderableType]:
    if not plan.events:
        yield Text("No event came in during the last day on which to measure the effect.")
    elif not plan.impact:
        yield Text(f"Nothing would have changed for the {_events(plan)} of the last day.")
    else:
        yield Text(f"Of the {_events(plan)} of the last day, these would have gone another way:")
        yield _table(plan.impact)


def _events(plan: Plan) -> str:
    return "1 event" if plan.events == 1 else f"{plan.events:,} events"


def _table(impacts: Sequence[Impact]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("Destination")
    table.add_column("Newly delivered", justify="right", style="green")
    table.add_column("Newly withheld", justify="right", style="red")
    for one in impacts:
        table.add_row(Text(one.destination), f"{one.newly_delivered:,}", f"{one.newly_withheld:,}")
    return table
