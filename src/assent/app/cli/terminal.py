"""Where commands print for people."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

_NO_LIMIT: Final = 10_000


def plain_console() -> Console:
    """Prints tables as wide as their content needs: no figure is ever cut off, in a terminal or in a pipe."""
    return Console(highlight=False, markup=False, soft_wrap=True, width=_NO_LIMIT)


def print_columns(rows: Iterable[tuple[str, ...]]) -> None:
    """Print a line for each row, its texts below one another; what cannot be seen is left out of them."""
    table = Table.grid(padding=(0, 2))
    for row in rows:
        table.add_row(*(Text("".join(filter(str.isprintable, one))) for one in row))
    if table.row_count:
        plain_console().print(table)


def day(at: int) -> str:
    """A time (UTC epoch milliseconds) as a day in UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()
