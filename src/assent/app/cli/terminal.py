"""Where commands print for people."""

from typing import Final

from rich.console import Console

_NO_LIMIT: Final = 10_000


def plain_console() -> Console:
    """Prints tables as wide as their content needs: no figure is ever cut off, in a terminal or in a pipe."""
    return Console(highlight=False, markup=False, soft_wrap=True, width=_NO_LIMIT)
