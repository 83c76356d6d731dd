"""How many pages of each source had no consent tool in time, as assent.js tells, by the hour."""

from collections.abc import Mapping
from typing import Final, TypeAlias

from sqlalchemy import Engine, delete, func, select

from assent.store.database import reading, upsert
from assent.store.tables import pages_without_tool as pages

_KEEP_HOURS: Final = 30 * 24

Missed: TypeAlias = Mapping[tuple[str, int], int]
"""Pages by source and hour (UTC epoch)."""


class Pages:
    """The pages on which no consent tool was there in time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, missed: Missed) -> None:
        """Count these, too; what is older than 30 days by then is forgotten."""
        with self._engine.begin() as connection:
            for (source, hour), count in missed.items():
                statement = upsert(connection.dialect.name, pages).values(source=source, hour=hour, pages=count)
                more = {"pages": pages.c.pages + count}
                connection.execute(statement.on_conflict_do_update(index_elements=["source", "hour"], set_=more))
            newest = max((hour for _, hour in missed), default=0)
            connection.execute(delete(pages).where(pages.c.hour < newest - _KEEP_HOURS))

    def without_tool(self, from_hour: int) -> dict[str, int]:
        """How many since then, by source; those without any are left out."""
        query = select(pages.c.source, func.sum(pages.c.pages)).where(pages.c.hour >= from_hour)
        with reading(self._engine) as connection:
            rows = connection.execute(query.group_by(pages.c.source))
            return {source: int(count) for source, count in rows}
