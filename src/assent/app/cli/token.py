"""`assent token`: tokens of the management API."""

from typing import Annotated, Literal

import typer

from assent.app.cli.options import DataOption

token = typer.Typer(help="Tokens of the management API.", no_args_is_help=True)


@token.callback()
def _commands() -> None:
    """Tokens of the management API."""


@token.command()
def create(
    data: DataOption,
    role: Annotated[Literal["owner", "member"], typer.Option(help="An owner changes the workspace, a member reads.")],
    name: Annotated[str, typer.Option(metavar="N", help="Whose it is, as the history of the workspace will say.")],
) -> None:
    """Make a token and print it, once: only its digest is kept."""
    from assent.app.cli.complaints import MISUSED, complain, complaints
    from assent.app.wiring import now, open_stores

    if not name.strip():
        complain("--name is blank: say whose token it is", MISUSED)
    with complaints():
        typer.echo(open_stores(data).tokens.create(name, role, at=now()))
