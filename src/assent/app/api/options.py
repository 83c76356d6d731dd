"""What may be done at an address: the answer to OPTIONS."""

from typing import Any

from litestar import Litestar
from litestar.types import ASGIApp, Receive, Scope, Send


def with_true_options(app: Litestar) -> ASGIApp:
    """The application whose `Allow` names every method of an address. Litestar names that of its first handler only."""
    methods = {route.path_format: ", ".join(sorted(route.methods)).encode() for route in app.routes}

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_truly(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] == 204:
                allowed = methods.get(scope.get("path_template", ""), b"")
                headers = [(name, allowed if name == b"allow" else value) for name, value in message["headers"]]
                message = {**message, "headers": headers}
            await send(message)

        await app(scope, receive, send_truly if scope.get("method") == "OPTIONS" else send)

    return call
