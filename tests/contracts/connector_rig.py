"""What the tests of connectors share: events to send, a receiver on loopback, and a rig that joins the two."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias

import msgspec
from aiohttp import web

from assent.destinations.connector import Connector, Outgoing

Event: TypeAlias = dict[str, Any]

TRICKY = (
    "plain",
    "Zażółć gęślą jaźń 東京 🦊",
    'quotes " and \\ and / and \x00 and \x7f',
    "line\nbreaks\r\n and   and \t",
    "\ufeffbyte order mark \u200f right to left",
)


def an_event(number: int = 0, **fields: Any) -> Event:
    """An event as a destination sees it, with every text that has ever broken a line or a header."""
    return {
        "type": "track",
        "event": TRICKY[number % len(TRICKY)],
        "messageId": f"msg-{number}",
        "userId": "user-1",
        "properties": {"total": 19.99, "items": [1, None, True, {"deep": {"er": []}}], "text": "".join(TRICKY)},
        "context": {"consent": {"categoryPreferences": {"C0002": True, "C0004": False}}, "ip": "203.0.113.7"},
        "integrations": {"All": True},
        "originalTimestamp": "2026-08-01T11:00:00.000Z",
        "timestamp": "2026-08-01T12:00:00.000Z",
        "receivedAt": "2026-08-01T12:00:00.250Z",
        **fields,
    }


def outgoing(event: Event) -> Outgoing:
    return Outgoing(event["messageId"], event)


def some(count: int, start: int = 0) -> list[Outgoing]:
    return [outgoing(an_event(number)) for number in range(start, start + count)]


class Request(NamedTuple):
    """One request as it reached the receiver."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Receiver:
    """A real HTTP server on loopback that keeps what it is sent and answers as it is told.

    `answer` is called with each request; `taken` are the requests that it answered with 2xx.
    """

    def __init__(self) -> None:
        self.came = asyncio.Condition()
        self.requests: list[Request] = []
        self.taken: list[Request] = []
        self.answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]] = answer(200)
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def has_seen(self, count: int) -> None:
        """Wait until so many requests have come."""
        async with self.came:
            await self.came.wait_for(lambda: len(self.requests) >= count)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        kept = Request(request.path_qs, {k.lower(): v for k, v in request.headers.items()}, await request.read())
        self.requests.append(kept)
        async with self.came:
            self.came.notify_all()
        response = await self.answer(request)
        if response.status < 300:
            self.taken.append(kept)
        return response


def answer(
    status: int, text: str = "", headers: dict[str, str] | None = None
) -> Callable[[web.BaseRequest], Awaitable[web.Response]]:
    """A receiver that always says this."""

    async def say(request: web.BaseRequest) -> web.Response:
        return web.Response(status=status, text=text, headers=headers)

    return say


async def hang(request: web.BaseRequest) -> web.Response:
    """A receiver that never answers."""
    await asyncio.Event().wait()
    raise AssertionError


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = web.Server(receiver.handle, access_log=None, handler_cancellation=True)
    runner = web.ServerRunner(server, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        await runner.cleanup()


class Rig(NamedTuple):
    """A connector on its way to somewhere that tells what arrived there.

    `arrived` gives the events in order of arrival; None where the receiver forgets them, and their
    `number` is all it knows. `as_received` is what the connector promises to make of an event.
    `receiver` is there for HTTP.
    """

    connector: Connector
    number: Callable[[], int]
    arrived: Callable[[], Iterable[Event]] | None = None
    as_received: Callable[[Event], Event] = lambda event: event
    receiver: Receiver | None = None


class MakeRig(Protocol):
    """What each connector's test module offers as `rig`; settings are those that HTTP connectors share."""

    def __call__(self, folder: Path, **settings: Any) -> AbstractAsyncContextManager[Rig]: ...


@asynccontextmanager
async def closing(connector: Connector) -> AsyncIterator[Connector]:
    try:
        yield connector
    finally:
        await connector.close()
