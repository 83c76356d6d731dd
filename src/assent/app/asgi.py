"""The one ASGI application: each part of the server under its own paths."""

import traceback
from typing import Any

from litestar.types import ASGIApp, HTTPScope, Receive, Send

from assent.app.answers import answer, error_body
from assent.app.console import Console
from assent.app.gateway import TRACKING_PATHS, Gateway
from assent.app.hooks import PATHS, take_consent
from assent.app.scripts import is_script, serve_script
from assent.app.settings import answers_at, serve_settings
from assent.app.wiring import Server

_TEXT = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")


class Application:
    """Everything that one server answers, on one port; `api` is the management API, `console` the rest."""

    def __init__(self, server: Server, api: ASGIApp, console: Console) -> None:
        self._server = server
        self._gateway = Gateway(
            server.log,
            lambda: server.sources,
            lambda: server.translators,
            server.suppressions,
            server.metrics,
            server.page_reports,
        )
        self._api = api
        self._console = console

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _answer(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path in TRACKING_PATHS and scope["method"] == "POST":
            await self._gateway.track(scope, receive, send)
        elif answers_at(path) and scope["method"] in ("GET", "HEAD"):
            await serve_settings(scope, receive, send, self._server.in_force)
        elif is_script(path) and scope["method"] in ("GET", "HEAD"):
            await serve_script(scope, send, self._server.sources)
        elif path.startswith("/v1/"):
            await self._gateway(scope, receive, send)
        elif path == "/healthz":
            await answer(send, 200, b'{"status": "ok"}')
        elif path == "/readyz":
            await self._answer_ready(send)
        elif path == "/metrics":
            server = self._server
            observing = server.in_force.version.workspace.observe
            text = server.metrics.render(server.log, server.delivery.workers, server.ledger, observing=observing)
            await answer(send, 200, text, [_TEXT])
        elif path in PATHS:
            await take_consent(scope, receive, send, self._server)
        elif path == "/api" or path.startswith("/api/"):
            await self._api(scope, receive, send)
        elif self._console.answers(scope):
            await self._console(scope, receive, send)
        else:
            await answer(send, 404, error_body("not_found", f"there is nothing at `{path}`"))

    async def _answer_ready(self, send: Send) -> None:
        if self._server.is_ready:
            await answer(send, 200, b'{"status": "ready"}')
        else:
            await answer(send, 503, error_body("not_ready", "the server is starting or stopping"))

    async def _live(self, receive: Receive, send: Send) -> None:
        """Start with the server and stop with it."""
        while True:
            message: Any = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self._server.start()
                except Exception:
                    failed: Any = {"type": "lifespan.startup.failed", "message": traceback.format_exc()}
                    await send(failed)
                    raise
                started: Any = {"type": "lifespan.startup.complete"}
                await send(started)
            else:
                await self._server.stop()
                stopped: Any = {"type": "lifespan.shutdown.complete"}
                await send(stopped)
                return
