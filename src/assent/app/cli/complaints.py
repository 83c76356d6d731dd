"""How a command says what went wrong: a message on standard error, and the exit status."""

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

import typer
from sqlalchemy.exc import DBAPIError

from assent.domain.errors import AssentError, InvalidInput

FAILED: Final = 1
"""The exit status when something could not be done."""

MISUSED: Final = 2
"""The exit status when what the command was given is wrong."""


@contextmanager
def complaints(misused: int = MISUSED) -> Iterator[None]:
    """End the command with a message instead of a traceback where something goes wrong that can go wrong.

    `misused` is the exit status when what the command was given is wrong.
    """
    try:
        yield
    except InvalidInput as error:
        complain(error.message, misused)
    except AssentError as error:
        complain(error.message)
    except BrokenPipeError:
        # The reader has seen enough (`| head`): without this, Python would complain once more as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except FileExistsError as error:
        complain(f"{os.fsdecode(error.filename)}: is there and is no directory")
    except OSError as error:
        said = error.strerror or str(error)
        complain(f"{os.fsdecode(error.filename)}: {said}" if error.filename else said)
    except sqlite3.Error as error:
        complain(f"the data directory cannot be used: {error}")
    except DBAPIError as error:
        complain(f"the data directory cannot be used: {error.orig}")


def complain(message: str, status: int = FAILED) -> NoReturn:
    """Say `message` on standard error and end the command."""
    typer.echo(message, err=True)
    raise typer.Exit(status)
