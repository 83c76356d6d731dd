"""`assent demo`: its options, and what is printed when it is over."""

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer

from assent.app.cli.serve import PORT

_SECONDS_UNWATCHED: Final = 20.0


def demo(
    seconds: Annotated[
        float | None, typer.Option(metavar="N", min=1, help="End after so many seconds, not only at Ctrl-C.")
    ] = None,
    port: Annotated[
        int, typer.Option(metavar="P", min=1, max=65535, help="The port; another one where it is taken.")
    ] = PORT,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Where to keep what the demo leaves behind. Else nothing is kept."),
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Show the visitors of an earlier demo again.")] = None,
) -> None:
    """See the main job done: visitors, a gateway, six destinations of different fate, and who got what and why.

    The visitors are made up; everything else is real, on this machine only. Ctrl-C ends it and checks the accounts.
    """
    from assent.app.cli.audit import print_audit
    from assent.app.cli.complaints import FAILED, complaints
    from assent.app.cli.data_directory import DataDirectory
    from assent.app.demo.gateway import free_port
    from assent.app.demo.run import Demo, run

    live = sys.stdout.isatty()
    chosen = seed if seed is not None else secrets.randbelow(1_000_000)
    until = seconds if seconds is not None or live else _SECONDS_UNWATCHED
    with complaints(), _directory(data) as directory:
        available = free_port(port)
        if available != port:
            typer.echo(f"port {port} is taken, so this is on {available}")
        run(Demo(directory, available, until, chosen, live))
        typer.echo(f"\nThe same visitors come again with --seed {chosen}.\n")
        found = DataDirectory(directory).audit()
        print_audit(found)
    if found.problems:
        raise typer.Exit(FAILED)


@contextmanager
def _directory(data: Path | None) -> Iterator[Path]:
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
        yield data.resolve()
    else:
        with TemporaryDirectory(prefix="assent-demo-") as passing:
            yield Path(passing)
