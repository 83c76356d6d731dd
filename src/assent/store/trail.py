"""The audit trail at rest: entries are added, and never changed."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, Row, func, insert, select

from assent.domain.trail import Entry, Happening
from assent.store.database import reading
from assent.store.tables import trail

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Trail:
    """Everything that was ever changed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, happenings: Iterable[Happening], *, at: int, author: str) -> None:
        """Put on record what is not part of a version; what is comes with `Versions.save`."""
        with self._engine.begin() as connection:
            record(connection, happenings, at=at, author=author)

    def entries(
        self,
        limit: int,
        *,
        before: int | None = None,
        author: str | None = None,
        kind: str | None = None,
        action: str | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> Sequence[Entry]:
        """The newest `limit` entries that match every filter; `before` is the number that the page before ended with.
        Times are UTC epoch milliseconds: `since` inclusive, `until` exclusive."""
        filters: list[ColumnElement[bool]] = []
        if before is not None:
            filters.append(trail.c.number < before)
        wanted = ((trail.c.author, author), (trail.c.kind, kind), (trail.c.action, action))
        filters += [column == value for column, value in wanted if value is not None]
        if since is not None:
            filters.append(trail.c.at >= since)
        if until is not None:
            filters.append(trail.c.at < until)
        with reading(self._engine) as connection:
            rows = connection.execute(select(trail).where(*filters).order_by(trail.c.number.desc()).limit(limit))
            return [_entry(row) for row in rows]

    def newest(self) -> int:
        """The number of the newest entry, 0 without any: who watches it misses nothing that people do."""
        with reading(self._engine) as connection:
            return connection.scalar(select(func.coalesce(func.max(trail.c.number), 0))) or 0

    def authors(self) -> Sequence[str]:
        with reading(self._engine) as connection:
            return connection.scalars(select(trail.c.author).distinct().order_by(trail.c.author)).all()


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


def _entry(row: Row[Any]) -> Entry:
    before, after = (_decode(one) if one is not None else None for one in (row.before, row.after))
    happening = Happening(row.action, row.kind, row.id, before, after)
    return Entry(row.number, row.at, row.author, happening, row.version, row.comment)
