"""Tokens: what may use this API."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, TypeAlias

import msgspec
from litestar import Request, delete, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from assent.app.api.access import owners_only
from assent.app.api.bodies import Body, Data, failures
from assent.app.api.times import Time, time_text
from assent.app.services.people import create_token
from assent.app.wiring import Server, now
from assent.domain.user import Role
from assent.store import tokens as store

_Request: TypeAlias = Request[store.Token, None, State]


class Token(Body, frozen=True):
    """A token without its text: an owner's changes everything, a member's reads."""

    id: str
    name: str
    role: Role
    created_at: Time


class TokenList(Body, frozen=True):
    """All tokens, in the order in which they were made."""

    tokens: Sequence[Token]


class TokenOrder(Body, frozen=True, forbid_unknown_fields=True):
    """What a token is for, as the audit trail will call it, and what it may do."""

    name: Annotated[str, msgspec.Meta(examples=["grafana"])]
    role: Role


class NewToken(Token, frozen=True):
    """A token that was just made, with its `text`, which nobody can see again."""

    text: str


@get("/tokens", summary="What may use this API", operation_id="listTokens", responses=failures(), sync_to_thread=True)
def list_tokens(server: NamedDependency[Server]) -> Data[TokenList]:
    """Every token that was made and not revoked; never its text."""
    return Data(TokenList([_token(one) for one in server.stores.tokens.all()]))


@post(
    "/tokens",
    guards=[owners_only],
    status_code=200,
    summary="Make a token",
    operation_id="createToken",
    responses=failures(400, 403, 413),
)
async def make_token(data: JSONBody[TokenOrder], request: _Request, server: NamedDependency[Server]) -> Data[NewToken]:
    """Its text is in this answer and in no other."""

    def make() -> NewToken:
        token, text = create_token(server.stores, data.name, data.role, author=request.user.name, at=now())
        return NewToken(token.id, token.name, token.role, time_text(token.created_at), text)

    return Data(await asyncio.to_thread(make))


@delete(
    "/tokens/{tokenId:str}",
    guards=[owners_only],
    status_code=200,
    summary="Revoke a token",
    operation_id="revokeToken",
    responses=failures(400, 403, 404),
    sync_to_thread=True,
)
def revoke_token(
    request: _Request,
    server: NamedDependency[Server],
    token_id: Annotated[str, PathParameter(name="tokenId", description="The id of a token, as `GET /tokens` has it.")],
) -> Data[Token]:
    """Its next call is refused. A token may revoke itself."""
    return Data(_token(server.stores.tokens.revoke(token_id, at=now(), author=request.user.name)))


def _token(one: store.Token) -> Token:
    return Token(one.id, one.name, one.role, time_text(one.created_at))
