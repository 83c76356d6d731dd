"""Tokens of the management API. Only their digests are kept."""

import hashlib
import secrets as random

import msgspec
from sqlalchemy import Engine, insert, select

from assent.domain.user import Role
from assent.store.database import reading
from assent.store.tables import tokens


class Token(msgspec.Struct, frozen=True):
    """Who a token speaks for: an owner edits, a member reads."""

    id: str
    name: str
    role: Role


class Tokens:
    """The tokens that may use the management API."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, name: str, role: Role, *, at: int) -> str:
        """Make a token; its text is returned here and never again."""
        text = f"assent_{random.token_urlsafe(32)}"
        with self._engine.begin() as connection:
            connection.execute(
                insert(tokens).values(
                    id=f"tok_{random.token_hex(8)}", name=name, role=role, digest=_digest(text), created_at=at
                )
            )
        return text

    def check(self, text: str) -> Token | None:
        """Whom the token speaks for; None for one that was never made."""
        with reading(self._engine) as connection:
            row = connection.execute(select(tokens).where(tokens.c.digest == _digest(text))).one_or_none()
        return Token(row.id, row.name, row.role) if row is not None else None


def _digest(text: str) -> bytes:
    # Tokens are 256 random bits: a plain digest cannot be guessed backwards, and is one look-up.
    return hashlib.sha256(text.encode()).digest()
