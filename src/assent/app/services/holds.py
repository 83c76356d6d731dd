"""Holding and releasing: a destination, a category, a source or the whole workspace. For API, console and commands.

Held is not switched off: everything is accepted, decided and kept, and nothing that would be delivered is lost.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

from assent.app.services.workspaces import change
from assent.app.wiring import Stores
from assent.domain.errors import NotFound
from assent.domain.record import Record
from assent.domain.workspace import Version, Workspace
from assent.engine import edit
from assent.engine.edit import Edit

Kind: TypeAlias = Literal["destination", "category", "source", "workspace"]

_WARN_BEFORE: Final = timedelta(days=1)


class Held(msgspec.Struct, frozen=True):
    """What is kept for one destination. Times are UTC epoch milliseconds.

    `events` were passed over, because their source or category is held; `unread` wait at a cursor that stands still.
    The oldest of them came in at `oldest_at` and is given up at `goes_at`, when the log forgets it; `goes_soon` says
    that this is less than a day away.
    """

    destination: str
    events: int
    unread: int
    oldest_at: int
    goes_at: int
    goes_soon: bool


class Readable(Protocol):
    @property
    def head(self) -> int: ...
    @property
    def start(self) -> int: ...
    async def read(self, offset: int, limit: int) -> Sequence[Record]: ...


def hold(
    stores: Stores, kind: Kind, id_: str, *, author: str, at: int, comment: str = "", after: int | None = None
) -> Version:
    """Hold it, as a new version. Raises NotFound, and what `change` raises."""
    return change(stores, held_edit(kind, id_, True), author=author, at=at, comment=comment, after=after)


def release(
    stores: Stores, kind: Kind, id_: str, *, author: str, at: int, comment: str = "", after: int | None = None
) -> Version:
    """Release it, as a new version: what was kept is decided anew. Raises NotFound, and what `change` raises."""
    return change(stores, held_edit(kind, id_, False), author=author, at=at, comment=comment, after=after)


def held_edit(kind: Kind, id_: str, on: bool) -> Edit:
    """What holding or releasing does to a workspace."""
    if kind == "workspace":
        return lambda workspace: msgspec.structs.replace(workspace, held=on)
    edits: dict[str, Callable[..., Edit]] = {
        "destination": edit.change_destination,
        "category": edit.change_category,
        "source": edit.change_source,
    }
    return edits[kind](id_, held=on)


async def held(stores: Stores, log: Readable, keep: timedelta, *, at: int) -> list[Held]:
    """What is kept for every destination for which something is, in the order of the workspace."""
    workspace = (await asyncio.to_thread(stores.current)).workspace
    cursors = {one.destination: one for one in await asyncio.to_thread(stores.accounts.cursors)}
    found: list[Held] = []
    for name in [*(one.id for one in workspace.destinations), *sorted(cursors)]:
        if name not in cursors or any(one.destination == name for one in found):
            continue
        stretches = await asyncio.to_thread(stores.accounts.held_stretches, name)
        unread = log.head - cursors[name].position if _stands_still(workspace, name) else 0
        first = min((one.start for one in stretches), default=cursors[name].position)
        events = sum(one.events for one in stretches)
        if events or unread:
            oldest = await _received_at(log, max(first, log.start))
            goes_at = oldest + keep // timedelta(milliseconds=1)
            soon = goes_at - at < _WARN_BEFORE // timedelta(milliseconds=1)
            found.append(Held(name, events, unread, oldest, goes_at, soon))
    return found


def _stands_still(workspace: Workspace, destination: str) -> bool:
    found = workspace.destination(destination)
    return found is not None and (workspace.held or found.held)


async def _received_at(log: Readable, offset: int) -> int:
    records = await log.read(offset, 1)
    if not records:
        raise NotFound(f"there is no event at offset {offset}")
    return records[0].received_at
