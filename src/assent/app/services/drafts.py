"""Drafts: edits that are collected, tried, shared by their id, and put into force together. For API and console."""

import asyncio

import msgspec

from assent.app.services.trials import Readable, Tried, trial
from assent.app.services.workspaces import apply, sealed
from assent.app.wiring import Stores
from assent.app.workspace_file import workspace_of
from assent.domain.draft import Draft
from assent.domain.errors import InvalidInput
from assent.domain.workspace import Version, Workspace
from assent.engine.edit import Edit
from assent.engine.rebase import rebase

_NAME_CHARACTERS = 100


def create(stores: Stores, name: str, *, author: str, at: int) -> Draft:
    """A draft of what is in force. Raises InvalidInput."""
    called = name.strip()
    if not (called and called.isprintable() and len(called) <= _NAME_CHARACTERS):
        raise InvalidInput(f"write a name, of at most {_NAME_CHARACTERS} characters", field="name")
    current = stores.current()
    return stores.drafts.create(called, current.number, current.workspace, author=author, at=at)


def edit(stores: Stores, draft_id: str, change: Edit, *, author: str, at: int, after: int | None = None) -> Draft:
    """Do one thing to a draft; `after` is the revision that it was meant for.

    Raises NotFound, Conflict, InvalidWorkspace, and what `change` raises.
    """
    draft = stores.drafts.get(draft_id)
    changed = workspace_of(msgspec.json.decode(msgspec.json.encode(change(draft.workspace))))
    return put(stores, draft_id, changed, author=author, at=at, after=after)


def put(
    stores: Stores, draft_id: str, workspace: Workspace, *, author: str, at: int, after: int | None = None
) -> Draft:
    """Have the draft say this. Raises NotFound, Conflict, InvalidWorkspace."""
    draft = stores.drafts.get(draft_id)
    if after is not None:
        draft = msgspec.structs.replace(draft, revision=after)
    return stores.drafts.save(draft, sealed(stores, workspace), base=draft.base, author=author, at=at)


async def try_draft(stores: Stores, log: Readable, draft_id: str, *, hours: int, at: int) -> Tried:
    """What the draft would change now for the events of the last hours. Raises NotFound, Conflict, InvalidInput."""
    draft = await asyncio.to_thread(stores.drafts.get, draft_id)
    wanted = await asyncio.to_thread(_on_top, stores, draft)
    return await trial(stores, log, wanted, hours=hours, at=at)


def put_into_force(stores: Stores, draft_id: str, *, author: str, at: int, comment: str = "") -> Version:
    """Put the draft into force, on top of what changed since it was made; then it is no draft any more.

    Raises NotFound; Conflict, in words, where somebody else changed the same thing; and what `apply` raises.
    """
    draft = stores.drafts.get(draft_id)
    current = stores.current()
    version = apply(
        stores, _on_top(stores, draft), author=author, at=at, comment=comment or draft.name, after=current.number
    )
    stores.drafts.delete(draft_id, author=author, at=at, applied=version.number)
    return version


def _on_top(stores: Stores, draft: Draft) -> Workspace:
    """The draft's edits on top of what is in force. Raises Conflict, InvalidWorkspace."""
    current = stores.current()
    if current.number == draft.base:
        return draft.workspace
    base = stores.versions.get(draft.base).workspace if draft.base else Workspace()
    merged = rebase(base, draft.workspace, current.workspace)
    return workspace_of(msgspec.json.decode(msgspec.json.encode(merged)))
