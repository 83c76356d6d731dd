"""`assent user`: who may sign in to the console, for whoever runs the server, also when nobody can sign in any more."""

from typing import Annotated, Literal

import typer

from assent.app.cli.options import DataOption

user = typer.Typer(help="Users of the console.", no_args_is_help=True)


@user.callback()
def _commands() -> None:
    """Users of the console."""


@user.command("list")
def list_users(data: DataOption) -> None:
    """Print every user: the e-mail address, the role, since when, the name."""
    from assent.app.cli.complaints import complaints
    from assent.app.cli.data_directory import existing_stores
    from assent.app.cli.terminal import day, print_columns

    with complaints(), existing_stores(data) as stores:
        print_columns((one.email, one.role, day(one.created_at), one.name) for one in stores.users.all())


@user.command()
def invite(
    data: DataOption,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The e-mail address that they will sign in with.")],
    role: Annotated[
        Literal["owner", "member"], typer.Option(help="An owner changes everything, a member reads. For a new user.")
    ] = "member",
    url: Annotated[
        str, typer.Option(metavar="URL", envvar="ASSENT_URL", help="Where people reach the console.")
    ] = "http://127.0.0.1:8700",
) -> None:
    """Print a link, once, that makes somebody a user; or, for somebody who is one, that sets a new password."""
    from assent.app.cli.complaints import complaints
    from assent.app.cli.data_directory import author, stores_of
    from assent.app.services import people
    from assent.app.wiring import now

    with complaints(), stores_of(data) as stores:
        known = stores.users.with_email(email.strip())
        if known is None:
            path = people.invite(stores, email, role, author=author(), at=now())
        else:
            typer.echo(f"{known.email} is a user already: this link sets a new password.", err=True)
            path = people.new_password_link(stores, known.id, author=author(), at=now())
        typer.echo(f"{url.rstrip('/')}{path}")


@user.command()
def remove(
    data: DataOption,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The e-mail address, as `assent user list` prints it.")],
) -> None:
    """Remove a user, who is signed out at once. The last owner stays."""
    from assent.app.cli.complaints import complaints
    from assent.app.cli.data_directory import author, existing_stores
    from assent.app.wiring import now
    from assent.domain.errors import NotFound

    with complaints(), existing_stores(data) as stores:
        known = stores.users.with_email(email.strip())
        if known is None:
            raise NotFound(f"there is no user `{email}`: `assent user list` prints them all")
        stores.users.remove(known.id, at=now(), author=author())
        typer.echo(f"{known.email} is no user any more.")
