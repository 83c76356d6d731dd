"""Holding, releasing, and sending failed events again."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, TypeAlias

import msgspec
from litestar import Request, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import JSONBody

from assent.app.api.access import owners_only
from assent.app.api.bodies import Body, Data, failures
from assent.app.api.times import Time, epoch_ms, time_text
from assent.app.services import holds
from assent.app.services.holds import Held, Kind
from assent.app.services.send_again import send_again
from assent.app.wiring import Server, now
from assent.domain.workspace import Version
from assent.store.accounts import FailedOnes
from assent.store.tokens import Token

_Request: TypeAlias = Request[Token, None, State]


class HoldBody(Body, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to hold or to release, and why."""

    kind: Kind
    id: Annotated[str, msgspec.Meta(description="Its id; nothing for the workspace.", examples=["advertising"])] = ""
    comment: Annotated[str, msgspec.Meta(max_length=1000, description="Why, for the history.")] = ""
    expected_version: Annotated[
        int | None, msgspec.Meta(description="The version that this is meant for. Another in force: 409.")
    ] = None


class NewVersion(Body, frozen=True):
    """The number of the version that is in force now."""

    version: int


class HeldForDestination(Body, frozen=True, kw_only=True):
    """What is kept for one destination.

    `events` were passed over because their source or category is held, `unread` wait because the destination or the
    workspace is. The oldest is given up at `goesAt`, when the log forgets it; `goesSoon` when that is within a day.
    """

    destination: str
    events: int
    unread: int
    oldest_at: Time
    goes_at: Time
    goes_soon: bool


class HeldList(Body, frozen=True):
    """What is kept, by destination."""

    held: Sequence[HeldForDestination]


class FailedBody(Body, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which failed events to send again; what is left out is any."""

    destination: Annotated[str | None, msgspec.Meta(description="The id of a destination.")] = None
    message_ids: Annotated[Annotated[list[str], msgspec.Meta(max_length=1000)] | None, msgspec.Meta()] = None
    http_status: Annotated[int | None, msgspec.Meta(description="What it was answered.")] = None
    answer: Annotated[str | None, msgspec.Meta(description="A part of what the destination said.")] = None
    since: Annotated[Time | None, msgspec.Meta(description="Failed at this time or later.")] = None
    until: Annotated[Time | None, msgspec.Meta(description="Failed before this time.")] = None

    def failed(self) -> FailedOnes:
        """Raises InvalidInput."""
        return FailedOnes(
            self.destination,
            tuple(self.message_ids or ()),
            self.http_status,
            self.answer,
            epoch_ms(self.since, "since"),
            epoch_ms(self.until, "until"),
        )


class SentAgain(Body, frozen=True):
    """How many failed events are tried again; how many the log has forgotten; how many match beside those."""

    events: int
    forgotten: int
    more: int


@post(
    "/workspace/hold",
    status_code=200,
    summary="Hold a destination, category, source or all",
    operation_id="hold",
    guards=[owners_only],
    responses=failures(400, 403, 404, 409, 413),
)
async def hold(data: JSONBody[HoldBody], request: _Request, server: NamedDependency[Server]) -> Data[NewVersion]:
    """Keep what would be delivered, as a new version of the workspace. Nothing is lost: everything is accepted, and on
    release decided anew. This is not switching enforcement off, nor does it withhold anything.
    """
    return await _changed(holds.hold, data, request, server)


@post(
    "/workspace/release",
    status_code=200,
    summary="Release what is held",
    operation_id="release",
    guards=[owners_only],
    responses=failures(400, 403, 404, 409, 413),
)
async def release(data: JSONBody[HoldBody], request: _Request, server: NamedDependency[Server]) -> Data[NewVersion]:
    """Let it go again, as a new version: every event that was kept is decided anew, under this version."""
    return await _changed(holds.release, data, request, server)


@get("/held", summary="What is held", operation_id="listHeld", responses=failures())
async def list_held(server: NamedDependency[Server]) -> Data[HeldList]:
    """How many events are kept for each destination, and when the oldest of them is given up."""
    found = await holds.held(server.stores, server.log, server.config.keep, at=now())
    return Data(HeldList([held_body(one) for one in found]))


@post(
    "/attempts/send-again",
    status_code=200,
    summary="Send failed events again",
    operation_id="sendAgain",
    guards=[owners_only],
    responses=failures(400, 403, 404, 413),
)
async def send_failed_again(
    data: JSONBody[FailedBody], request: _Request, server: NamedDependency[Server]
) -> Data[SentAgain]:
    """Have failed events tried again at once, at most 10,000. Each is decided again before it goes. What the log has
    forgotten cannot be sent.
    """
    done = await send_again(server.stores, server.log, data.failed(), author=request.user.name, at=now())
    await server.follow()
    return Data(SentAgain(done.events, done.forgotten, done.more))


def held_body(held: Held) -> HeldForDestination:
    return HeldForDestination(
        destination=held.destination,
        events=held.events,
        unread=held.unread,
        oldest_at=time_text(held.oldest_at),
        goes_at=time_text(held.goes_at),
        goes_soon=held.goes_soon,
    )


async def _changed(
    change: Callable[..., Version], data: HoldBody, request: _Request, server: Server
) -> Data[NewVersion]:
    version = await asyncio.to_thread(
        lambda: change(
            server.stores,
            data.kind,
            data.id,
            author=request.user.name,
            at=now(),
            comment=data.comment,
            after=data.expected_version,
        )
    )
    await server.follow()
    return Data(NewVersion(version.number))
