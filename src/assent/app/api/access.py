"""Who may use the management API: tokens, and what their roles allow."""

import asyncio
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.types import ASGIApp

from assent.domain.errors import Forbidden, Unauthorized
from assent.store.tokens import Token, Tokens

OPEN_TO_ALL: Final = "open_to_all"
"""The option of routes that need no token."""


class BearerTokens(AbstractAuthenticationMiddleware):
    """Lets requests with a known token pass; `request.user` is then the Token."""

    def __init__(self, app: ASGIApp, tokens: Tokens) -> None:
        super().__init__(app, exclude_from_auth_key=OPEN_TO_ALL)
        self._tokens = tokens

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        scheme, _, text = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not text.strip():
            raise Unauthorized("there is no token: send one as `Authorization: Bearer ...`")
        token = await asyncio.to_thread(self._tokens.check, text.strip())
        if token is None:
            raise Unauthorized("this token is not known here: `assent token create` makes one")
        return AuthenticationResult(user=token, auth=None)


def owners_only(connection: ASGIConnection[Any, Token, Any, Any], _: BaseRouteHandler) -> None:
    """Raises Forbidden for the token of a member."""
    if connection.user.role != "owner":
        raise Forbidden("a member reads; only an owner may change something")
