"""`assent serve`: its options, and how they become the Config of a server."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from assent.app.cli.options import DataOption

PORT: Final = 8700
_GIGABYTE: Final = 1_000_000_000


def serve(
    data: DataOption,
    workspace: Annotated[
        Path | None,
        typer.Option(
            "--workspace",
            metavar="FILE",
            envvar="ASSENT_WORKSPACE",
            exists=True,
            dir_okay=False,
            help="A workspace file, put into force before serving. Without it, what is in force stays.",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="H", envvar="ASSENT_HOST", help="The address to listen on; 0.0.0.0 is every one.")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(metavar="P", envvar="ASSENT_PORT", min=0, max=65535, help="The port; 0 takes any that is free."),
    ] = PORT,
    keep_days: Annotated[
        float,
        typer.Option(metavar="N", envvar="ASSENT_KEEP_DAYS", min=0.01, help="Forget events after so many days."),
    ] = 7,
    keep_gb: Annotated[
        float | None,
        typer.Option(
            metavar="N", envvar="ASSENT_KEEP_GB", min=0.01, help="Forget the oldest events beyond so many gigabytes."
        ),
    ] = None,
    oidc_issuer: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="ASSENT_OIDC_ISSUER",
            help="The OpenID Connect provider at which people sign in to the console. Its secret for Assent is in "
            "ASSENT_OIDC_CLIENT_SECRET, and no option, because others can see options.",
        ),
    ] = None,
    oidc_client_id: Annotated[
        str | None,
        typer.Option(metavar="ID", envvar="ASSENT_OIDC_CLIENT_ID", help="What that provider calls Assent."),
    ] = None,
    oidc_name: Annotated[
        str, typer.Option(metavar="NAME", envvar="ASSENT_OIDC_NAME", help="What the button calls the provider.")
    ] = "your company",
    oidc_members: Annotated[
        str,
        typer.Option(
            metavar="DOMAINS",
            envvar="ASSENT_OIDC_MEMBERS",
            help="Domains, with commas between, whose people become members by signing in there. Without it, only "
            "those who are users already may enter.",
        ),
    ] = "",
) -> None:
    """Take events in, deliver them where people consented: gateway, settings, API and delivery in one process.

    With ASSENT_HOOK_SECRET in its environment, it takes signed webhooks at /hooks/consent; with ASSENT_ONETRUST_TOKEN,
    those of OneTrust at /hooks/consent/onetrust.

    SIGTERM and SIGINT let it finish what is in flight; then it ends with exit status 0.
    """
    # Here, not above: who asks another command need not wait for a server's imports.
    from assent.app.cli.complaints import complaints
    from assent.app.config import Config, read_oidc
    from assent.app.serving import run

    with complaints():
        secret = os.environ.get("ASSENT_OIDC_CLIENT_SECRET")
        config = Config(
            data=data,
            keep=timedelta(days=keep_days),
            keep_bytes=int(keep_gb * _GIGABYTE) if keep_gb is not None else None,
            oidc=read_oidc(oidc_issuer, oidc_client_id, secret, oidc_name, oidc_members),
            hook_secret=os.environ.get("ASSENT_HOOK_SECRET") or None,
            onetrust_token=os.environ.get("ASSENT_ONETRUST_TOKEN") or None,
        )
        run(config, workspace, host, port)
