"""The audit trail at rest: entries are added, and never changed."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Engine, Row, func, insert, select

from assent.domain.trail import Entry, Happening
from assent.store.database import reading
from assent.store.tables import trail

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class TrailFilter(msgspec.Struct, frozen=True):
    """What an entry must have to be found; None is anything.

    Times are UTC epoch milliseconds: `since` inclusive, `until` exclusive.
    """

    author: str | None = None
    kind: str | None = None
    action: str | None = None
    since: int | None = None
    until: int | None = None


EVERYTHING: Final = TrailFilter()


class Trail:
    """Everything that was ever changed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, happenings: Iterable[Happening], *, at: int, author: str) -> None:
        """Put on record what is not part of a version; what is comes with `Versions.save`."""
        with self._engine.begin() as connection:
            record(connection, happenings, at=at, author=author)

    def entries(self, limit: int, wanted: TrailFilter = EVERYTHING, *, before: int | None = None) -> Sequence[Entry]:
        """The newest `limit` entries that match; `before` is the number that the page before ended with."""
        filters = list(_filters(wanted))
        if before is not None:
            filters.append(trail.c.number < before)
        with reading(self._engine) as connection:
            rows = connection.execute(select(trail).where(*filters).order_by(trail.c.number.desc()).limit(limit))
            return [_entry(row) for row in rows]

    def newest(self) -> int:
        """The number of the newest entry, 0 without any: who watches it misses nothing that people do."""
        with reading(self._engine) as connection:
            return connection.scalar(select(func.coalesce(func.max(trail.c.number), 0))) or 0

    def authors(self) -> Sequence[str]:
        return self._values(trail.c.author)

    def kinds(self) -> Sequence[str]:
        return self._values(trail.c.kind)

    def actions(self) -> Sequence[str]:
        return self._values(trail.c.action)

    def _values(self, column: Column[str]) -> Sequence[str]:
        """All there are of a column, in order."""
        with reading(self._engine) as connection:
            return connection.scalars(select(column).distinct().order_by(column)).all()


def record(
    connection: Connection,
    happenings: Iterable[Happening],
    *,
    at: int,
    author: str,
    version: int | None = None,
    comment: str = "",
) -> None:
    """Add entries in the transaction of `connection`."""
    rows = [
        {
            "at": at,
            "author": author,
            "action": one.action,
            "kind": one.kind,
            "id": one.id,
            "before": _encode(one.before) if one.before is not None else None,
            "after": _encode(one.after) if one.after is not None else None,
            "version": version,
            "comment": comment,
        }
        for one in happenings
    ]
    if rows:
        connection.execute(insert(trail), rows)


def _filters(wanted: TrailFilter) -> Iterator[ColumnElement[bool]]:
    columns = ((trail.c.author, wanted.author), (trail.c.kind, wanted.kind), (trail.c.action, wanted.action))
    yield from (column == value for column, value in columns if value is not None)
    if wanted.since is not None:
        yield trail.c.at >= wanted.since
    if wanted.until is not None:
        yield trail.c.at < wanted.until


def _entry(row: Row[Any]) -> Entry:
    before, after = (_decode(one) if one is not None else None for one in (row.before, row.after))
    happening = Happening(row.action, row.kind, row.id, before, after)
    return Entry(row.number, row.at, row.author, happening, row.version, row.comment)
