"""Invitations: links that make somebody a user, once. Only their digests are kept."""

import hashlib
import secrets as random
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Engine, Row, delete, insert, select

from assent.domain.errors import NotFound
from assent.domain.user import Role
from assent.store.database import reading
from assent.store.tables import invitations

_COLUMNS = (
    invitations.c.id,
    invitations.c.email,
    invitations.c.role,
    invitations.c.invited_by,
    invitations.c.expires_at,
)


class Invitation(NamedTuple):
    """Who may become a user, and what role they get. `email` is None in the link that makes the first owner.

    `expires_at` is UTC epoch milliseconds, as all times here.
    """

    id: str
    email: str | None
    role: Role
    invited_by: str
    expires_at: int


class Invitations:
    """All links that nobody has followed yet."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, email: str | None, role: Role, *, invited_by: str, expires_at: int) -> str:
        """The text of a new link, given here and never again; an earlier one for the same address is no longer good."""
        text = random.token_urlsafe(32)
        row = {
            "digest": _digest(text),
            "id": f"inv_{random.token_hex(8)}",
            "email": email.lower() if email is not None else None,
            "role": role,
            "invited_by": invited_by,
            "expires_at": expires_at,
        }
        with self._engine.begin() as connection:
            connection.execute(delete(invitations).where(invitations.c.email.is_not_distinct_from(row["email"])))
            connection.execute(insert(invitations).values(row))
        return text

    def open(self, *, at: int) -> Sequence[Invitation]:
        """Those that can still be followed, the ones that end first before others."""
        query = select(*_COLUMNS).where(invitations.c.expires_at > at, invitations.c.email.is_not(None))
        with reading(self._engine) as connection:
            return [_invitation(row) for row in connection.execute(query.order_by(invitations.c.expires_at))]

    def find(self, text: str, *, at: int) -> Invitation:
        """Raises NotFound for a link that is not good, or not any more."""
        query = select(*_COLUMNS).where(invitations.c.digest == _digest(text), invitations.c.expires_at > at)
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise _unknown()
        return _invitation(row)

    def redeem(self, text: str, *, at: int) -> Invitation:
        """The invitation, which is good no longer. Raises NotFound as `find` does: of two at once, for one."""
        found = self.find(text, at=at)
        with self._engine.begin() as connection:
            taken = connection.execute(delete(invitations).where(invitations.c.digest == _digest(text)))
        if taken.rowcount != 1:
            raise _unknown()
        return found

    def withdraw(self, invitation_id: str) -> Invitation:
        """Raises NotFound."""
        with self._engine.begin() as connection:
            row = connection.execute(select(*_COLUMNS).where(invitations.c.id == invitation_id)).one_or_none()
            if row is None:
                raise NotFound(f"there is no invitation `{invitation_id}`")
            connection.execute(delete(invitations).where(invitations.c.id == invitation_id))
        return _invitation(row)


def _unknown() -> NotFound:
    return NotFound("this link was followed before, is too old, or never was one: ask an owner for a new one")


def _invitation(row: Row[*tuple[Any, ...]]) -> Invitation:
    return Invitation(**row._mapping)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
