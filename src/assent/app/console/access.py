"""Who may see the console, and who may change something there."""

import asyncio
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, State
from litestar.handlers import BaseRouteHandler
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.types import ASGIApp

from assent.app.wiring import now
from assent.domain.errors import Forbidden, Unauthorized
from assent.domain.user import User
from assent.store.sessions import LIFETIME, Session, Sessions

COOKIE: Final = "assent_session"
OPEN_TO_ALL: Final = "open_to_all"
"""The option of routes for people who are not signed in."""

FOR_MEMBERS: Final = "for_members"
"""The option of routes that take a form from a member too: they change nothing of the workspace."""

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})

PageRequest: TypeAlias = Request[User, Session, State]
"""A request of somebody who is signed in."""


class SignIn(Unauthorized):
    """Nobody is signed in; `path` is the page to go to once somebody is."""

    def __init__(self, path: str) -> None:
        super().__init__("sign in first")
        self.path = path


class SignedIn(AbstractAuthenticationMiddleware):
    """Lets requests of a session pass; `request.user` is then the User, `request.auth` the Session."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        super().__init__(app, exclude_from_auth_key=OPEN_TO_ALL)
        self._sessions = sessions

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        text = connection.cookies.get(COOKIE)
        session = await asyncio.to_thread(self._sessions.find, text, at=now()) if text else None
        if session is None:
            raise SignIn(_page_of(connection))
        return AuthenticationResult(user=session.user, auth=session)


def owners_edit(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Raises Forbidden for a member who sends a form, of every route that does not say it is for them."""
    if connection.scope.get("method") in _READING or handler.opt.get(FOR_MEMBERS) or handler.opt.get(OPEN_TO_ALL):
        return
    if connection.user.role != "owner":
        raise Forbidden("a Workspace Member reads; only a Workspace Owner may change this")


def session_cookie(request: Request[Any, Any, Any], text: str) -> Cookie:
    """What the browser keeps of a session; an empty text takes it away."""
    return Cookie(
        key=COOKIE,
        value=text,
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_https(request),
        max_age=int(LIFETIME.total_seconds()) if text else 0,
    )


def is_https(request: Request[Any, Any, Any]) -> bool:
    """Whether the browser speaks TLS; a proxy in front that ends it says so."""
    return request.headers.get("x-forwarded-proto", request.url.scheme) == "https"


def origin(request: Request[Any, Any, Any]) -> str:
    """Where the browser sees this server: `https://events.example.com`."""
    return f"{'https' if is_https(request) else 'http'}://{request.headers.get('host', '')}"


def _page_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The page that was asked for; where only a part of one was, the page that it is a part of."""
    if connection.scope.get("method") not in _READING or connection.headers.get("hx-request"):
        return "/"
    query = connection.scope["query_string"].decode("latin-1")
    # As it was sent: an id in it may hold any character.
    sent = connection.scope["raw_path"].decode("latin-1") or quote(connection.scope["path"], safe="/")
    return sent + (f"?{query}" if query else "")
