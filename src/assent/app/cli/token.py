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
    name: Annotated[str, typer.Option(metavar="N", help="Whose it is, as the audit trail will say.")],
) -> None:
    """Make a token and print it, once: only its digest is kept."""
    from assent.app.cli.complaints import MISUSED, complain, complaints
    from assent.app.cli.data_directory import author, stores_of
    from assent.app.services.people import create_token
    from assent.app.wiring import now

    if not name.strip():
        complain("--name is blank: say whose token it is", MISUSED)
    with complaints(), stores_of(data) as stores:
        typer.echo(create_token(stores, name, role, author=author(), at=now()).text)


@token.command("list")
def list_tokens(data: DataOption) -> None:
    """Print every token: its id, its role, when it was made, its name. Never its text."""
    from assent.app.cli.complaints import complaints
    from assent.app.cli.data_directory import existing_stores
    from assent.app.cli.terminal import day, print_columns

    with complaints(), existing_stores(data) as stores:
        print_columns((one.id, one.role, day(one.created_at), one.name) for one in stores.tokens.all())


@token.command()
def revoke(
    data: DataOption,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The id, as `assent token list` prints it.")],
) -> None:
    """Let a token speak for nobody any more, from the next call on."""
    from assent.app.cli.complaints import complaints
    from assent.app.cli.data_directory import author, existing_stores
    from assent.app.wiring import now

    with complaints(), existing_stores(data) as stores:
        revoked = stores.tokens.revoke(token_id, at=now(), author=author())
        typer.echo(f"The token `{revoked.name}` is revoked.")
