"""The workspace: what is in force, its versions, what a change would do, and the change itself."""

import asyncio
import re
from collections.abc import Sequence
from typing import Annotated, Final, TypeAlias

import msgspec
from litestar import Request, Response, get, post, put
from litestar.datastructures import ResponseHeader, State
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, PathParameter, QueryParameter, RawBody

from assent.app.api.access import owners_only
from assent.app.api.bodies import Body, Data, failures
from assent.app.api.document import WorkspaceAnswer, WorkspaceBody
from assent.app.api.paging import PageCount, PageCursor, Pagination, cursor_at, position
from assent.app.api.times import Time, time_text
from assent.app.api.workspace_document import read_document
from assent.app.services.workspaces import apply, difference, difference_in_words, plan, restore
from assent.app.wiring import Server, now
from assent.app.workspace_file import dump
from assent.domain.errors import InvalidInput
from assent.domain.workspace import Version, Workspace
from assent.engine.changes import Action
from assent.log.interface import KeyCounts
from assent.store.tokens import Token

_HOUR_MS: Final = 3_600_000
_YAML: Final = "application/yaml"

ETAG: Final = ResponseHeader(
    name="ETag",
    value='"3"',
    documentation_only=True,
    description="The version, for `If-Match` of a later change.",
)

_Request: TypeAlias = Request[Token, None, State]


class VersionSummary(Body, frozen=True):
    """Who put a version of the workspace into force, when and why."""

    number: Annotated[int, msgspec.Meta(description="1 is the first; 0 stands for the empty workspace before it.")]
    at: Time
    author: Annotated[str, msgspec.Meta(description="The name of the token, or of the command that applied it.")]
    comment: str


class VersionInFull(VersionSummary, frozen=True):
    """One version of the workspace. Its keys are those of the workspace file; secrets are references, never values."""

    workspace: Workspace
    observing: Annotated[
        bool, msgspec.Meta(description="Consent is decided and counted, but not enforced: everything flows.")
    ]


class VersionPage(Body, frozen=True):
    """Versions, newest first."""

    versions: Sequence[VersionSummary]
    pagination: Pagination


class PlannedChange(Body, frozen=True):
    """One thing that would differ, and what about it, a sentence each."""

    action: Action
    kind: str
    id: str
    details: Sequence[str]


class PlannedImpact(Body, frozen=True):
    """How many of the last day's events a destination would have got that it did not get, and the other way round."""

    destination: str
    newly_delivered: int
    newly_withheld: int


class PlannedVersion(Body, frozen=True):
    """What putting a workspace into force would change; destinations without a difference are left out of `impact`."""

    version: Annotated[int, msgspec.Meta(description="The version in force, which the changes start from.")]
    changes: Sequence[PlannedChange]
    events: Annotated[int, msgspec.Meta(description="The last day's events, on which the impact was measured.")]
    impact: Sequence[PlannedImpact]


class VersionChanges(Body, frozen=True):
    """What differs between two versions: `number` and the version `since` which."""

    number: int
    since: Annotated[int, msgspec.Meta(description="0 is the empty workspace before the first version.")]
    changes: Sequence[PlannedChange]
    in_words: Annotated[
        Sequence[str],
        msgspec.Meta(examples=[["Facebook leaves Advertising: 12,400 events a day would no longer reach it"]]),
    ]


Since: TypeAlias = Annotated[
    int | None,
    QueryParameter(name="since", ge=0, description="The version to compare with; by default the one before."),
]
IfMatch: TypeAlias = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        description='The `ETag` of the version that the change was made for, like `"3"`. Another in force: 409.',
    ),
]
ExpectedVersion: TypeAlias = Annotated[
    int | None,
    QueryParameter(name="expectedVersion", ge=0, description="The same as `If-Match`, as a number."),
]
Comment: TypeAlias = Annotated[
    str, QueryParameter(name="comment", max_length=1000, description="Why, for the history of the workspace.")
]
VersionNumber: TypeAlias = Annotated[int, PathParameter(name="number", ge=1, description="A version's number.")]


@get(
    "/workspace",
    summary="The workspace in force",
    operation_id="getWorkspace",
    response_headers=[ETAG],
    responses=failures(),
)
async def get_workspace(server: NamedDependency[Server]) -> Response[Data[VersionInFull]]:
    """The version in force. Its `ETag` is for `If-Match` of a later change."""
    return _in_full(server.in_force.version)


@put(
    "/workspace",
    summary="Put a workspace into force",
    operation_id="putWorkspace",
    operation_class=WorkspaceBody,
    guards=[owners_only],
    response_headers=[ETAG],
    responses=failures(400, 403, 409, 413),
)
async def put_workspace(
    body: RawBody,
    request: _Request,
    server: NamedDependency[Server],
    if_match: IfMatch = None,
    expected_version: ExpectedVersion = None,
    comment: Comment = "",
) -> Response[Data[VersionInFull]]:
    """Replace the whole workspace, as a new version. It is in force when the answer comes; one that differs in nothing
    leaves the version in force as it is.

    The body is the workspace document: as JSON, or as the YAML of the workspace file (`application/yaml`). Whoever read
    a version before changing it should name that version, so that nobody's change is lost unseen.
    """
    workspace = await asyncio.to_thread(read_document, body, request.content_type[0])
    author, after = request.user.name, expected(if_match, expected_version)
    version = await asyncio.to_thread(
        lambda: apply(server.stores, workspace, author=author, at=now(), comment=comment, after=after)
    )
    await server.follow()
    return _in_full(version)


@post(
    "/workspace/plan",
    status_code=200,
    summary="What a workspace would change",
    operation_id="planWorkspace",
    operation_class=WorkspaceBody,
    responses=failures(400, 413),
)
async def plan_workspace(body: RawBody, request: _Request, server: NamedDependency[Server]) -> Data[PlannedVersion]:
    """What putting this workspace into force would change, and what that would have meant for the events of the last
    day: exact, nothing sampled. Changes nothing. The body is as for `PUT`.
    """
    workspace = await asyncio.to_thread(read_document, body, request.content_type[0])
    hour = now() // _HOUR_MS
    last_day = await server.log.key_counts(hour - 23, hour + 1)
    planned = await asyncio.to_thread(plan, server.stores, workspace, last_day)
    return Data(msgspec.convert(planned, PlannedVersion, from_attributes=True))


@get(
    "/workspace/export",
    media_type=_YAML,
    summary="The workspace in force as a file",
    operation_id="exportWorkspace",
    operation_class=WorkspaceAnswer,
    responses=failures(),
)
async def export_workspace(server: NamedDependency[Server]) -> str:
    """The workspace file of the version in force, which `PUT` takes back unchanged."""
    return await asyncio.to_thread(dump, server.in_force.version.workspace)


@post(
    "/workspace/versions/{number:int}/restore",
    status_code=200,
    summary="Undo: put an older version into force again",
    operation_id="restoreVersion",
    guards=[owners_only],
    response_headers=[ETAG],
    responses=failures(400, 403, 404, 409),
)
async def restore_version(
    number: VersionNumber,
    request: _Request,
    server: NamedDependency[Server],
    if_match: IfMatch = None,
    expected_version: ExpectedVersion = None,
    comment: Comment = "",
) -> Response[Data[VersionInFull]]:
    """Make the workspace of this version a new version, which is in force when the answer comes. What was delivered or
    withheld meanwhile stays so: a backfill sends what was withheld by mistake.
    """
    after, author = expected(if_match, expected_version), request.user.name
    version = await asyncio.to_thread(
        lambda: restore(server.stores, number, author=author, at=now(), comment=comment, after=after)
    )
    await server.follow()
    return _in_full(version)


@get(
    "/workspace/versions/{number:int}/changes",
    summary="What a version changed",
    operation_id="getVersionChanges",
    responses=failures(400, 404),
)
async def get_version_changes(
    number: VersionNumber, server: NamedDependency[Server], since: Since = None
) -> Data[VersionChanges]:
    """What differs between an earlier version and this one, change by change and in words. The words say what it means
    for the events of the last day.
    """
    hour = now() // _HOUR_MS
    last_day = await server.log.key_counts(hour - 23, hour + 1)
    return Data(await asyncio.to_thread(_version_changes, server, number, since, last_day))


def _version_changes(server: Server, number: int, since: int | None, last_day: KeyCounts) -> VersionChanges:
    found = difference(server.stores, number, since)
    return VersionChanges(
        number,
        number - 1 if since is None else since,
        [msgspec.convert(one, PlannedChange, from_attributes=True) for one in found],
        difference_in_words(server.stores, number, since, last_day=last_day),
    )


@get("/workspace/versions", summary="All versions", operation_id="listVersions", responses=failures(400))
async def list_versions(
    server: NamedDependency[Server], count: PageCount = 100, cursor: PageCursor = None
) -> Data[VersionPage]:
    """The versions of the workspace, newest first."""
    before = position(cursor)
    return Data(await asyncio.to_thread(_versions, server, count, before))


@get(
    "/workspace/versions/{number:int}",
    summary="One version",
    operation_id="getVersion",
    response_headers=[ETAG],
    responses=failures(400, 404),
)
async def get_version(server: NamedDependency[Server], number: VersionNumber) -> Response[Data[VersionInFull]]:
    """A version by its number: what decisions name as the version that made them."""
    return _in_full(await asyncio.to_thread(server.stores.versions.get, number))


def _versions(server: Server, count: int, before: int) -> VersionPage:
    every = server.stores.versions.numbers()
    older = [one for one in every if one < before]
    page = [server.stores.versions.get(one) for one in older[:count]]
    following = cursor_at(older[count - 1]) if len(older) > count else None
    pagination = Pagination(cursor_at(min(before, max(every, default=0) + 1)), following, len(every))
    return VersionPage(
        [VersionSummary(one.number, time_text(one.at), one.author, one.comment) for one in page], pagination
    )


def _in_full(version: Version) -> Response[Data[VersionInFull]]:
    content = VersionInFull(
        version.number,
        time_text(version.at),
        version.author,
        version.comment,
        version.workspace,
        version.workspace.observe,
    )
    return Response(Data(content), headers={"ETag": f'"{version.number}"'})


def expected(if_match: str | None, version: int | None) -> int | None:
    """The version that a change is for, from either parameter. Raises InvalidInput for what is none."""
    if if_match is None:
        return version
    found = re.fullmatch(r'(?:W/)?"?([0-9]{1,9})"?', if_match.strip())
    if found is None:
        raise InvalidInput(f"`{if_match[:50]}` is no version: send the `ETag` of one", field="If-Match")
    return int(found[1])
