"""The options that several commands share."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

DataOption: TypeAlias = Annotated[
    Path, typer.Option("--data", metavar="DIR", envvar="ASSENT_DATA", help="The data directory.")
]
