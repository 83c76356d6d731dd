"""How destinations are doing: how far each has read, what waits, and what it last complained of."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal, NamedTuple, TypeAlias

from assent.app.wiring import Server, now
from assent.delivery.worker import Worker
from assent.domain.errors import NotFound
from assent.domain.outcome import Attempt, Cursor
from assent.domain.workspace import Destination

Condition: TypeAlias = Literal["well", "left_alone", "held", "disabled", "removed"]


class Status(NamedTuple):
    """How one destination is doing right now; `last_error` is of an event that waits, else of one that failed."""

    destination: Destination
    condition: Condition
    position: int
    unread: int
    retrying: int
    last_error: Attempt | None


class Kept(NamedTuple):
    """What a destination has still to settle: since when the oldest event is here, and when the log forgets it.

    Times are UTC epoch milliseconds. A log that may have only so many bytes can forget it earlier.
    """

    events: int
    since: int
    forgotten_at: int
    has_byte_limit: bool


async def statuses(server: Server) -> Sequence[Status]:
    """All destinations, in the order of the workspace; then removed ones that still settle."""
    accounts = server.stores.accounts
    cursors, failed = await asyncio.to_thread(lambda: (accounts.cursors(), accounts.last_failed()))
    positions = {one.destination: one for one in cursors}
    workers = {one.destination: one for one in server.delivery.workers}
    configured = {one.id: one for one in server.in_force.version.workspace.destinations}
    removed = {name: Destination(name, enabled=False) for name in sorted(workers.keys() - configured.keys())}
    head = server.log.head
    every = [
        _status(one, positions.get(name) or Cursor(name, head, head), workers.get(name), failed.get(name), head)
        for name, one in {**configured, **removed}.items()
    ]
    return [one for one in every if one.condition != "removed" or one.unread or one.retrying]


async def status_of(server: Server, destination_id: str) -> Status:
    """Raises NotFound for a destination that the workspace in force does not have."""
    found = next((one for one in await statuses(server) if one.destination.id == destination_id), None)
    if found is None or found.condition == "removed":
        raise NotFound(f"there is no destination `{destination_id}`")
    return found


async def kept(server: Server, status: Status) -> Kept | None:
    """What waits for this destination; None where nothing does."""
    worker = server.delivery.worker(status.destination.id)
    waiting = [one.offset for one in worker.waiting.first(1)] if worker is not None else []
    oldest = min([*waiting, *([status.position] if status.unread else [])], default=None)
    if oldest is None:
        return None
    try:
        [record] = await server.log.read(oldest, 1)
    except (NotFound, ValueError):  # trimmed, or settled, in this moment
        return None
    keep = server.config.keep // timedelta(milliseconds=1)
    return Kept(
        status.unread + status.retrying,
        record.received_at,
        max(record.received_at + keep, now()),
        server.config.keep_bytes is not None,
    )


def _status(
    destination: Destination, cursor: Cursor, worker: Worker | None, failed: Attempt | None, head: int
) -> Status:
    return Status(
        destination,
        _condition(destination, cursor, worker),
        cursor.position,
        max(0, (head if cursor.until is None else cursor.until) - cursor.position),
        len(worker.waiting) if worker is not None else 0,
        next(iter(worker.waiting.first(1) if worker is not None else ()), failed),
    )


def _condition(destination: Destination, cursor: Cursor, worker: Worker | None) -> Condition:
    if cursor.until is not None:
        return "removed"
    if destination.held:
        return "held"
    if not destination.enabled:
        return "disabled"
    return "left_alone" if worker is not None and worker.breaker.is_open else "well"
