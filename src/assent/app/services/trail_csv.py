"""The audit trail as CSV, for people who open it in a spreadsheet."""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from assent.domain.trail import Entry
from assent.store.trail import Trail, TrailFilter

_COLUMNS: Final = ("number", "at", "who", "action", "kind", "id", "before", "after", "version", "comment")
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
_AT_ONCE: Final = 500


def trail_csv(trail: Trail, wanted: TrailFilter) -> Iterator[str]:
    """All entries that match, newest first, some at a time: a trail may be longer than fits in memory."""
    yield _lines([_COLUMNS])
    before = None
    while entries := trail.entries(_AT_ONCE, wanted, before=before):
        yield _lines([_row(one) for one in entries])
        before = entries[-1].number


def _row(entry: Entry) -> tuple[str, ...]:
    at = datetime.fromtimestamp(entry.at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    said = entry.happening
    version = str(entry.version) if entry.version is not None else ""
    texts = (entry.author, said.action, said.kind, said.id, _json(said.before), _json(said.after), version)
    return (str(entry.number), at, *map(_harmless, texts), _harmless(entry.comment))


def _json(value: Mapping[str, Any] | None) -> str:
    return msgspec.json.encode(value).decode() if value is not None else ""


def _harmless(text: str) -> str:
    """A spreadsheet takes some beginnings for a formula, and runs it: an apostrophe in front makes it a text."""
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _lines(rows: list[tuple[str, ...]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()
