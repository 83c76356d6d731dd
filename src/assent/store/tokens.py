"""Tokens of the management API. Only their digests are kept."""

import hashlib
import secrets as random
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Engine, Row, delete, insert, select

from assent.domain.errors import NotFound
from assent.domain.user import Role
from assent.engine.people_trail import token_created, token_revoked
from assent.store.database import reading
from assent.store.tables import tokens
from assent.store.trail import record

_COLUMNS = (tokens.c.id, tokens.c.name, tokens.c.role, tokens.c.created_at)


class Token(msgspec.Struct, frozen=True):
    """Who a token speaks for: an owner edits, a member reads. `created_at` is UTC epoch milliseconds."""

    id: str
    name: str
    role: Role
    created_at: int


class NewToken(NamedTuple):
    """A token that was just made, with its text, which nobody can see again."""

    token: Token
    text: str


class Tokens:
    """The tokens that may use the management API. What is done with them goes on record."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, name: str, role: Role, *, at: int, author: str) -> NewToken:
        text = f"assent_{random.token_urlsafe(32)}"
        token = Token(f"tok_{random.token_hex(8)}", name, role, at)
        row = {"id": token.id, "name": name, "role": role, "digest": _digest(text), "created_at": at}
        with self._engine.begin() as connection:
            connection.execute(insert(tokens).values(row))
            record(connection, [token_created(token.id, name, role)], at=at, author=author)
        return NewToken(token, text)

    def all(self) -> Sequence[Token]:
        """In the order in which they were made."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(*_COLUMNS).order_by(tokens.c.created_at, tokens.c.id))
            return [_token(row) for row in rows]

    def check(self, text: str) -> Token | None:
        """Whom the token speaks for; None for one that was never made, or was revoked."""
        with reading(self._engine) as connection:
            row = connection.execute(select(*_COLUMNS).where(tokens.c.digest == _digest(text))).one_or_none()
        return _token(row) if row is not None else None

    def revoke(self, token_id: str, *, at: int, author: str) -> Token:
        """The token that speaks for nobody from now on. Raises NotFound."""
        with self._engine.begin() as connection:
            row = connection.execute(select(*_COLUMNS).where(tokens.c.id == token_id)).one_or_none()
            if row is None:
                raise NotFound(f"there is no token `{token_id}`")
            token = _token(row)
            connection.execute(delete(tokens).where(tokens.c.id == token_id))
            record(connection, [token_revoked(token.id, token.name, token.role)], at=at, author=author)
        return token


def _token(row: Row[*tuple[Any, ...]]) -> Token:
    return Token(**row._mapping)


def _digest(text: str) -> bytes:
    # Tokens are 256 random bits: a plain digest cannot be guessed backwards, and is one look-up.
    return hashlib.sha256(text.encode()).digest()
