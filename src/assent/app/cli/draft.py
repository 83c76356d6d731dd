"""`assent draft`: changes that are collected, tried on real events, and put into force together."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from assent.app.cli.workspace import DataOption, FileArgument, HoursOption, TokenOption, UrlOption, confirm, target_of

if TYPE_CHECKING:
    from assent.app.api.drafts import DraftSummary
    from assent.app.cli.draft_data import DraftData
    from assent.app.cli.remote import Remote

draft = typer.Typer(no_args_is_help=True, help="Collect changes, try them, put them into force together.")

DraftArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="DRAFT", help="The id of the draft, as `assent draft list` prints it.")
]
CommentOption: TypeAlias = Annotated[str, typer.Option(metavar="TEXT", help="Why; else the name of the draft.")]
YesOption: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@draft.command("list")
def list_drafts(
    context: typer.Context, data: DataOption = None, url: UrlOption = None, token: TokenOption = None
) -> None:
    """All drafts, the one that was changed last first."""
    from assent.app.cli.complaints import complaints

    with complaints():
        for one in _target(context, data, url, token).drafts():
            typer.echo(_line(one))


@draft.command()
def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """Begin a draft of what is in force, and print its id."""
    from assent.app.cli.complaints import complaints

    with complaints():
        typer.echo(_target(context, data, url, token).new_draft(name).id)


@draft.command()
def show(
    context: typer.Context,
    draft_id: DraftArgument,
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Also write what it says to a workspace file.")
    ] = None,
) -> None:
    """What a draft changes, in words."""
    from assent.app.cli.complaints import complaints
    from assent.app.workspace_file import dump

    with complaints():
        found = _target(context, data, url, token).draft(draft_id)
        typer.echo(_line(found))
        for sentence in found.in_words or ["It changes nothing yet."]:
            typer.echo(f"  {sentence}")
        if file is not None:
            file.write_text(dump(found.workspace))


@draft.command()
def put(
    context: typer.Context,
    draft_id: DraftArgument,
    file: FileArgument,
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """Have a draft say what a workspace file says. Nothing is put into force."""
    from assent.app.cli.complaints import complaints
    from assent.app.workspace_file import load

    with complaints():
        changed = _target(context, data, url, token).put_draft(draft_id, load(file))
        for sentence in changed.in_words or ["It changes nothing."]:
            typer.echo(sentence)


@draft.command("try")
def try_(
    context: typer.Context,
    draft_id: DraftArgument,
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    hours: HoursOption = 24,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, as the API has a trial.")] = False,
) -> None:
    """Say what putting a draft into force would mean for the events of the last hours, as `assent plan` does."""
    import msgspec

    from assent.app.cli.complaints import complaints
    from assent.app.cli.plan_text import print_plan

    with complaints():
        tried = _target(context, data, url, token).try_draft(draft_id, hours)
        if as_json:
            typer.echo(msgspec.json.encode(tried))
        else:
            print_plan(tried)


@draft.command("apply")
def apply_draft(
    context: typer.Context,
    draft_id: DraftArgument,
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    comment: CommentOption = "",
    yes: YesOption = False,
) -> None:
    """Put a draft into force as one version, after showing what changes and asking.

    What others changed since it was begun stays. Where both changed the same thing, nothing is done, and both are said.
    """
    from assent.app.cli.complaints import complaints
    from assent.app.cli.plan_text import print_plan

    with complaints():
        target = _target(context, data, url, token)
        print_plan(target.try_draft(draft_id, 24))
        if not yes:
            confirm("Put the draft into force?", "nothing was put into force")
        typer.echo(f"Version {target.apply_draft(draft_id, comment)} is in force.")


@draft.command()
def shadow(
    context: typer.Context,
    draft_id: DraftArgument,
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Have it be the shadow, or not any more.")] = None,
) -> None:
    """What a draft does otherwise as the shadow: it decides on live events beside what is in force, unenforced.

    There is one shadow at a time. Every event that a destination reads meanwhile is counted.
    """
    from assent.app.cli.complaints import complaints
    from assent.domain.decision import Verdict, explain

    with complaints():
        target = _target(context, data, url, token)
        found = target.shadow(draft_id) if on is None else target.set_shadow(draft_id, on)
        typer.echo("It is the shadow." if found.shadow else "It is not the shadow.")
        for one in found.counts:
            verdict = Verdict.DELIVER if one.direction == "delivered" else Verdict.WITHHOLD
            why = explain(verdict, one.reason).title
            typer.echo(f"  {one.destination}: {one.events:,} newly {one.direction} ({why})")


@draft.command()
def delete(
    context: typer.Context,
    draft_id: DraftArgument,
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    yes: YesOption = False,
) -> None:
    """Give a draft up."""
    from assent.app.cli.complaints import complaints

    with complaints():
        target = _target(context, data, url, token)
        name = target.draft(draft_id).name
        if not yes:
            confirm(f"Delete the draft {name}?", "nothing was deleted")
        target.delete_draft(draft_id)
        typer.echo(f"The draft {name} is deleted.")


def _line(one: "DraftSummary") -> str:
    return f"{one.id}  {one.name} (from version {one.base}, by {one.author}, changed {one.updated_at})"


def _target(context: typer.Context, data: Path | None, url: str | None, token: str | None) -> "DraftData | Remote":
    from assent.app.cli.draft_data import DraftData

    return target_of(context, data, url, token, DraftData)
