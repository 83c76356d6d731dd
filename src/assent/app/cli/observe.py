"""`assent observe`: decide on consent and count, without enforcing it; and enforce it again."""

from typing import Annotated

import typer

from assent.app.cli.workspace import DataOption, TokenOption, UrlOption, confirm, target_of

observe = typer.Typer(no_args_is_help=True, help="Decide on consent and count, without enforcing it.")


@observe.command()
def on(
    context: typer.Context,
    comment: Annotated[str, typer.Option("--comment", metavar="TEXT", help="Why, for the audit trail. Needed.")] = "",
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Stop enforcing consent: it is decided and counted, and everything flows, also what people refused."""
    from assent.app.cli.complaints import complaints
    from assent.app.cli.held_data import HeldData

    with complaints():
        target = target_of(context, data, url, token, HeldData)
        if not yes:
            confirm("Consent is then NOT enforced: what people refused is delivered. Observe?", "nothing was changed")
        version = target.observe(True, comment)
        typer.echo(f"Version {version} is in force: OBSERVING, consent is not enforced. `assent observe off` ends it.")


@observe.command()
def off(
    context: typer.Context,
    comment: Annotated[str, typer.Option("--comment", metavar="TEXT", help="Why, for the audit trail.")] = "",
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """Enforce consent again, from the next event on."""
    from assent.app.cli.complaints import complaints
    from assent.app.cli.held_data import HeldData

    with complaints():
        version = target_of(context, data, url, token, HeldData).observe(False, comment)
        typer.echo(f"Version {version} is in force: consent is enforced.")
