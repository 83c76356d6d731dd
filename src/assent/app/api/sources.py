"""Sources: where events come from, and the write keys that clients name them by."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, TypeAlias

import msgspec
from litestar import Request, delete, get, patch, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from assent.app.api.access import owners_only
from assent.app.api.bodies import Body, Data, failures
from assent.app.api.times import Time, time_text
from assent.app.api.workspace import ExpectedVersion, IfMatch, expected
from assent.app.services.connections import By, create_source, delete_source, rotate_write_key, update_source
from assent.app.services.last_day import SourceDay, sources_day
from assent.app.wiring import Server, now
from assent.domain.errors import NotFound
from assent.domain.workspace import Dialect, Source
from assent.store.tokens import Token

_Request: TypeAlias = Request[Token, None, State]
_ConsentFrom: TypeAlias = Annotated[
    Sequence[Dialect],
    msgspec.Meta(
        description="In which other ways, beside `context.consent.categoryPreferences`, it states consent.",
        examples=[["cookie", "gpc"]],
    ),
]


class SourceDetails(Body, frozen=True):
    """A source, and what it sent in the last 24 hours. `lastSeen` is the minute of the newest of it."""

    id: Annotated[str, msgspec.Meta(examples=["website"])]
    name: str
    write_key: Annotated[str, msgspec.Meta(description="What clients send with. It is public by design.")]
    enabled: Annotated[bool, msgspec.Meta(description="What a disabled source sends is discarded.")]
    consent_from: _ConsentFrom
    accepted: int
    discarded: int
    last_seen: Time | None


class SourceList(Body, frozen=True):
    """All sources, in the order of the workspace."""

    sources: Sequence[SourceDetails]


class NewSource(Body, frozen=True, forbid_unknown_fields=True):
    """A source to add. An id that is left out is made from the name, a write key that is left out is made up."""

    name: Annotated[str, msgspec.Meta(examples=["Web site"])] = ""
    id: Annotated[str, msgspec.Meta(min_length=1)] | msgspec.UnsetType = msgspec.UNSET
    write_key: str = ""
    enabled: bool = True
    consent_from: _ConsentFrom = ()


class SourceChanges(Body, frozen=True, forbid_unknown_fields=True):
    """What is to be different about a source; the rest stays."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET
    consent_from: _ConsentFrom | msgspec.UnsetType = msgspec.UNSET


class Removed(Body, frozen=True):
    """What was removed, and the version of the workspace that no longer has it."""

    id: str
    version: int


SourceId: TypeAlias = Annotated[str, PathParameter(name="sourceId", description="The id of a source.", min_length=1)]


@get("/sources", summary="All sources", operation_id="listSources", responses=failures())
async def list_sources(server: NamedDependency[Server]) -> Data[SourceList]:
    """The sources of the workspace in force."""
    days = await sources_day(server)
    sources = server.in_force.version.workspace.sources
    return Data(SourceList([_details(one, days.get(one.id, SourceDay())) for one in sources]))


@get("/sources/{sourceId:str}", summary="One source", operation_id="getSource", responses=failures(400, 404))
async def get_source(server: NamedDependency[Server], source_id: SourceId) -> Data[SourceDetails]:
    """One source of the workspace in force."""
    return await _answer(server, source_id)


@post(
    "/sources",
    status_code=200,
    summary="Add a source",
    operation_id="createSource",
    guards=[owners_only],
    responses=failures(400, 403, 409, 413),
)
async def post_source(
    data: JSONBody[NewSource],
    request: _Request,
    server: NamedDependency[Server],
    if_match: IfMatch = None,
    expected_version: ExpectedVersion = None,
) -> Data[SourceDetails]:
    """Add a source; clients may send with its write key when the answer comes."""
    by = By(request.user.name, now(), expected(if_match, expected_version))
    wanted = Source(data.id or "", data.write_key, data.name, data.enabled, consent_from=tuple(data.consent_from))
    created = await asyncio.to_thread(create_source, server.stores, wanted, by)
    await server.follow()
    return await _answer(server, created.id)


@patch(
    "/sources/{sourceId:str}",
    summary="Change a source",
    operation_id="changeSource",
    guards=[owners_only],
    responses=failures(400, 403, 404, 409, 413),
)
async def patch_source(
    data: JSONBody[SourceChanges],
    request: _Request,
    server: NamedDependency[Server],
    source_id: SourceId,
    if_match: IfMatch = None,
    expected_version: ExpectedVersion = None,
) -> Data[SourceDetails]:
    """Rename a source, enable or disable it, or say how it states consent.

    What a disabled source sends is answered 200 and discarded.
    """
    by = By(request.user.name, now(), expected(if_match, expected_version))
    changes = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not msgspec.UNSET}
    if "consent_from" in changes:
        changes["consent_from"] = tuple(changes["consent_from"])
    await asyncio.to_thread(lambda: update_source(server.stores, source_id, by, **changes))
    await server.follow()
    return await _answer(server, source_id)


@post(
    "/sources/{sourceId:str}/rotate",
    status_code=200,
    summary="Rotate a write key",
    operation_id="rotateWriteKey",
    guards=[owners_only],
    responses=failures(400, 403, 404, 409),
)
async def rotate_source(
    request: _Request,
    server: NamedDependency[Server],
    source_id: SourceId,
    if_match: IfMatch = None,
    expected_version: ExpectedVersion = None,
) -> Data[SourceDetails]:
    """Give a source a new write key. Clients that send with the old one are answered 401 from now on."""
    by = By(request.user.name, now(), expected(if_match, expected_version))
    await asyncio.to_thread(rotate_write_key, server.stores, source_id, by)
    await server.follow()
    return await _answer(server, source_id)


@delete(
    "/sources/{sourceId:str}",
    status_code=200,
    summary="Remove a source",
    operation_id="removeSource",
    guards=[owners_only],
    responses=failures(400, 403, 404, 409),
)
async def remove_source(
    request: _Request,
    server: NamedDependency[Server],
    source_id: SourceId,
    if_match: IfMatch = None,
    expected_version: ExpectedVersion = None,
) -> Data[Removed]:
    """Remove a source. Clients that send with its write key are answered 401 from now on; what came in stays."""
    by = By(request.user.name, now(), expected(if_match, expected_version))
    version = await asyncio.to_thread(delete_source, server.stores, source_id, by)
    await server.follow()
    return Data(Removed(source_id, version.number))


async def _answer(server: Server, source_id: str) -> Data[SourceDetails]:
    source = server.in_force.version.workspace.source(source_id)
    if source is None:
        raise NotFound(f"there is no source `{source_id}`")
    return Data(_details(source, (await sources_day(server)).get(source_id, SourceDay())))


def _details(source: Source, day: SourceDay) -> SourceDetails:
    return SourceDetails(
        source.id,
        source.title,
        source.write_key,
        source.enabled,
        source.consent_from,
        day.accepted,
        day.discarded,
        time_text(day.last_seen_at) if day.last_seen_at is not None else None,
    )
