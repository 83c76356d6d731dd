"""Sending failed events again: one or many. For API, console and command line."""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from assent.app.wiring import Stores
from assent.domain.errors import InvalidInput, NotFound
from assent.domain.outcome import Attempt
from assent.domain.record import Record
from assent.store.accounts import FailedOnes

MOST_AT_ONCE: Final = 10_000


class SentAgain(msgspec.Struct, frozen=True):
    """How many failed events are tried again, how many cannot be because the log has forgotten them, and how many
    match beside those, for the next time."""

    events: int
    forgotten: int
    more: int


class Readable(Protocol):
    @property
    def start(self) -> int: ...
    async def read(self, offset: int, limit: int) -> Sequence[Record]: ...


async def send_again(stores: Stores, log: Readable, wanted: FailedOnes, *, author: str, at: int) -> SentAgain:
    """Have failed events tried again: they wait, due now, and are decided again before they go. At most 10,000 at once.

    Raises InvalidInput, NotFound.
    """
    workspace = (await asyncio.to_thread(stores.current)).workspace
    if wanted.destination is not None and workspace.destination(wanted.destination) is None:
        raise NotFound(f"there is no destination `{wanted.destination}`", field="destination")
    if wanted.since is not None and wanted.until is not None and wanted.since >= wanted.until:
        raise InvalidInput("the time must begin before it ends", field="since")
    count = await asyncio.to_thread(stores.accounts.count_failed, wanted, log.start)
    chosen = await asyncio.to_thread(stores.accounts.failed, wanted, log.start, MOST_AT_ONCE)
    names = {one.offset: await _name(log, one) for one in chosen}
    done = await asyncio.to_thread(stores.accounts.send_again, chosen, names, author=author, at=at)
    return SentAgain(done, count.forgotten, count.kept - done)


async def _name(log: Readable, attempt: Attempt) -> str:
    """The name of the event, under which it was counted."""
    try:
        [record] = await log.read(attempt.offset, 1)
    except (NotFound, ValueError):
        return ""
    return record.event
