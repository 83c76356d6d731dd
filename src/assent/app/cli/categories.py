"""`assent categories`: finding the ids of a consent tool in what it wrote."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from assent.app.services.category_scan import ScannedTool
    from assent.domain.workspace import Workspace

categories = typer.Typer(help="Consent categories.", no_args_is_help=True)


@categories.callback()
def _commands() -> None:
    """Consent categories."""


@categories.command()
def scan(
    cookie_file: Annotated[
        Path | None,
        typer.Option(
            "--cookie-file",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Cookies, or what was copied, in a file.",
        ),
    ] = None,
    paste: Annotated[bool, typer.Option("--paste", help="Read it from standard input: paste, then Ctrl+D.")] = False,
    tool: Annotated[str, typer.Option("--tool", metavar="TOOL", help="The consent tool that it is probably of.")] = "",
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", envvar="ASSENT_DATA", help="A data directory, to say what is in it."),
    ] = None,
    create: Annotated[
        bool, typer.Option("--create", help="Create the categories that the data directory does not have.")
    ] = False,
) -> None:
    """Say which consent tool wrote something, and which categories that are: ids, names, answers.

    It may be cookies, the value of one, a TC or GPP string, or what the tool's line printed in the browser's console.
    """
    from assent.app.cli.complaints import complaints
    from assent.app.cli.terminal import print_columns
    from assent.app.services.category_scan import scan
    from assent.domain.errors import InvalidInput

    with complaints():
        if (cookie_file is None) == (not paste):
            raise InvalidInput("say where it is: `--cookie-file FILE`, or `--paste`")
        if create and data is None:
            raise InvalidInput("to create categories, say where: `--data DIR`")
        text = sys.stdin.read() if cookie_file is None else cookie_file.read_text(errors="replace")
        for one in (found := scan(text, _workspace(data), tool)):
            typer.echo(_heading(one))
            print_columns(
                ("", each.id, each.name, str(each.answer), f"is {each.category}" if each.category else "not here")
                if data is not None
                else ("", each.id, each.name, str(each.answer))
                for each in one.ids
            )
        if create and data is not None:
            typer.echo(_create(data, found))


def _workspace(data: Path | None) -> "Workspace":
    from assent.app.cli.data_directory import existing_stores
    from assent.domain.workspace import Workspace

    if data is None:
        return Workspace()
    with existing_stores(data) as stores:
        return stores.current().workspace


def _heading(one: "ScannedTool") -> str:
    acted = {True: "somebody answered", False: "by default, nobody answered", None: "who answered is not said"}
    return f"{one.title} ({one.tool}): {acted[one.explicit]}"


def _create(data: Path, found: "list[ScannedTool]") -> str:
    from assent.app.cli.data_directory import author, existing_stores
    from assent.app.services.category_scan import creation
    from assent.app.services.workspaces import change
    from assent.app.wiring import now

    wanted = [each for one in found for each in one.missing]
    if not wanted:
        return "Nothing to create: all of them are here."
    with existing_stores(data) as stores:
        version = change(stores, creation(wanted), author=author(), at=now())
    names = ", ".join(dict.fromkeys(one.suggested.id for one in wanted))
    return f"Created: {names}. Version {version.number} is in force."
