"""The destinations of the demo: real HTTP servers on loopback, each with its own fate."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Final, Self, TypeAlias

import msgspec
from aiohttp import web

from assent.app.demo.shop import ADS, ANALYTICS, CHAT, EMAIL, PARTNER

_SLOW_SECONDS: Final = 0.2
_WELL_SECONDS: Final = 12.0
_ILL_SECONDS: Final = 8.0

_Answering: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.Response]]


class Receivers:
    """The receivers, listening while inside `async with`; `urls` has their addresses by destination id."""

    def __init__(self) -> None:
        self.urls: dict[str, str] = {}
        self._relenting = asyncio.Event()
        self._open = AsyncExitStack()
        self._began = 0.0

    async def __aenter__(self) -> Self:
        self._began = asyncio.get_running_loop().time()
        fates: dict[str, _Answering] = {
            ANALYTICS: _take,
            ADS: self._take_slowly,
            EMAIL: self._take_at_times,
            PARTNER: _take,
        }
        for name, answering in fates.items():
            self.urls[name] = await self._listen(answering)
        # Bound, so that nobody else gets the port, but not listening.
        closed = self._open.enter_context(socket.socket())
        closed.bind(("127.0.0.1", 0))
        self.urls[CHAT] = _url(closed)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    def relent(self) -> None:
        """From now on nobody is slow, so that the server can finish soon what it is sending."""
        self._relenting.set()

    async def _listen(self, answering: _Answering) -> str:
        runner = web.ServerRunner(web.Server(answering))
        await runner.setup()
        self._open.push_async_callback(runner.cleanup)
        listener = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(runner, listener).start()
        return _url(listener)

    async def _take_slowly(self, request: web.BaseRequest) -> web.Response:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._relenting.wait(), _SLOW_SECONDS)
        return await _take(request)

    async def _take_at_times(self, request: web.BaseRequest) -> web.Response:
        """Fails for seconds on end, and never wants to know a person without an address."""
        passed = asyncio.get_running_loop().time() - self._began
        event = msgspec.json.decode(await request.read())
        if passed % (_WELL_SECONDS + _ILL_SECONDS) > _WELL_SECONDS:
            return web.Response(status=500, text="the mail queue is full")
        if event["type"] == "identify" and "email" not in event["traits"]:
            return web.Response(status=422, text="there is no address to write to")
        return web.Response(status=204)


async def _take(request: web.BaseRequest) -> web.Response:
    await request.read()
    return web.Response(status=204)


def _url(one: socket.socket) -> str:
    return f"http://127.0.0.1:{one.getsockname()[1]}/"
