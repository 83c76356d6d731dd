"""Paths with ids of messages and categories in them, which hold any character, slashes too."""

from litestar.types import ASGIApp, Receive, Scope, Send


def with_encoded_ids(app: ASGIApp, *, below: str | tuple[str, ...]) -> ASGIApp:
    """The application in which a path `below` stays as it was sent; the route there decodes the id."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(below) and scope["raw_path"]:
            scope["path"] = scope["raw_path"].decode("latin-1")
        await app(scope, receive, send)

    return call
