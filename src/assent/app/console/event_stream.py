"""Events as they come in: a stream of server-sent events, which holds no thread while nothing happens."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import suppress
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from litestar import get
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, QueryParameter
from litestar.response import Stream

from assent.app.console.access import PageRequest
from assent.app.console.events import Filters, Row, row
from assent.app.console.pages import macro
from assent.app.services.event_search import Searcher, Seen, Wanted
from assent.app.services.fates import Fates
from assent.app.wiring import Server, now
from assent.domain.errors import NotFound
from assent.domain.outcome import State
from assent.log.interface import Found

_BATCH_SECONDS: Final = 0.4
_LOOK_AGAIN_SECONDS: Final = 1.0
_QUIET_SECONDS: Final = 3.0
_SESSION_SECONDS: Final = 3.0
_MOST_IN_BATCH: Final = 50
_MOST_LOOKED_AT: Final = 2_000
_MOST_UNSETTLED: Final = 200

_SETTLED: Final = frozenset({State.DELIVERED, State.WITHHELD, State.FAILED})

_After: TypeAlias = Annotated[int | None, QueryParameter(name="after", ge=0, lt=1 << 62)]
_LastEventId: TypeAlias = Annotated[str | None, HeaderParameter(name="Last-Event-ID")]


class Batch(msgspec.Struct, rename="camel"):
    """What is sent at once: rows, newest first; how many events came too fast to be shown; what became by now of rows
    that were sent before, by offset."""

    rows: str = ""
    left_out: int = 0
    became: dict[int, str] = {}


@get(
    "/live/events",
    media_type="text/event-stream",
    response_headers=[ResponseHeader(name="X-Accel-Buffering", value="no")],
)
async def stream_events(
    request: PageRequest,
    server: NamedDependency[Server],
    searcher: NamedDependency[Searcher],
    fates: NamedDependency[Fates],
    after: _After = None,
    last_event_id: _LastEventId = None,
) -> Stream:
    # A browser that lost the stream says where it was.
    known = int(last_event_id) if last_event_id and last_event_id.isdecimal() else after
    head = server.log.head
    position = min(known, head) if known is not None else head
    wanted = Filters(request.query_params).wanted()
    live = _Live(server, searcher, fates, wanted, request.auth.text, position)
    return Stream(live.messages())


class _Live:
    """One browser that looks on."""

    def __init__(
        self, server: Server, searcher: Searcher, fates: Fates, wanted: Wanted, session: str, position: int
    ) -> None:
        self._server = server
        self._searcher = searcher
        self._fates = fates
        self._wanted = wanted
        self._in_any_state = msgspec.structs.replace(wanted, state=None)
        self._session = session
        self._position = position
        # Events that may still become something else: rows that are shown, and others that are not in the wanted state.
        self._shown: dict[int, Seen] = {}
        self._others: dict[int, Seen] = {}
        self._looked_again_at = self._let_in_at = 0.0

    async def messages(self) -> AsyncIterator[str]:
        """Until the server stops or the session is over. A browser that leaves ends it from outside."""
        yield "retry: 2000\n\n"
        await self._remember_what_the_page_shows()
        while not self._server.stopping.is_set():
            if not await self._is_let_in():
                yield "event: over\ndata: signed out\n\n"
                return
            batch = await self._next_batch()
            if batch is not None:
                data = msgspec.json.encode(batch).decode()
                yield f"id: {self._position}\ndata: {data}\n\n"
                await self._pause(_BATCH_SECONDS)
            elif not await self._something_new():
                yield ": still here\n\n"

    async def _is_let_in(self) -> bool:
        """Whether the session is still one: who is signed out or removed sees nothing more."""
        at = asyncio.get_running_loop().time()
        if at - self._let_in_at < _SESSION_SECONDS:
            return True
        self._let_in_at = at
        return await asyncio.to_thread(self._server.stores.sessions.find, self._session, at=now()) is not None

    async def _remember_what_the_page_shows(self) -> None:
        """The newest rows of the page may not have been settled when it was made: they are looked at again."""
        first = max(self._server.log.start, self._position - _MOST_UNSETTLED)
        with suppress(NotFound):
            for one in reversed(await self._searcher.between(self._in_any_state, first, self._position)):
                self._shown[one.offset] = one._replace(fates=())

    async def _next_batch(self) -> Batch | None:
        batch = Batch()
        if self._position < self._server.log.head:
            await self._add_new(batch)
        at = asyncio.get_running_loop().time()
        if self._is_unsettled and at - self._looked_again_at >= _LOOK_AGAIN_SECONDS:
            self._looked_again_at = at
            await asyncio.to_thread(self._look_again, batch)
        return batch if batch.rows or batch.left_out or batch.became else None

    @property
    def _is_unsettled(self) -> bool:
        return bool(self._shown or self._others)

    async def _add_new(self, batch: Batch) -> None:
        head = self._server.log.head
        first = max(self._position, head - _MOST_LOOKED_AT)
        try:
            found = await self._searcher.between(self._in_any_state, first, head)
        except NotFound:
            found = []
        wanted = [one for one in found if self._wanted.wants_fates(one.fates)]
        batch.left_out = len(wanted) - len(wanted[:_MOST_IN_BATCH]) + first - self._position
        batch.rows = await asyncio.to_thread(self._render, wanted[:_MOST_IN_BATCH])
        self._position = head
        self._others |= {one.offset: one for one in reversed(found) if not self._wanted.wants_fates(one.fates)}
        self._shown |= {one.offset: one for one in reversed(wanted[:_MOST_IN_BATCH])}
        for unsettled in (self._shown, self._others):
            for offset in list(unsettled)[:-_MOST_UNSETTLED]:
                del unsettled[offset]

    def _look_again(self, batch: Batch) -> None:
        """Say what became by now of events that were not settled when they were last looked at."""
        offsets = self._shown.keys() | self._others.keys()
        fates = self._fates.between(min(offsets), max(offsets) + 1)

        def again(before: Seen) -> Seen:
            return before._replace(fates=fates.of(Found(before.offset, before.record)))

        shown = [(one, again(one)) for one in self._shown.values()]
        others = [again(one) for one in self._others.values()]
        arrived = [one for one in others if self._wanted.wants_fates(one.fates)]
        tags = macro("events/rows.html", "tags")
        became = [after for before, after in shown if after.counts() != before.counts()]
        batch.became = {one.offset: tags(one) for one in self._rows(became)}
        batch.rows = self._render(arrived[::-1]) + batch.rows
        self._shown = _unsettled([*(after for _, after in shown), *arrived])
        self._others = _unsettled(one for one in others if one not in arrived)

    def _render(self, shown: Sequence[Seen]) -> str:
        event_row = macro("events/rows.html", "event_row")
        return "".join(event_row(one) for one in self._rows(shown))

    def _rows(self, found: Sequence[Seen]) -> list[Row]:
        workspace = self._server.in_force.version.workspace
        return [row(workspace, one) for one in found]

    async def _something_new(self) -> bool:
        """Wait for an event, for the server to stop, or for so long that somebody should hear from us; whether it was
        one of the first two."""
        seconds = _LOOK_AGAIN_SECONDS if self._is_unsettled else _QUIET_SECONDS
        return await _first(self._server.log.wait(self._position), self._server.stopping.wait(), seconds=seconds)

    async def _pause(self, seconds: float) -> None:
        await _first(self._server.stopping.wait(), seconds=seconds)


def _unsettled(found: Iterable[Seen]) -> dict[int, Seen]:
    return {one.offset: one for one in found if any(state not in _SETTLED for state in one.counts())}


async def _first(*conditions: Awaitable[Any], seconds: float) -> bool:
    """Whether one of the conditions came within so many seconds; none of them is waited for any more."""
    tasks = [asyncio.ensure_future(one) for one in conditions]
    try:
        came, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    return bool(came)


EVENT_STREAM: Final = [stream_events]
