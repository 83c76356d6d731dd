"""Erasing people from what the store keeps beside their events: answers, names of events, and texts people wrote."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Column, Connection, Engine, Table, delete, func, select, update

from assent.engine.person import People
from assent.store.database import reading, upsert
from assent.store.tables import (
    attempts,
    cursors,
    drafts,
    event_counters,
    event_day_counters,
    jobs,
    regulations,
    trail,
    versions,
)

_AT_ONCE: Final = 500
_TEXTS: Final[Sequence[tuple[Table, Sequence[Column[Any]], Sequence[Column[Any]]]]] = (
    (attempts, (attempts.c.destination, attempts.c.offset), (attempts.c.answer,)),
    (jobs, (jobs.c.id,), (jobs.c.why, jobs.c.note)),
    (drafts, (drafts.c.id,), (drafts.c.name,)),
    (regulations, (regulations.c.id,), (regulations.c.why,)),
    (versions, (versions.c.number,), (versions.c.comment,)),
    (trail, (trail.c.number,), (trail.c.comment, trail.c.before, trail.c.after)),
)
"""Where somebody may have written an id: the tables, what a row is found by, and the columns."""


def erase_attempts(engine: Engine, offsets: Sequence[int]) -> None:
    """Forget what the attempts at erased events say of them: message ids, and what destinations answered."""
    anywhere = attempts.c.destination.in_(select(cursors.c.destination))  # by destination, as the index begins
    for start in range(0, len(offsets), _AT_ONCE):
        some = attempts.c.offset.in_(offsets[start : start + _AT_ONCE])
        with engine.begin() as connection:
            connection.execute(update(attempts).where(anywhere, some).values(message_id="", answer=""))


def erase_texts(engine: Engine, people: People) -> None:
    """Take the ids of some people out of everything that was written by hand, or answered, and of names of events."""
    for table, key, texts in _TEXTS:
        for column in texts:
            for row in _rows_with(engine, key, column, people):
                _redact(engine, table, key, column, row, people.redacted)
    _erase_names(engine, people)


def _rows_with(engine: Engine, key: Sequence[Column[Any]], column: Column[Any], people: People) -> list[Any]:
    query = select(*key, column.label("text")).where(column.is_not(None), func.length(column) > 0)
    with reading(engine) as connection:
        return [row for row in connection.execute(query) if people.are_named_in(_text(row.text))]


def _redact(
    engine: Engine,
    table: Table,
    key: Sequence[Column[Any]],
    column: Column[Any],
    row: Any,
    redacted: Callable[[str], str],
) -> None:
    here = [one == row[index] for index, one in enumerate(key)]
    text = redacted(_text(row.text))
    with engine.begin() as connection:
        connection.execute(
            update(table).where(*here).values({column: text.encode() if isinstance(row.text, bytes) else text})
        )


def _erase_names(engine: Engine, people: People) -> None:
    """Count events whose name is about one of them among those without a name."""
    for table in (event_counters, event_day_counters):
        with reading(engine) as connection:
            names = connection.scalars(select(table.c.event).distinct()).all()
        for name in names:
            if people.are_named_in(name):
                with engine.begin() as connection:
                    _unname(connection, table, name)


def _unname(connection: Connection, table: Table, name: str) -> None:
    rows = [dict(row._mapping) for row in connection.execute(select(table).where(table.c.event == name))]
    connection.execute(delete(table).where(table.c.event == name))
    statement = upsert(connection.dialect.name, table)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[one.name for one in table.primary_key],
            set_={"events": table.c.events + statement.excluded.events},
        ),
        [{**row, "event": ""} for row in rows],
    )


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
