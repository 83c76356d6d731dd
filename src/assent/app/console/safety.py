"""What browsers are told of everything in the console."""

from typing import Any, Final

from litestar.types import ASGIApp, Receive, Scope, Send

_SAFETY: Final = {
    b"content-security-policy": b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
    b"cache-control": b"no-store",
}


def with_safety(app: ASGIApp) -> ASGIApp:
    """The application with headers on each of its answers, errors too: nothing from elsewhere, no script in a page, no
    frame around it; and pages are not kept by caches, unless they say that they may be."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Any) -> None:
            if message["type"] == "http.response.start":
                own = {name.lower() for name, _ in message["headers"]}
                safety = [(name, value) for name, value in _SAFETY.items() if name not in own]
                message = {**message, "headers": [*message["headers"], *safety]}
            await send(message)

        await app(scope, receive, send_safely)

    return call
