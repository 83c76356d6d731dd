"""The audit trail: every change, by whom, when, what it was before and is now."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from assent.app.api.bodies import Body, Data, failures
from assent.app.api.paging import PageCount, PageCursor, Pagination, cursor_at, position
from assent.app.api.times import Time, epoch_ms, time_parameter, time_text
from assent.app.wiring import Server
from assent.domain import trail as nouns
from assent.store.trail import TrailFilter


class Entry(Body, frozen=True):
    """One change on record. `before` and `after` are the parts that changed, with the keys of the workspace file and
    without secrets; null where there was, or is, nothing."""

    number: int
    at: Time
    author: Annotated[str, msgspec.Meta(description="An e-mail address, the name of a token, or that of a command.")]
    action: Annotated[str, msgspec.Meta(examples=["Consent Category Created"])]
    kind: Annotated[str, msgspec.Meta(description="What it happened to, with `id`.", examples=["category"])]
    id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    version: Annotated[int | None, msgspec.Meta(description="The version of the workspace that it made.")]
    comment: str


class EntryPage(Body, frozen=True):
    """Entries, newest first."""

    entries: Sequence[Entry]
    pagination: Pagination


Author: TypeAlias = Annotated[str | None, QueryParameter(name="author", description="The whole of who did it.")]
Kind: TypeAlias = Annotated[str | None, QueryParameter(name="kind", description="What it happened to: `category`, ...")]
Action: TypeAlias = Annotated[str | None, QueryParameter(name="action", description="The whole name of the change.")]
From: TypeAlias = Annotated[str | None, time_parameter("from", "Done at this time or later.")]
To: TypeAlias = Annotated[str | None, time_parameter("to", "Done before this time.")]


@get("/audit-trail", summary="Every change", operation_id="listAuditTrail", responses=failures(400))
async def list_audit_trail(
    server: NamedDependency[Server],
    author: Author = None,
    kind: Kind = None,
    action: Action = None,
    since: From = None,
    until: To = None,
    count: PageCount = 100,
    cursor: PageCursor = None,
) -> Data[EntryPage]:
    """What was changed in the workspace, among its people and its tokens, newest first."""
    wanted = TrailFilter(author, kind, action, epoch_ms(since, "from"), epoch_ms(until, "to"))
    before = position(cursor)
    entries = await asyncio.to_thread(server.stores.trail.entries, count + 1, wanted, before=before)
    shown = entries[:count]
    following = cursor_at(shown[-1].number) if len(entries) > count else None
    return Data(EntryPage([_entry(one) for one in shown], Pagination(cursor_at(before), following)))


def _entry(one: nouns.Entry) -> Entry:
    said = one.happening
    at = time_text(one.at)
    return Entry(
        one.number, at, one.author, said.action, said.kind, said.id, said.before, said.after, one.version, one.comment
    )
