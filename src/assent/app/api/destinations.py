"""How each destination is doing: how far it has read, what waits, and what it last complained of."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

import msgspec
from litestar import get
from litestar.di import NamedDependency

from assent.app.api.bodies import Body, Data, failures
from assent.app.api.times import Time, time_text
from assent.app.wiring import Server
from assent.delivery.worker import Worker
from assent.domain.outcome import Attempt, Cursor
from assent.domain.workspace import Destination

Condition: TypeAlias = Literal["well", "left_alone", "disabled", "removed"]


class LastError(Body, frozen=True):
    """What a destination said of the last event that it did not take; `isRetrying` is false once that has failed."""

    message_id: str
    answer: str
    http_status: int | None
    first_at: Time
    is_retrying: bool


class DestinationStatus(Body, frozen=True, kw_only=True):
    """How one destination is doing.

    `well`: events flow, or would. `left_alone`: the breaker is open after many failures in a row, the destination is
    asked now and then. `disabled`: everything is withheld. `removed`: it is no longer in the workspace, and still
    settles what came in before.
    """

    id: Annotated[str, msgspec.Meta(examples=["amplitude"])]
    name: str
    connector: str
    integration: str
    enabled: bool
    condition: Condition
    position: Annotated[int, msgspec.Meta(description="The offset in the log that it reads next.")]
    unread: Annotated[int, msgspec.Meta(description="How many events it has not come to yet.")]
    retrying: Annotated[int, msgspec.Meta(description="How many events wait to be tried again.")]
    last_error: LastError | None


class DestinationList(Body, frozen=True):
    """All destinations, in the order of the workspace; then removed ones that still settle."""

    destinations: Sequence[DestinationStatus]


@get("/destinations", summary="How destinations are doing", operation_id="listDestinations", responses=failures())
async def list_destinations(server: NamedDependency[Server]) -> Data[DestinationList]:
    """The state of every destination right now."""
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
    return Data(DestinationList([one for one in every if one.condition != "removed" or one.unread or one.retrying]))


def _status(
    destination: Destination, cursor: Cursor, worker: Worker | None, failed: Attempt | None, head: int
) -> DestinationStatus:
    error = next(iter(worker.waiting.first(1) if worker is not None else ()), failed)
    return DestinationStatus(
        id=destination.id,
        name=destination.title,
        connector=destination.connector,
        integration=destination.integration,
        enabled=destination.enabled,
        condition=_condition(destination, cursor, worker),
        position=cursor.position,
        unread=max(0, (head if cursor.until is None else cursor.until) - cursor.position),
        retrying=len(worker.waiting) if worker is not None else 0,
        last_error=_last_error(error) if error is not None else None,
    )


def _condition(destination: Destination, cursor: Cursor, worker: Worker | None) -> Condition:
    if cursor.until is not None:
        return "removed"
    if not destination.enabled:
        return "disabled"
    return "left_alone" if worker is not None and worker.breaker.is_open else "well"


def _last_error(attempt: Attempt) -> LastError:
    return LastError(
        attempt.message_id,
        attempt.answer,
        attempt.http_status,
        time_text(attempt.first_at),
        is_retrying=attempt.settled_at is None,
    )
