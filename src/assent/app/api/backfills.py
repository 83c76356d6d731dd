"""Backfills: sending, after a mistake was mended, what was withheld by it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, TypeAlias

import msgspec
from litestar import Request, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from assent.app.api.access import owners_only
from assent.app.api.bodies import Body, Data, failures
from assent.app.api.times import Time, epoch_ms, time_text
from assent.app.services import backfill
from assent.app.services.backfill import Asked, Preview
from assent.app.wiring import Server, Stores, now
from assent.domain.decision import Reason
from assent.domain.job import Job, JobState
from assent.store.tokens import Token

_Request: TypeAlias = Request[Token, None, State]


class BackfillBody(Body, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be sent after all: to which destinations, what came in when, and was withheld for which reasons."""

    destinations: Annotated[
        list[str], msgspec.Meta(min_length=1, max_length=100, description="Ids of destinations.", examples=[["pixel"]])
    ]
    since: Annotated[Time, msgspec.Meta(description="Received at this time or later.")]
    until: Annotated[Time, msgspec.Meta(description="Received before this time.")]
    reasons: Annotated[
        list[Reason] | None,
        msgspec.Meta(
            description="What they were withheld for. Left out: everything that consent, categories and switched-off "
            "destinations withhold for."
        ),
    ] = None

    def asked(self) -> Asked:
        since, until = epoch_ms(self.since, "since"), epoch_ms(self.until, "until")
        reasons = backfill.USUAL if self.reasons is None else frozenset(self.reasons)
        return Asked(tuple(dict.fromkeys(self.destinations)), since or 0, until or 0, reasons)


class NewBackfillBody(BackfillBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be sent after all, why, and how fast."""

    why: Annotated[str, msgspec.Meta(min_length=1, max_length=1000, description="The reason, for the audit trail.")]
    speed: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None,
        msgspec.Meta(description="How many events a second may be sent to each destination; else as fast as it takes."),
    ] = None


class ReasonCount(Body, frozen=True):
    """How many events were withheld for one reason."""

    reason: Reason
    events: int


class BackfillPreview(Body, frozen=True, kw_only=True):
    """What a backfill would do at one destination now: exact, by deciding every event.

    `found` are the events that were withheld. `sends` of them would be sent; `refused` not, because their person has
    refused since; `withheld` not, because the version in force withholds them too; `held` not yet, because something is
    held.
    """

    destination: str
    found: Sequence[ReasonCount]
    sends: int
    refused: int
    withheld: int
    held: int
    sample: Annotated[Sequence[str], msgspec.Meta(description="Message ids of some that would be sent.")]


class BackfillPreviews(Body, frozen=True):
    """What a backfill would do now, by destination."""

    destinations: Sequence[BackfillPreview]


class Backfill(Body, frozen=True, kw_only=True):
    """One backfill of one destination, how far it is, and what became of what it took up.

    It reads the offsets from `start` to `end` and is at `position`. `note` says what stopped it, where something did.
    """

    id: Annotated[str, msgspec.Meta(examples=["bkf_0123456789abcdef"])]
    destination: str
    state: JobState
    start: int
    end: int
    position: int
    reasons: Sequence[Reason]
    author: str
    why: str
    speed: int | None
    created_at: Time
    updated_at: Time
    delivered: int
    withheld: int
    refused: Annotated[int, msgspec.Meta(description="Not sent, because their person has refused since.")]
    retrying: int
    failed: int
    note: str


class BackfillList(Body, frozen=True):
    """Backfills, the newest first."""

    backfills: Sequence[Backfill]


JobId: TypeAlias = Annotated[str, PathParameter(name="backfillId", description="The id of a backfill.", min_length=1)]
OfDestination: TypeAlias = Annotated[
    str | None, QueryParameter(name="destination", description="The id of a destination; else all.")
]


@post(
    "/backfill-preview",
    status_code=200,
    summary="What a backfill would send",
    operation_id="previewBackfill",
    responses=failures(400, 404, 413),
)
async def preview_backfill(data: JSONBody[BackfillBody], server: NamedDependency[Server]) -> Data[BackfillPreviews]:
    """Count the events that a backfill would send now, with some of them to look at. Changes nothing. Reads the log, so
    for millions of events it takes a while.
    """
    found = await backfill.preview(server.stores, server.log, data.asked())
    return Data(BackfillPreviews([preview_body(one) for one in found]))


@post(
    "/backfills",
    status_code=200,
    summary="Start a backfill",
    operation_id="startBackfill",
    guards=[owners_only],
    responses=failures(400, 403, 404, 413),
)
async def start_backfill(
    data: JSONBody[NewBackfillBody], request: _Request, server: NamedDependency[Server]
) -> Data[BackfillList]:
    """Send what was withheld by a mistake that is mended by now: one backfill for each destination.

    Every event is decided again under the version in force, and nothing goes whose person has refused since, nor what
    was delivered before. The events keep their time.
    """
    jobs = await backfill.start(
        server.stores,
        server.log,
        data.asked(),
        why=data.why,
        author=request.user.name,
        at=now(),
        speed=data.speed,
    )
    await server.follow()
    return Data(BackfillList([backfill_body(one) for one in jobs]))


@get("/backfills", summary="All backfills", operation_id="listBackfills", responses=failures(400))
async def list_backfills(server: NamedDependency[Server], destination: OfDestination = None) -> Data[BackfillList]:
    """The last hundred backfills, the newest first."""
    jobs = await asyncio.to_thread(lambda: server.stores.jobs.all(100, destination=destination))
    return Data(BackfillList([backfill_body(one) for one in jobs]))


@get("/backfills/{backfillId:str}", summary="One backfill", operation_id="getBackfill", responses=failures(400, 404))
async def get_backfill(server: NamedDependency[Server], id_: JobId) -> Data[Backfill]:
    """How far it is."""
    return Data(backfill_body(await asyncio.to_thread(server.stores.jobs.get, id_)))


@post(
    "/backfills/{backfillId:str}/pause",
    status_code=200,
    summary="Pause a backfill",
    operation_id="pauseBackfill",
    guards=[owners_only],
    responses=failures(400, 403, 404, 409),
)
async def pause_backfill(server: NamedDependency[Server], request: _Request, id_: JobId) -> Data[Backfill]:
    """It stands still until it is resumed; what it has sent stays sent."""
    return await _moved(backfill.pause, server, request, id_)


@post(
    "/backfills/{backfillId:str}/resume",
    status_code=200,
    summary="Resume a backfill",
    operation_id="resumeBackfill",
    guards=[owners_only],
    responses=failures(400, 403, 404, 409),
)
async def resume_backfill(server: NamedDependency[Server], request: _Request, id_: JobId) -> Data[Backfill]:
    """It goes on where it was paused."""
    return await _moved(backfill.resume, server, request, id_)


@post(
    "/backfills/{backfillId:str}/cancel",
    status_code=200,
    summary="Cancel a backfill",
    operation_id="cancelBackfill",
    guards=[owners_only],
    responses=failures(400, 403, 404, 409),
)
async def cancel_backfill(server: NamedDependency[Server], request: _Request, id_: JobId) -> Data[Backfill]:
    """It ends where it is; what it has sent stays sent."""
    return await _moved(backfill.cancel, server, request, id_)


async def _moved(move: Callable[..., Job], server: Server, request: _Request, job_id: str) -> Data[Backfill]:
    stores: Stores = server.stores
    job = await asyncio.to_thread(lambda: move(stores, job_id, author=request.user.name, at=now()))
    await server.follow()
    return Data(backfill_body(job))


def preview_body(found: Preview) -> BackfillPreview:
    return BackfillPreview(
        destination=found.destination,
        found=[ReasonCount(reason, events) for reason, events in sorted(found.found.items())],
        sends=found.sends,
        refused=found.refused,
        withheld=found.withheld,
        held=found.held,
        sample=found.sample,
    )


def backfill_body(job: Job) -> Backfill:
    return Backfill(
        id=job.id,
        destination=job.destination,
        state=job.state,
        start=job.start,
        end=job.end,
        position=job.position,
        reasons=job.selection.reasons,
        author=job.author,
        why=job.why,
        speed=job.speed,
        created_at=time_text(job.created_at),
        updated_at=time_text(job.updated_at),
        delivered=job.tally.delivered,
        withheld=job.tally.withheld,
        refused=job.tally.refused,
        retrying=job.tally.retrying,
        failed=job.tally.failed,
        note=job.note,
    )
