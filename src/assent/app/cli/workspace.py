"""`assent plan`, `assent apply`, `assent export`: the workspace of a data directory or of a running server."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, TypeVar

import typer

if TYPE_CHECKING:
    from assent.app.cli.data_directory import DataDirectory
    from assent.app.cli.remote import Remote

_CHANGES: Final = 2
_A_DAY: Final = 24

FileArgument: TypeAlias = Annotated[
    Path, typer.Argument(metavar="FILE", help="The workspace file.", show_default=False)
]
DataOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", envvar="ASSENT_DATA", help="The data directory; a server may run on it."),
]
UrlOption: TypeAlias = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="A running server, in place of a data directory.")
]
TokenOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--token", metavar="T", envvar="ASSENT_TOKEN", help="The token for --url. Others cannot see it in ASSENT_TOKEN."
    ),
]


HoursOption: TypeAlias = Annotated[
    int,
    typer.Option("--hours", metavar="N", min=1, max=744, help="Measure the effect on the events of the last N hours."),
]


def plan(
    context: typer.Context,
    file: FileArgument,
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    hours: HoursOption = 24,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, as the API has a trial.")] = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 0 when nothing would change, 2 when something would.")
    ] = False,
) -> None:
    """Try a workspace file: what applying it would change, which of the last hours' events would have gone another way,
    why, and some of them. The counts are exact, nothing is sampled, and nothing is changed.
    """
    from assent.app.cli.complaints import FAILED, MISUSED, complaints
    from assent.app.cli.plan_text import print_plan
    from assent.app.workspace_file import load

    # 2 says that something would change, so it cannot also say that the file has a mistake.
    with complaints(misused=FAILED if detailed_exitcode else MISUSED):
        found = _target(context, data, url, token).plan(load(file), hours)
        if as_json:
            import msgspec

            typer.echo(msgspec.json.encode(found))
        else:
            print_plan(found)
    if detailed_exitcode and found.changes:
        raise typer.Exit(_CHANGES)


def apply(
    context: typer.Context,
    file: FileArgument,
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    comment: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the history of the workspace.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Put a workspace file into force, after showing what changes and asking. A running server follows at once."""
    from assent.app.cli.complaints import complaints
    from assent.app.cli.plan_text import print_plan
    from assent.app.workspace_file import load

    with complaints():
        target, workspace = _target(context, data, url, token), load(file)
        found = target.plan(workspace, _A_DAY)
        print_plan(found)
        if not found.changes:
            return
        if not yes:
            confirm("Apply these changes?", "nothing was applied")
        typer.echo(f"Version {target.apply(workspace, after=found.version, comment=comment)} is in force.")


def undo(
    context: typer.Context,
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    to: Annotated[
        int | None, typer.Option("--to", metavar="N", min=1, help="The version to go back to; else the one before.")
    ] = None,
    comment: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the history of the workspace.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Put an older version of the workspace into force again, as a new version, after showing what changes and asking.

    What was delivered or withheld meanwhile stays so: `assent backfill` sends what was withheld by mistake.
    """
    from assent.app.cli.complaints import complaints
    from assent.app.cli.plan_text import print_plan
    from assent.domain.errors import InvalidInput

    with complaints():
        target = _target(context, data, url, token)
        number = to if to is not None else target.current() - 1
        if number < 1:
            raise InvalidInput("there is no version before the one in force")
        found = target.plan_restore(number, _A_DAY)
        print_plan(found)
        if not found.changes:
            return
        if not yes:
            confirm("Apply these changes?", "nothing was applied")
        restored = target.restore(number, after=found.version, comment=comment)
        typer.echo(f"Version {restored} is in force: it is version {number} again.")


def export(context: typer.Context, data: DataOption = None, url: UrlOption = None, token: TokenOption = None) -> None:
    """Print the workspace in force as a file that `apply` takes unchanged. Secrets are references, never values."""
    from assent.app.cli.complaints import complaints

    with complaints():
        typer.echo(_target(context, data, url, token).export(), nl=False)


_Directory = TypeVar("_Directory", bound="DataDirectory")


def target_of(
    context: typer.Context, data: Path | None, url: str | None, token: str | None, directory: type[_Directory]
) -> "_Directory | Remote":
    """The data directory or the server that was asked for; --url wins over ASSENT_DATA."""
    from assent.domain.errors import InvalidInput

    if url is None:
        if data is None:
            raise InvalidInput("say where: --data DIR, or --url URL with --token T")
        return directory(data)
    source = context.get_parameter_source("data")
    if data is not None and source is not None and source.name == "COMMANDLINE":
        raise InvalidInput("give either --data or --url, not both")
    if not token:
        raise InvalidInput("--url needs a token: --token T, or ASSENT_TOKEN in the environment")
    from assent.app.cli.remote import Remote

    return Remote(url, token)


def _target(context: typer.Context, data: Path | None, url: str | None, token: str | None) -> "DataDirectory | Remote":
    from assent.app.cli.data_directory import DataDirectory

    return target_of(context, data, url, token, DataDirectory)


def confirm(question: str, otherwise: str) -> None:
    """Ask; end the command, saying what was not done, where the answer is no or nobody can be asked."""
    from assent.app.cli.complaints import MISUSED, complain

    if not sys.stdin.isatty():
        complain(f"{otherwise}: nobody can be asked here; give --yes not to be asked", MISUSED)
    if not typer.confirm(question):
        complain(otherwise)
