"""`assent --version`."""

from importlib.metadata import version

import typer


def print_version(wanted: bool) -> None:
    """Print the version and end, where it was asked for."""
    if wanted:
        typer.echo(f"assent {version('assent')}")
        raise typer.Exit
