"""`assent hold`, `release`, `backfill ...`, `send-again`: on a data directory or on a running server."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, Protocol, TypeAlias

import typer

from assent.app.cli.workspace import DataOption, TokenOption, UrlOption, target_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assent.app.api.backfills import Backfill, BackfillPreview, NewBackfillBody
    from assent.app.api.holds import FailedBody, HeldForDestination, SentAgain

Kind: TypeAlias = Literal["destination", "category", "source", "workspace"]

_LOOK_SECONDS: Final = 0.5

_KindArgument = Annotated[str, typer.Argument(metavar="KIND", help="destination, category, source or workspace.")]
_IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Its id; nothing for the workspace.")]
_CommentOption = Annotated[str, typer.Option("--comment", metavar="TEXT", help="Why, for the history.")]
_JobArgument = Annotated[str, typer.Argument(metavar="BACKFILL", help="The id of a backfill.", show_default=False)]


class Target(Protocol):
    """Where things are held, backfilled and sent again."""

    def hold(self, kind: Kind, id_: str, on: bool, comment: str) -> int: ...
    def held(self) -> "Sequence[HeldForDestination]": ...
    def preview_backfill(self, asked: "NewBackfillBody") -> "Sequence[BackfillPreview]": ...
    def start_backfill(self, asked: "NewBackfillBody") -> "Sequence[Backfill]": ...
    def backfills(self) -> "Sequence[Backfill]": ...
    def move_backfill(self, job: str, how: str) -> "Backfill": ...
    def send_again(self, wanted: "FailedBody") -> "SentAgain": ...


backfill = typer.Typer(no_args_is_help=True, help="Send, after a mistake was mended, what was withheld by it.")


def hold(
    context: typer.Context,
    kind: _KindArgument,
    id_: _IdArgument = "",
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    comment: _CommentOption = "",
) -> None:
    """Hold a destination, a category, a source or the whole workspace: everything is kept, nothing delivered or lost.

    It is not the same as switching enforcement off, and withholds nothing: on release every event is decided anew.
    """
    _hold(context, (data, url, token), kind, id_, True, comment)


def release(
    context: typer.Context,
    kind: _KindArgument,
    id_: _IdArgument = "",
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    comment: _CommentOption = "",
) -> None:
    """Release what is held: every event that was kept is decided anew, and goes if it may."""
    _hold(context, (data, url, token), kind, id_, False, comment)


def _hold(
    context: typer.Context,
    where: tuple[Path | None, str | None, str | None],
    kind: str,
    id_: str,
    on: bool,
    comment: str,
) -> None:
    from assent.app.cli.complaints import complaints
    from assent.domain.errors import InvalidInput

    with complaints():
        if kind not in ("destination", "category", "source", "workspace"):
            raise InvalidInput(f"`{kind}` cannot be held: say destination, category, source or workspace")
        if bool(id_) == (kind == "workspace"):
            raise InvalidInput("say which one, by its id" if kind != "workspace" else "the workspace needs no id")
        target = _target(context, *where)
        version = target.hold(kind, id_, on, comment)  # type: ignore[arg-type]
        what = f"the {kind} {id_}".strip() if kind != "workspace" else "the whole workspace"
        typer.echo(f"Version {version} is in force: {what} is {'held' if on else 'released'}.")
        for one in target.held():
            warning = "; the oldest goes within a day" if one.goes_soon else ""
            kept = one.events + one.unread
            typer.echo(f"  {one.destination}: {kept:,} kept, at the longest until {one.goes_at}{warning}")


@backfill.command("start")
def start(
    context: typer.Context,
    to: Annotated[list[str], typer.Option("--to", metavar="ID", help="A destination; more than one: say it again.")],
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="Received at this time or later (ISO 8601).")],
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for the audit trail.")] = "",
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="Received before this time; else now.")] = "",
    reason: Annotated[
        list[str] | None,
        typer.Option("--reason", metavar="CODE", help="What it was withheld for; else all that a mistake may be."),
    ] = None,
    speed: Annotated[
        int | None, typer.Option("--speed", metavar="N", min=1, help="At most so many events a second.")
    ] = None,
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be sent.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Count exactly what would be sent, ask, and send it: a running server does the work.

    Each event is decided again under the version in force. Nothing goes whose person has refused since, and nothing
    that was delivered before.
    """
    from assent.app.api.backfills import NewBackfillBody
    from assent.app.cli.complaints import complaints
    from assent.app.cli.terminal import plain_console
    from assent.app.cli.workspace import confirm
    from assent.domain.decision import Reason
    from assent.domain.errors import InvalidInput

    with complaints():
        if not why.strip() and not dry_run:
            raise InvalidInput("say why, with --why: it goes on record")
        try:
            reasons = [Reason(one) for one in reason] if reason else None
        except ValueError as error:
            raise InvalidInput(f"{error}: `assent` has no such reason") from None
        target = _target(context, data, url, token)
        asked = NewBackfillBody(
            destinations=to, since=since, until=until or _now(), reasons=reasons, why=why or "-", speed=speed
        )
        console = plain_console()
        with console.status("Deciding every event of that time again, to count them"):
            found = target.preview_backfill(asked)
        for one in found:
            console.print(
                f"{one.destination}: {one.sends:,} would be sent; {one.refused:,} not, because the person has"
                f" refused since; {one.withheld:,} not, because the version in force withholds them; {one.held:,} held"
            )
            for message_id in one.sample[:3]:
                console.print(f"  such as {message_id}")
        if dry_run:
            return
        if not yes:
            confirm("Send these?", "nothing was sent")
        for started in target.start_backfill(asked):
            typer.echo(f"{started.id} sends to {started.destination}.")


@backfill.command("status")
def status(
    context: typer.Context,
    job: Annotated[str, typer.Argument(metavar="[BACKFILL]", help="The id of one; else all.")] = "",
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Show a bar until it is over.")] = False,
) -> None:
    """Say how far backfills are, and what became of the events."""
    from assent.app.cli.complaints import complaints

    with complaints():
        target = _target(context, data, url, token)
        if follow:
            _follow(target, job)
        for one in _chosen(target, job):
            typer.echo(_line(one))


@backfill.command("pause")
def pause(
    context: typer.Context,
    job: _JobArgument,
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """Let a backfill stand still."""
    _move(context, (data, url, token), job, "pause")


@backfill.command("resume")
def resume(
    context: typer.Context,
    job: _JobArgument,
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """Let a paused backfill go on."""
    _move(context, (data, url, token), job, "resume")


@backfill.command("cancel")
def cancel(
    context: typer.Context,
    job: _JobArgument,
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """End a backfill where it is. What it has sent stays sent."""
    _move(context, (data, url, token), job, "cancel")


def send_again(
    context: typer.Context,
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    destination: Annotated[str | None, typer.Option("--to", metavar="ID", help="Only of this destination.")] = None,
    message_id: Annotated[
        list[str] | None, typer.Option("--message-id", metavar="ID", help="Only this event; more: say it again.")
    ] = None,
    http_status: Annotated[int | None, typer.Option("--status", metavar="N", help="Only what was answered so.")] = None,
    answer: Annotated[str | None, typer.Option("--answer", metavar="TEXT", help="Only what was told this.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="Failed at this time or later.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Failed before this time.")] = None,
) -> None:
    """Have failed events sent again by the server: each is decided again first. At most 10,000 at once."""
    from assent.app.api.holds import FailedBody
    from assent.app.cli.complaints import complaints

    with complaints():
        wanted = FailedBody(
            destination=destination,
            message_ids=message_id,
            http_status=http_status,
            answer=answer,
            since=since,
            until=until,
        )
        target = _target(context, data, url, token)
        done = target.send_again(wanted)
        typer.echo(
            f"{done.events:,} are tried again; {done.forgotten:,} cannot be, because the log has forgotten them;"
            f" {done.more:,} more match."
        )


def _move(context: typer.Context, where: tuple[Path | None, str | None, str | None], job: str, how: str) -> None:
    from assent.app.cli.complaints import complaints

    with complaints():
        target = _target(context, *where)
        typer.echo(_line(target.move_backfill(job, how)))


def _chosen(target: Target, job: str) -> "list[Backfill]":
    from assent.domain.errors import NotFound

    found = [one for one in target.backfills() if job in ("", one.id)]
    if job and not found:
        raise NotFound(f"there is no backfill `{job}`")
    return found


def _follow(target: Target, job: str) -> None:
    """Show bars until all of these are over; on a terminal, else only wait."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks = {
            one.id: progress.add_task(one.destination, total=max(1, one.end - one.start))
            for one in _chosen(target, job)
        }
        while True:
            found = [one for one in target.backfills() if one.id in tasks]
            for one in found:
                progress.update(tasks[one.id], completed=one.position - one.start)
            if all(one.state != "running" for one in found):
                return
            time.sleep(_LOOK_SECONDS)


def _line(one: "Backfill") -> str:
    share = 100 * (one.position - one.start) // max(1, one.end - one.start)
    note = f" ({one.note})" if one.note else ""
    return (
        f"{one.id} to {one.destination}: {one.state.value}, {share} %, {one.delivered:,} delivered,"
        f" {one.refused:,} refused since, {one.withheld:,} withheld, {one.retrying:,} retrying,"
        f" {one.failed:,} failed{note}"
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _target(context: typer.Context, data: Path | None, url: str | None, token: str | None) -> Target:
    from assent.app.cli.held_data import HeldData

    found: Target = target_of(context, data, url, token, HeldData)
    return found
