"""The command `assent`: a registry of its commands, each of which is a function in a module of its own."""

from typing import Annotated

import typer

from assent.app.cli.audit import audit
from assent.app.cli.backfill import backfill, hold, release, send_again
from assent.app.cli.categories import categories
from assent.app.cli.decide import decide
from assent.app.cli.demo import demo
from assent.app.cli.draft import draft
from assent.app.cli.ledger import ledger
from assent.app.cli.observe import observe
from assent.app.cli.regulation import person, regulation
from assent.app.cli.serve import serve
from assent.app.cli.token import token
from assent.app.cli.user import user
from assent.app.cli.version_option import print_version
from assent.app.cli.workspace import apply, export, plan, undo

app = typer.Typer(
    name="assent",
    help="A self-hosted consent gateway for customer events.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _commands(
    _version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version, and end.")
    ] = False,
) -> None:
    """A self-hosted consent gateway for customer events."""


app.command()(decide)
app.command()(serve)
app.command()(plan)
app.command()(apply)
app.command()(undo)
app.command()(export)
app.command()(audit)
app.command()(demo)
app.add_typer(draft, name="draft")
app.add_typer(observe, name="observe")
app.command()(hold)
app.command()(release)
app.add_typer(backfill, name="backfill")
app.command()(send_again)
app.add_typer(regulation, name="regulation")
app.add_typer(person, name="person")
app.add_typer(categories, name="categories")
app.add_typer(ledger, name="ledger")
app.add_typer(token, name="token")
app.add_typer(user, name="user")


def main() -> None:
    """Run the command line."""
    app()
