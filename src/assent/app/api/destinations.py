"""How each destination is doing: how far it has read, what waits, and what it last complained of."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import get
from litestar.di import NamedDependency

from assent.app.api.bodies import Body, Data, failures
from assent.app.api.times import Time, time_text
from assent.app.services.destination_status import Condition, Status, statuses
from assent.app.wiring import Server
from assent.domain.outcome import Attempt


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
    asked now and then. `held`: somebody holds it, its events are kept and not sent. `disabled`: everything is withheld.
    `removed`: it is no longer in the workspace, and still settles what came in before.
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
    return Data(DestinationList([shown_status(one) for one in await statuses(server)]))


def shown_status(status: Status) -> DestinationStatus:
    destination = status.destination
    return DestinationStatus(
        id=destination.id,
        name=destination.title,
        connector=destination.connector,
        integration=destination.integration,
        enabled=destination.enabled,
        condition=status.condition,
        position=status.position,
        unread=status.unread,
        retrying=status.retrying,
        last_error=_last_error(status.last_error) if status.last_error is not None else None,
    )


def _last_error(attempt: Attempt) -> LastError:
    return LastError(
        attempt.message_id,
        attempt.answer,
        attempt.http_status,
        time_text(attempt.first_at),
        is_retrying=attempt.settled_at is None,
    )
