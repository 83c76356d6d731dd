"""Regulations: suppressing and deleting people, with the names and states of Segment's Public API."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, TypeAlias

import msgspec
from litestar import Request, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from assent.app.api.access import owners_only
from assent.app.api.bodies import Body, Data, failures
from assent.app.api.paging import PageCount, PageCursor, Pagination, cursor_at, position
from assent.app.api.times import Time, time_text
from assent.app.services import regulations
from assent.app.services.regulations import MOST_IDS, Asked, Report
from assent.app.wiring import Server, now
from assent.domain.errors import InvalidInput
from assent.domain.regulation import Regulation as Kept
from assent.domain.regulation import RegulationStatus, RegulationType, SubjectId, SubjectType, Suppressed, Told
from assent.store.tokens import Token


class NewRegulation(Body, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked for, and about whom."""

    regulation_type: RegulationType
    subject_type: SubjectType
    subject_ids: Annotated[
        list[str],
        msgspec.Meta(min_length=1, max_length=MOST_IDS, description="Ids of one kind.", examples=[["user-8f3a"]]),
    ]
    why: Annotated[str, msgspec.Meta(max_length=1000, description="The reason, for the record. Better not an id.")] = ""

    def asked(self) -> Asked:
        return Asked(self.regulation_type, self.subject_type, tuple(self.subject_ids), self.why)


class ToldDestination(Body, frozen=True):
    """What one destination said when it was told to delete.

    `NOT_SUPPORTED` are those whose connector cannot, and those that were removed: delete there by hand.
    """

    id: Annotated[str, msgspec.Meta(description="The id of the destination.")]
    status: RegulationStatus
    err_string: Annotated[str, msgspec.Meta(description="What it answered, or why it was not told; else empty.")]
    attempts: int
    finished_at: Time | None


class StreamStatus(Body, frozen=True):
    """All destinations of the workspace, which is one stream: a regulation is about all of its sources."""

    id: str
    destination_status: Sequence[ToldDestination]


class Regulation(Body, frozen=True, kw_only=True):
    """One request to suppress or delete, and how far it is.

    `PARTIAL_SUCCESS`: everything is done here, and a destination failed. `subjectIds` are there until the deletion is
    over; after that nobody can say from here whom it was about.
    """

    id: Annotated[str, msgspec.Meta(examples=["reg_0123456789abcdef"])]
    regulation_type: RegulationType
    subject_type: SubjectType
    subjects: Annotated[int, msgspec.Meta(description="About how many ids it is.")]
    subject_ids: Sequence[str]
    overall_status: RegulationStatus
    author: str
    why: str
    created_at: Time
    finished_at: Time | None
    events_looked_at: int
    events_to_look_at: int
    events_erased: int
    stream_status: Sequence[StreamStatus]


class CreatedRegulation(Body, frozen=True):
    """What was asked for is on record."""

    regulate_id: Annotated[str, msgspec.Meta(description="The id of the regulation, as Segment calls it.")]
    regulation: Regulation


class OneRegulation(Body, frozen=True):
    """One regulation, under its own name, as Segment answers it."""

    regulation: Regulation


class RegulationPage(Body, frozen=True):
    """Regulations, the newest first."""

    regulations: Sequence[Regulation]
    pagination: Pagination


class Suppression(Body, frozen=True):
    """One id of which nothing more is stored. `subjectId` is null once the person was deleted: who knows the id can
    still ask for it."""

    subject_type: SubjectType
    subject_id: str | None
    regulation_id: str
    created_at: Time


class SuppressionPage(Body, frozen=True):
    """Who is suppressed, the newest first."""

    suppressed: Sequence[Suppression]
    pagination: Pagination


_Request: TypeAlias = Request[Token, None, State]
RegulationId: TypeAlias = Annotated[
    str, PathParameter(name="regulationId", description="The id of a regulation.", min_length=1)
]
OfStatus: TypeAlias = Annotated[
    RegulationStatus | None, QueryParameter(name="status", description="Only those in this state.")
]
OfType: TypeAlias = Annotated[
    SubjectType | None, QueryParameter(name="subjectType", description="The kind of `subjectId`.")
]
OfId: TypeAlias = Annotated[
    str | None, QueryParameter(name="subjectId", description="Only this id, if it is suppressed.", min_length=1)
]


@post(
    "/regulations",
    status_code=200,
    summary="Suppress or delete people",
    operation_id="createRegulation",
    guards=[owners_only],
    responses=failures(400, 403, 413),
)
async def create_regulation(
    data: JSONBody[NewRegulation], request: _Request, server: NamedDependency[Server]
) -> Data[CreatedRegulation]:
    """Suppression is in force on return. A deletion goes on in the background, and cannot be taken back.

    `SUPPRESS_ONLY` stores no more events of them. `DELETE_ONLY` erases what there is and tells the destinations;
    `SUPPRESS_WITH_DELETE` does both. The types that end in `INTERNAL` tell no destination. `UNSUPPRESS` takes their
    events again.
    """
    asked, author = data.asked(), request.user.name
    made = await asyncio.to_thread(lambda: regulations.regulate(server.stores, asked, author=author, at=now()))
    await server.follow()
    report = await asyncio.to_thread(regulations.report, server.stores, made.id)
    return Data(CreatedRegulation(made.id, regulation_body(report)))


@get("/regulations", summary="All regulations", operation_id="listRegulations", responses=failures(400))
async def list_regulations(
    server: NamedDependency[Server], status: OfStatus = None, count: PageCount = 100, cursor: PageCursor = None
) -> Data[RegulationPage]:
    """What was asked for, the newest first, without what each destination said."""
    after = position(cursor, 0)
    found = await asyncio.to_thread(lambda: server.stores.regulations.all(count + 1, after=after, status=status))
    shown = [regulation_body(Report(one, (), ())) for one in found[:count]]
    return Data(RegulationPage(shown, _pagination(after, count, len(found))))


@get(
    "/regulations/{regulationId:str}",
    summary="One regulation",
    operation_id="getRegulation",
    responses=failures(400, 404),
)
async def get_regulation(server: NamedDependency[Server], id_: RegulationId) -> Data[OneRegulation]:
    """How far it is, and what each destination said."""
    report = await asyncio.to_thread(regulations.report, server.stores, id_)
    return Data(OneRegulation(regulation_body(report)))


@get("/suppressions", summary="Who is suppressed", operation_id="listSuppressions", responses=failures(400))
async def list_suppressions(
    server: NamedDependency[Server],
    subject_type: OfType = None,
    subject_id: OfId = None,
    count: PageCount = 100,
    cursor: PageCursor = None,
) -> Data[SuppressionPage]:
    """Everyone of whom nothing more is stored; or whether that holds for one id, with both parameters."""
    if (subject_type is None) is not (subject_id is None):
        raise InvalidInput("to ask for one id, give `subjectType` and `subjectId`", field="subjectId")
    after = position(cursor, 0)
    stores = server.stores.regulations
    if subject_type is not None and subject_id is not None:
        one = await asyncio.to_thread(stores.suppression, SubjectId(subject_type, subject_id))
        found = [one] if one is not None and not after else []
    else:
        found = list(await asyncio.to_thread(lambda: stores.suppressed(count + 1, after=after)))
    shown = [suppression_body(one) for one in found[:count]]
    return Data(SuppressionPage(shown, _pagination(after, count, len(found))))


def _pagination(after: int, count: int, found: int) -> Pagination:
    return Pagination(cursor_at(after), cursor_at(after + count) if found > count else None)


def regulation_body(report: Report) -> Regulation:
    one: Kept = report.regulation
    return Regulation(
        id=one.id,
        regulation_type=one.type,
        subject_type=one.subject_type,
        subjects=one.people,
        subject_ids=[subject.id for subject in report.subjects],
        overall_status=one.status,
        author=one.author,
        why=one.why,
        created_at=time_text(one.created_at),
        finished_at=time_text(one.finished_at) if one.finished_at is not None else None,
        events_looked_at=one.position - one.started_from,
        events_to_look_at=one.until - one.started_from,
        events_erased=one.erased,
        stream_status=[StreamStatus("workspace", [_destination_body(told) for told in report.told])],
    )


def suppression_body(one: Suppressed) -> Suppression:
    return Suppression(one.type, one.id, one.regulation, time_text(one.at))


def _destination_body(told: Told) -> ToldDestination:
    finished = time_text(told.finished_at) if told.finished_at is not None else None
    return ToldDestination(told.destination, told.status, told.answer, told.tried, finished)


REGULATIONS = [create_regulation, list_regulations, get_regulation, list_suppressions]
