"""What `assent decide --explain` prints of one event for people: a table of its decisions."""

import sys

import msgspec
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from assent.app.cli.decision_lines import RenderOnce
from assent.domain.decision import Decision, Verdict, explain_decision
from assent.engine.json import decode_leniently
from assent.engine.policy import Decisions, Policy

_COLOURS = {Verdict.DELIVER: "green", Verdict.WITHHOLD: "red"}


class ExplainingAnswers:
    """Answers with a table: per destination the verdict, what happened, the categories that settled it, the remedy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._console = Console()
        self._table = RenderOnce(lambda decisions: self._print(_table(decisions)))

    def __call__(self, body: bytes) -> bytes:
        table = self._table(self._policy.decide(body))
        return self._print(Text(_heading(decode_leniently(body)), style="bold")) + table

    def _print(self, what: RenderableType) -> bytes:
        with self._console.capture() as captured:
            self._console.print(what)
        return captured.get().encode(sys.stdout.encoding, "replace")


def _heading(event: object) -> str:
    """The event's type, name and message id; what a stranger wrote there must not steer the terminal."""
    said = event if isinstance(event, dict) else {}
    called = [_plain(said[key]) for key in ("type", "event", "name") if said.get(key) is not None]
    message_id = said.get("messageId")
    return " · ".join([*called, "no messageId" if message_id is None else f"messageId {_plain(message_id)}"])


def _plain(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def _table(decisions: Decisions) -> Table:
    table = Table(show_lines=True, expand=False)
    table.add_column("Destination", overflow="fold", max_width=24)
    table.add_column("Verdict", no_wrap=True)
    table.add_column("Why", overflow="fold")
    for destination, decision in decisions.items():
        table.add_row(Text(destination), Text(decision.verdict, style=_COLOURS[decision.verdict]), _why(decision))
    return table


def _why(decision: Decision) -> Group:
    text = explain_decision(decision)
    lines = [Text(text.title, style="bold"), Text(text.what_happened)]
    if decision.categories:
        lines.append(Text(f"Categories: {', '.join(decision.categories)}"))
    return Group(*lines, Text(text.remedy, style="dim"))
