"""What the demo shows: of every destination what was delivered and withheld, and why."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from assent.app.demo.figures import Figures, Fortune
from assent.app.demo.shop import ADS, ANALYTICS, CHAT, EMAIL, LAKE, OWNER, PARTNER
from assent.app.demo.visitor import Answer
from assent.domain.decision import Reason, Verdict, explain
from assent.domain.outcome import State
from assent.domain.record import DiscardCode
from assent.domain.workspace import Destination, Workspace

_MOST_REASONS: Final = 3
_COLUMNS: Final = {"Delivered": 11, "Withheld": 10, "Retrying": 10, "Failed": 8, "Lag": 8}
_FATES: Final = {
    ANALYTICS: "healthy",
    ADS: "slow",
    EMAIL: "unsteady",
    CHAT: "unreachable",
    LAKE: "a file",
    PARTNER: "unmapped",
}
_DISCARDS: Final[Mapping[str, str]] = {
    DiscardCode.NO_USER_ANON_ID: "no id",
    DiscardCode.DUPLICATE: "sent twice",
    DiscardCode.CONSENT_PREFERENCES_NOT_BOOLEAN: "broken consent",
}


class Scene(NamedTuple):
    """What stays the same while the demo runs."""

    workspace: Workspace
    url: str
    password: str
    token: str


class Moment(NamedTuple):
    """What there is to see `seconds` after the start; `rate` is in events a second."""

    figures: Figures
    answers: Mapping[Answer, int]
    seconds: float
    rate: float


def page(scene: Scene, moment: Moment) -> RenderableType:
    """The page that is drawn anew all the time on a terminal; fits 80 columns and 24 lines."""
    destinations = scene.workspace.destinations
    return Group(
        _heading(scene, moment),
        _line("Sign in", f"{OWNER}   password {scene.password}"),
        _line("API token", scene.token),
        Text(),
        _line("Received", _received(moment.figures)),
        _line("Discarded", _discarded(moment.figures)),
        _line("Visitors", _visitors(moment.answers)),
        Text(),
        _row(Text("Destination"), *map(Text, _COLUMNS), style="dim"),
        *(line for one in destinations for line in _destination(one, moment.figures.at(one.id))),
        Text(),
        Text("Ctrl-C ends it and checks the accounts.", style="dim"),
    )


def table(scene: Scene, moment: Moment) -> RenderableType:
    """The same as a plain table, to be printed now and then where there is no terminal."""
    rows = Table(box=None, padding=(0, 2, 0, 0))
    rows.add_column("Destination")
    for heading in _COLUMNS:
        rows.add_column(heading, justify="right")
    rows.add_column("Withheld because")
    for one in scene.workspace.destinations:
        fortune = moment.figures.at(one.id)
        rows.add_row(one.title, *(f"{figure:,}" for figure, _ in _figures(fortune)), _reasons(fortune.withheld))
    figures = moment.figures
    return Group(
        Text.assemble(_pace(moment), f"  received {_received(figures)}  {_discarded(figures)}"),
        f"visitors: {_visitors(moment.answers)}",
        rows,
        Text(),
    )


def _heading(scene: Scene, moment: Moment) -> Table:
    heading = Table.grid(expand=True)
    heading.add_column(ratio=1)
    heading.add_column(justify="right")
    url = f"{scene.url}/"
    heading.add_row(Text.assemble(("Open       ", "dim"), (url, f"bold cyan link {url}")), _pace(moment))
    return heading


def _pace(moment: Moment) -> Text:
    minutes, seconds = divmod(int(moment.seconds), 60)
    return Text.assemble((f"{moment.rate:.0f} events/s  ", "dim"), f"{minutes}:{seconds:02}")


def _reasons(withheld: Counter[Reason]) -> str:
    return " · ".join(
        f"{explain(Verdict.WITHHOLD, reason).title} {events:,}"
        for reason, events in withheld.most_common(_MOST_REASONS)
    )


def _received(figures: Figures) -> str:
    return f"{figures.received:,} = {figures.accepted:,} accepted + {figures.discarded.total():,} discarded"


def _discarded(figures: Figures) -> str:
    return " · ".join(f"{items:,} {_DISCARDS.get(code, code)}" for code, items in figures.discarded.most_common())


def _visitors(answers: Mapping[Answer, int]) -> str:
    return " · ".join(f"{answers.get(answer, 0):,} {answer}" for answer in Answer)


def _line(label: str, said: str) -> Text:
    return Text.assemble((f"{label:<11}", "dim"), said, no_wrap=True, overflow="ellipsis")


def _destination(destination: Destination, fortune: Fortune) -> Iterator[RenderableType]:
    fate = f"  {_FATES[destination.id]}"
    name = Text.assemble(("● ", _colour(fortune)), (destination.title, "bold"), (fate, "dim"))
    yield _row(name, *(Text(f"{figure:,}", style if figure else "dim") for figure, style in _figures(fortune)))
    why = Text("  ", no_wrap=True, overflow="ellipsis")
    if fortune.rests:
        why.append("left alone after failures · ", "red")
    yield why.append(_reasons(fortune.withheld), "dim yellow")


def _figures(fortune: Fortune) -> Iterator[tuple[int, str]]:
    """The figures of `_COLUMNS`, each with its colour."""
    yield fortune.settled[State.DELIVERED], "green"
    yield fortune.settled[State.WITHHELD], "yellow"
    yield fortune.retrying, "magenta"
    yield fortune.settled[State.FAILED], "red"
    yield fortune.lag, "cyan"


def _colour(fortune: Fortune) -> str:
    if fortune.rests:
        return "red"
    return "yellow" if fortune.retrying else "green"


def _row(name: Text, *figures: Text, style: str = "") -> Table:
    """One line of the table. Not a row of a whole one, because the lines between go over all columns."""
    row = Table.grid(expand=True)
    row.add_column(ratio=1, no_wrap=True, overflow="ellipsis", style=style)
    for width in _COLUMNS.values():
        row.add_column(justify="right", width=width, style=style)
    row.add_row(name, *figures)
    return row
