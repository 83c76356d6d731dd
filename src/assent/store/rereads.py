"""What was read of the log more than once, and what is still to be: stretches with held events, and readings of them.

All of it is written in the transaction of a settlement.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from assent.domain.errors import Conflict
from assent.domain.outcome import HeldStretch, Reread, Selection
from assent.store.tables import held_stretches, rereads

encode_selection = msgspec.json.Encoder(order="deterministic").encode
decode_selection = msgspec.json.Decoder(Selection).decode


def hold(connection: Connection, stretch: HeldStretch) -> None:
    """Remember where events were passed over, joined to the stretch before it."""
    table = held_stretches.c
    longer = connection.execute(
        update(held_stretches)
        .where(table.destination == stretch.destination, table.end == stretch.start, table.hold == stretch.hold)
        .values(end=stretch.end, events=table.events + stretch.events)
    )
    if longer.rowcount == 0:
        connection.execute(insert(held_stretches).values(**msgspec.structs.asdict(stretch)))


def take(connection: Connection, taken: HeldStretch) -> None:
    """Forget the beginning of a stretch, whose held `events` have been read again.

    Raises Conflict when it is not there: somebody else has read it.
    """
    table = held_stretches.c
    here = (table.destination == taken.destination) & (table.start == taken.start)
    row = connection.execute(select(held_stretches).where(here)).one_or_none()
    if row is None or row.hold != taken.hold or row.end < taken.end or row.events < taken.events:
        raise Conflict(f"what was held for `{taken.destination}` at {taken.start} was read by another process")
    connection.execute(delete(held_stretches).where(here))
    if row.end > taken.end and row.events > taken.events:
        left = HeldStretch(row.destination, taken.end, row.end, row.events - taken.events, row.hold)
        connection.execute(insert(held_stretches).values(**msgspec.structs.asdict(left)))


def read_again(connection: Connection, reread: Reread) -> None:
    """Remember a reading, joined to the one before it where nothing was read between them."""
    table = rereads.c
    newest = connection.execute(
        select(rereads).where(table.destination == reread.destination).order_by(table.number.desc()).limit(1)
    ).one_or_none()
    selection = encode_selection(reread.selection)
    # INVARIANT: only the newest grows, so that the numbers stay in the order in which events were read.
    if newest is not None and (newest.end, newest.version, newest.selection) == (
        reread.start,
        reread.version,
        selection,
    ):
        connection.execute(update(rereads).where(table.number == newest.number).values(end=reread.end))
    else:
        row = {**msgspec.structs.asdict(reread), "selection": selection}
        connection.execute(insert(rereads).values(**row))


def stretches(connection: Connection, destination: str) -> Sequence[HeldStretch]:
    query = select(held_stretches).where(held_stretches.c.destination == destination).order_by(held_stretches.c.start)
    return [HeldStretch(*row) for row in connection.execute(query)]


def held(connection: Connection) -> dict[str, int]:
    """How many events are held, by destination."""
    query = select(held_stretches.c.destination, func.sum(held_stretches.c.events))
    return {row[0]: int(row[1]) for row in connection.execute(query.group_by(held_stretches.c.destination))}


def readings(connection: Connection, start: int, end: int, destination: str | None = None) -> Sequence[Reread]:
    """The readings that touch [start, end), in order; of one destination or of all."""
    table = rereads.c
    query = select(table.destination, table.start, table.end, table.version, table.selection)
    query = query.where(table.start < end, table.end > start).order_by(table.number)
    if destination is not None:
        query = query.where(table.destination == destination)
    return [_reread(row) for row in connection.execute(query)]


def forget(connection: Connection, before: int) -> None:
    """Forget readings of events before offset `before`, which the log has trimmed."""
    connection.execute(delete(rereads).where(rereads.c.end <= before))


def _reread(row: Row[*tuple[Any, ...]]) -> Reread:
    return Reread(row[0], row[1], row[2], row[3], decode_selection(row[4]))
