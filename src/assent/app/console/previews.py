"""Counting what a backfill would send, beside the pages that wait for it: for millions of events it takes a while."""

import asyncio
import secrets
from datetime import timedelta
from typing import Final

from assent.app.services.backfill import Asked, Preview, Readable, preview
from assent.app.wiring import Stores
from assent.domain.errors import AssentError, TooManyTries

_A_MOMENT: Final = timedelta(seconds=5)
_AT_ONCE: Final = 4
_KEPT: Final = 32


class Counting:
    """One preview under way, or done. `looked_at` of `events` are counted; `found` and `error` are its end."""

    def __init__(self) -> None:
        self.looked_at = 0
        self.events = 0
        self.found: list[Preview] | None = None
        self.error: AssentError | None = None
        self.over = asyncio.Event()

    def watch(self, looked_at: int, events: int) -> None:
        self.looked_at, self.events = looked_at, events


class Previews:
    """The previews that people look at; bounded, so that nobody can have the server count without end."""

    def __init__(self, stores: Stores, log: Readable) -> None:
        self._stores = stores
        self._log = log
        self._all: dict[str, tuple[Counting, asyncio.Task[None]]] = {}

    def start(self, asked: Asked) -> tuple[str, Counting]:
        """Begin to count; with the id to ask for it by. Raises TooManyTries when too many are under way."""
        if sum(not counting.over.is_set() for counting, _task in self._all.values()) >= _AT_ONCE:
            raise TooManyTries("others are counting just now: try again in a moment", after=_A_MOMENT)
        self._forget()
        counting, id_ = Counting(), secrets.token_hex(8)
        self._all[id_] = counting, asyncio.create_task(self._count(counting, asked))
        return id_, counting

    def get(self, id_: str) -> Counting | None:
        known = self._all.get(id_)
        return known[0] if known is not None else None

    async def _count(self, counting: Counting, asked: Asked) -> None:
        try:
            counting.found = await preview(self._stores, self._log, asked, watch=counting.watch)
        except AssentError as error:
            counting.error = error
        finally:
            counting.over.set()

    def _forget(self) -> None:
        over = [id_ for id_, (counting, _task) in self._all.items() if counting.over.is_set()]
        for id_ in over[: max(0, len(self._all) - _KEPT + 1)]:
            del self._all[id_]
