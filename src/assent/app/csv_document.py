"""CSV for spreadsheets, in which nothing that a stranger chose becomes a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_text(head: Sequence[str], rows: Iterable[Sequence[str | int | float | None]]) -> str:
    """A table as CSV. Texts that a spreadsheet would take for a formula have an apostrophe before them."""
    return csv_lines([head, *rows])


def csv_lines(rows: Iterable[Sequence[str | int | float | None]]) -> str:
    """Rows of a table as CSV, alike."""
    written = io.StringIO()
    csv.writer(written).writerows([_safe(one) for one in row] for row in rows)
    return written.getvalue()


def _safe(value: str | int | float | None) -> str | int | float:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value
