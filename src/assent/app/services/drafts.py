"""Drafts: edits that are collected, tried, shared by their id, and put into force together. For API and console."""

import asyncio

import msgspec

from assent.app import shadowing
from assent.app.services.trials import Readable, Tried, trial
from assent.app.services.workspaces import apply, sealed
from assent.app.wiring import Stores
from assent.app.workspace_file import workspace_of
from assent.domain.draft import Draft
from assent.domain.errors import Conflict, InvalidInput
from assent.domain.workspace import Version, Workspace
from assent.engine.edit import Edit
from assent.engine.put_back import Kind, put_back
from assent.engine.rebase import rebase

_NAME_CHARACTERS = 100


def create(stores: Stores, name: str, *, author: str, at: int) -> Draft:
    """A draft of what is in force. Raises InvalidInput."""
    current = stores.current()
    return stores.drafts.create(_called(name), current.number, current.workspace, author=author, at=at)


def rename(stores: Stores, draft_id: str, name: str, *, author: str, at: int) -> Draft:
    """Call it something else. Raises NotFound, InvalidInput."""
    draft = msgspec.structs.replace(stores.drafts.get(draft_id), name=_called(name))
    return stores.drafts.save(draft, draft.workspace, base=draft.base, author=author, at=at)


def _called(name: str) -> str:
    called = name.strip()
    if not (called and called.isprintable() and len(called) <= _NAME_CHARACTERS):
        raise InvalidInput(f"write a name, of at most {_NAME_CHARACTERS} characters", field="name")
    return called


def edit(stores: Stores, draft_id: str, change: Edit, *, author: str, at: int, after: int | None = None) -> Draft:
    """Do one thing to a draft; `after` is the revision that it was meant for.

    Raises NotFound, Conflict, InvalidWorkspace, and what `change` raises.
    """
    draft = stores.drafts.get(draft_id)
    changed = _checked(change(draft.workspace))
    return put(stores, draft_id, changed, author=author, at=at, after=after)


def put(
    stores: Stores, draft_id: str, workspace: Workspace, *, author: str, at: int, after: int | None = None
) -> Draft:
    """Have the draft say this. Raises NotFound, Conflict, InvalidWorkspace."""
    draft = stores.drafts.get(draft_id)
    if after is not None:
        draft = msgspec.structs.replace(draft, revision=after)
    return stores.drafts.save(draft, sealed(stores, workspace), base=draft.base, author=author, at=at)


def begin_with(stores: Stores, name: str, change: Edit, *, author: str, at: int, after: int) -> Draft:
    """A draft with what somebody did to the workspace in force, of which version `after` was before them.

    Raises Conflict, InvalidInput, and what `change` raises.
    """
    current = _still(stores, after)
    changed = sealed(stores, _checked(change(current.workspace)))
    return stores.drafts.create(_called(name), current.number, changed, author=author, at=at)


def collect(stores: Stores, draft_id: str, change: Edit, *, author: str, at: int, after: int) -> Draft:
    """Add to a draft what somebody did to the workspace in force, of which version `after` was before them.

    Raises NotFound; Conflict, in words, where the draft says otherwise, or the version is not in force any more; and
    what `change` raises.
    """
    draft, current = stores.drafts.get(draft_id), _still(stores, after)
    changed = rebase(current.workspace, change(current.workspace), _on_top(stores, draft), "what you did")
    return stores.drafts.save(draft, sealed(stores, _checked(changed)), base=current.number, author=author, at=at)


def _still(stores: Stores, number: int) -> Version:
    """The version in force. Raises Conflict when it is not the one of this number."""
    current = stores.current()
    if number != current.number:
        raise Conflict("somebody else changed the workspace while you were here")
    return current


def take_out(stores: Stores, draft_id: str, kind: Kind, id_: str, *, author: str, at: int, after: int) -> Draft:
    """Leave this part of the workspace as it was when the draft was begun; `after` is the revision that was looked at.

    Raises NotFound, Conflict, InvalidWorkspace.
    """
    draft = stores.drafts.get(draft_id)
    return edit(stores, draft_id, put_back(base_of(stores, draft), kind, id_), author=author, at=at, after=after)


def base_of(stores: Stores, draft: Draft) -> Workspace:
    """The workspace that the draft was made from."""
    return shadowing.base_of(stores.versions, draft)


def set_shadow(stores: Stores, draft_id: str, on: bool, *, author: str, at: int) -> Draft:
    """Have a draft decide beside the version in force, in place of any other; what it would do otherwise is counted.

    Raises NotFound; Conflict where it could not be put into force as it is.
    """
    if on:
        _on_top(stores, stores.drafts.get(draft_id))
    return stores.drafts.set_shadow(draft_id, on, author=author, at=at)


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
    return _checked(shadowing.on_top(stores.versions, draft, stores.current()))


def _checked(workspace: Workspace) -> Workspace:
    """Raises InvalidWorkspace."""
    return workspace_of(msgspec.json.decode(msgspec.json.encode(workspace)))
