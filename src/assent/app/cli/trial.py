"""`assent trial`: what a workspace file would change for real events, in words, figures and examples."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from assent.app.cli.workspace import DataOption, FileArgument, TokenOption, UrlOption, target_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assent.app.api.trials import TriedDestination, TriedOutcome, TriedWorkspace

_MOST_SHIFTS: Final = 10


def trial(
    context: typer.Context,
    file: FileArgument,
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    hours: Annotated[int, typer.Option("--hours", metavar="N", min=1, help="Of so many last hours.")] = 24,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, as the API has it.")] = False,
) -> None:
    """Try a workspace file on the events of the last hours: what would go another way, why, and some of those events.

    The figures are exact, nothing is sampled, and nothing is changed.
    """
    import msgspec

    from assent.app.cli.complaints import complaints
    from assent.app.cli.held_data import HeldData
    from assent.app.cli.terminal import plain_console
    from assent.app.workspace_file import load

    with complaints():
        tried = target_of(context, data, url, token, HeldData).trial(load(file), hours)
        if as_json:
            typer.echo(msgspec.json.encode(tried))
            return
        console = plain_console()
        for line in _lines(tried):
            console.print(line)


def _lines(tried: "TriedWorkspace") -> "Iterator[str]":
    yield from tried.in_words or ["Nothing differs from what is in force."]
    yield ""
    yield f"Of the {tried.events:,} events of the last {tried.hours} hours:"
    if not tried.destinations:
        yield "  none would go another way."
    for one in tried.destinations:
        yield f"  {one.destination}: {_sum(one)}"
        for shift in one.shifts[:_MOST_SHIFTS]:
            yield f"    {shift.events:,}: {_in_words(shift.before)} -> {_in_words(shift.after)}"
        for what in ("delivered", "withheld", "held"):
            if examples := getattr(one.examples, what):
                yield f"    newly {what}, such as {', '.join(examples)}"


def _sum(one: "TriedDestination") -> str:
    counted = {"delivered": one.newly_delivered, "withheld": one.newly_withheld, "held": one.newly_held}
    said = [f"{events:,} newly {what}" for what, events in counted.items() if events]
    return ", ".join(said) or "as many as now, for other reasons"


def _in_words(outcome: "TriedOutcome | None") -> str:
    from assent.domain.decision import Verdict, explain
    from assent.domain.outcome import State

    if outcome is None:
        return "no such destination"
    verdict = Verdict.WITHHOLD if outcome.state is State.WITHHELD else Verdict.DELIVER
    title = explain(verdict, outcome.reason).title
    categories = f": {', '.join(outcome.categories)}" if outcome.categories else ""
    return f"{outcome.state} ({title}{categories})"
