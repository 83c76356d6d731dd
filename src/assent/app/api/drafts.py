"""Drafts: several edits that are collected, tried, and put into force together."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import msgspec
from litestar import Request, delete, get, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter, RawBody

from assent.app.api.access import owners_only
from assent.app.api.bodies import Body, Data, check_switch, failures
from assent.app.api.document import WorkspaceBody
from assent.app.api.holds import NewVersion
from assent.app.api.times import Time, time_text
from assent.app.api.trials import Hours, TriedWorkspace, trial_body
from assent.app.api.workspace import Comment
from assent.app.api.workspace_document import read_document
from assent.app.services import drafts
from assent.app.wiring import Server, Stores, now
from assent.domain.decision import Reason
from assent.domain.draft import Draft
from assent.domain.workspace import Workspace
from assent.engine.sentences import sentences
from assent.engine.shadow import Direction
from assent.store.drafts import ShadowCount
from assent.store.tokens import Token

_Request: TypeAlias = Request[Token, None, State]


class NewDraftBody(Body, frozen=True, forbid_unknown_fields=True):
    """What to call it."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100, examples=["Stricter advertising"])]


class DraftSummary(Body, frozen=True, kw_only=True):
    """A draft: the version `base` that it was made from, and how often it was changed (`revision`)."""

    id: Annotated[str, msgspec.Meta(examples=["drf_0123456789abcdef"])]
    name: str
    base: int
    revision: int
    author: str
    created_at: Time
    updated_at: Time
    shadow: Annotated[bool, msgspec.Meta(description="It decides beside the version in force; see its `/shadow`.")]


class DraftInFull(DraftSummary, frozen=True, kw_only=True):
    """A draft and the workspace that it would bring, with what differs from its base in words."""

    workspace: Workspace
    in_words: Sequence[str]


class DraftList(Body, frozen=True):
    """All drafts, the one that was changed last first."""

    drafts: Sequence[DraftSummary]


class ShadowBody(Body, frozen=True, forbid_unknown_fields=True):
    """Whether the draft is to be the shadow."""

    shadow: bool


class CountOfShadow(Body, frozen=True, kw_only=True):
    """Events that a destination would newly get, or newly not get, and why; in one minute, if asked for."""

    at: Annotated[Time | msgspec.UnsetType, msgspec.Meta(description="When the minute begins.")] = msgspec.UNSET
    destination: str
    direction: Direction
    reason: Reason
    events: int


class ShadowCounts(Body, frozen=True):
    """What a draft, as it is now, would have done otherwise while it was the shadow; `shadow` says whether it is."""

    shadow: bool
    revision: int
    counts: Sequence[CountOfShadow]


ByMinute: TypeAlias = Annotated[
    bool, QueryParameter(name="byMinute", description="Also by the minute, the newest first; at most 10,000 counts.")
]
DraftId: TypeAlias = Annotated[str, PathParameter(name="draftId", description="The id of a draft.", min_length=1)]
Revision: TypeAlias = Annotated[
    int | None,
    QueryParameter(name="revision", ge=1, description="The revision that was changed. Another by now: 409."),
]


@get("/drafts", summary="All drafts", operation_id="listDrafts", sync_to_thread=True, responses=failures())
def list_drafts(server: NamedDependency[Server]) -> Data[DraftList]:
    """What is being prepared."""
    return Data(DraftList([draft_summary(one) for one in server.stores.drafts.all()]))


@post(
    "/drafts",
    status_code=200,
    summary="Begin a draft",
    operation_id="createDraft",
    guards=[owners_only],
    sync_to_thread=True,
    responses=failures(400, 403, 413),
)
def create_draft(data: JSONBody[NewDraftBody], request: _Request, server: NamedDependency[Server]) -> Data[DraftInFull]:
    """A draft of what is in force, to be changed."""
    return Data(draft_body(server.stores, drafts.create(server.stores, data.name, author=request.user.name, at=now())))


@get(
    "/drafts/{draftId:str}",
    summary="One draft",
    operation_id="getDraft",
    sync_to_thread=True,
    responses=failures(400, 404),
)
def get_draft(server: NamedDependency[Server], draft: DraftId) -> Data[DraftInFull]:
    """The draft with its workspace; secrets are references, never values."""
    return Data(draft_body(server.stores, server.stores.drafts.get(draft)))


@put(
    "/drafts/{draftId:str}",
    summary="Change a draft",
    operation_id="putDraft",
    operation_class=WorkspaceBody,
    guards=[owners_only],
    responses=failures(400, 403, 404, 409, 413),
)
async def put_draft(
    body: RawBody, request: _Request, server: NamedDependency[Server], draft: DraftId, revision: Revision = None
) -> Data[DraftInFull]:
    """Have the draft say this; nothing is put into force. The body is as for `PUT /workspace`."""
    workspace = await asyncio.to_thread(read_document, body, request.content_type[0])
    author = request.user.name
    changed = await asyncio.to_thread(
        lambda: drafts.put(server.stores, draft, workspace, author=author, at=now(), after=revision)
    )
    return Data(await asyncio.to_thread(draft_body, server.stores, changed))


@delete(
    "/drafts/{draftId:str}",
    status_code=200,
    summary="Give a draft up",
    operation_id="deleteDraft",
    guards=[owners_only],
    sync_to_thread=True,
    responses=failures(400, 403, 404),
)
def delete_draft(request: _Request, server: NamedDependency[Server], draft: DraftId) -> Data[DraftList]:
    """Delete it; what is left are the others."""
    server.stores.drafts.delete(draft, author=request.user.name, at=now())
    return Data(DraftList([draft_summary(one) for one in server.stores.drafts.all()]))


@post(
    "/drafts/{draftId:str}/trial",
    status_code=200,
    summary="Try a draft on real events",
    operation_id="tryDraft",
    responses=failures(400, 404, 409),
)
async def try_draft(server: NamedDependency[Server], draft: DraftId, hours: Hours = 24) -> Data[TriedWorkspace]:
    """What putting the draft into force now would have meant for the events of the last hours. Changes nothing."""
    return Data(trial_body(await drafts.try_draft(server.stores, server.log, draft, hours=hours, at=now())))


@post(
    "/drafts/{draftId:str}/apply",
    status_code=200,
    summary="Put a draft into force",
    operation_id="applyDraft",
    guards=[owners_only],
    responses=failures(400, 403, 404, 409),
)
async def apply_draft(
    request: _Request, server: NamedDependency[Server], draft: DraftId, comment: Comment = ""
) -> Data[NewVersion]:
    """All of it at once, as one version, on top of what was changed since the draft was made.

    Where somebody changed the same thing in another way, the answer is 409 and says what both changed; the draft stays.
    """
    author = request.user.name
    version = await asyncio.to_thread(
        lambda: drafts.put_into_force(server.stores, draft, author=author, at=now(), comment=comment)
    )
    await server.follow()
    return Data(NewVersion(version.number))


@get(
    "/drafts/{draftId:str}/shadow",
    summary="What a shadow would do otherwise",
    operation_id="getShadow",
    sync_to_thread=True,
    responses=failures(400, 404),
)
def get_shadow(server: NamedDependency[Server], draft: DraftId, by_minute: ByMinute = False) -> Data[ShadowCounts]:
    """Counted live, for every event that a destination reads while the draft is the shadow, by the reason that it would
    have. Of the draft as it is now: what was counted before somebody changed it is left out. Kept for 31 days.
    """
    return Data(shadow_body(server.stores, draft, by_minute))


@post(
    "/drafts/{draftId:str}/shadow",
    status_code=200,
    summary="Make a draft the shadow",
    operation_id="setShadow",
    guards=[owners_only],
    responses=failures(400, 403, 404, 409, 413),
)
async def set_shadow(
    data: JSONBody[ShadowBody], request: _Request, server: NamedDependency[Server], draft: DraftId
) -> Data[ShadowCounts]:
    """As the shadow a draft decides on all events beside the version in force, and nothing of it is enforced. There is
    one at a time: another one ends.
    """
    await check_switch(request, "shadow")
    author = request.user.name
    await asyncio.to_thread(lambda: drafts.set_shadow(server.stores, draft, data.shadow, author=author, at=now()))
    await server.follow()
    return Data(await asyncio.to_thread(shadow_body, server.stores, draft))


def shadow_body(stores: Stores, draft_id: str, by_minute: bool = False) -> ShadowCounts:
    """What a draft would do otherwise, as the API has it."""
    draft = stores.drafts.get(draft_id)
    counts = stores.drafts.shadow_counts(draft, by_minute=by_minute)
    return ShadowCounts(draft.shadow, draft.revision, [_shadow_count(one) for one in counts])


def _shadow_count(count: ShadowCount) -> CountOfShadow:
    at = time_text(count.minute * 60_000) if count.minute is not None else msgspec.UNSET
    return CountOfShadow(
        at=at, destination=count.destination, direction=count.direction, reason=count.reason, events=count.events
    )


def draft_summary(draft: Draft) -> DraftSummary:
    """A draft as a list has it."""
    return DraftSummary(**_summary(draft))


def draft_body(stores: Stores, draft: Draft) -> DraftInFull:
    """A draft as the API has it, with what differs from its base in words."""
    base = drafts.base_of(stores, draft)
    return DraftInFull(**_summary(draft), workspace=draft.workspace, in_words=sentences(base, draft.workspace))


def _summary(draft: Draft) -> dict[str, Any]:
    return {
        "id": draft.id,
        "name": draft.name,
        "base": draft.base,
        "revision": draft.revision,
        "author": draft.author,
        "created_at": time_text(draft.created_at),
        "updated_at": time_text(draft.updated_at),
        "shadow": draft.shadow,
    }
