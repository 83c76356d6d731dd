"""Invitations: links that make somebody a user, or give a user a new password, once. Only their digests are kept."""

import hashlib
import secrets as random
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, Select, delete, insert, select

from assent.domain.errors import Conflict, NotFound
from assent.domain.user import Role, User
from assent.engine.people_trail import (
    invitation_withdrawn,
    password_link_created,
    password_link_withdrawn,
    user_invited,
)
from assent.store.database import reading
from assent.store.tables import invitations, users
from assent.store.trail import record
from assent.store.users import count_owners, insert_user, replace_password, user_with_email

_COLUMNS = (
    invitations.c.id,
    invitations.c.email,
    invitations.c.role,
    invitations.c.invited_by,
    invitations.c.expires_at,
    users.c.id.is_not(None).label("is_for_password"),
)
_KNOWN = invitations.outerjoin(users, users.c.email == invitations.c.email)


class Invitation(NamedTuple):
    """Who may become a user, and what role they get. `email` is None in the link that makes the first owner.

    `is_for_password` where it is for somebody who is a user, and gives them a new password: `role` is then without
    meaning. `expires_at` is UTC epoch milliseconds, as all times here.
    """

    id: str
    email: str | None
    role: Role
    invited_by: str
    expires_at: int
    is_for_password: bool = False


class Invitations:
    """All links that nobody has followed yet. What is done with them goes on record."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, email: str | None, role: Role, *, invited_by: str, at: int, expires_at: int) -> str:
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
            replaced = invitations.c.email.is_not_distinct_from(row["email"]) | (invitations.c.expires_at <= at)
            connection.execute(delete(invitations).where(replaced))
            connection.execute(insert(invitations).values(row))
            if email is not None:
                is_known = user_with_email(connection, email) is not None
                happening = password_link_created(email.lower()) if is_known else user_invited(email.lower(), role)
                record(connection, [happening], at=at, author=invited_by)
        return text

    def open(self, *, at: int) -> Sequence[Invitation]:
        """Those that can still be followed, the ones that end first before others."""
        query = _all().where(invitations.c.expires_at > at, invitations.c.email.is_not(None))
        with reading(self._engine) as connection:
            return [_invitation(row) for row in connection.execute(query.order_by(invitations.c.expires_at))]

    def find(self, text: str, *, at: int) -> Invitation:
        """Raises NotFound for a link that is not good, or not any more."""
        with reading(self._engine) as connection:
            return _find(connection, text, at)

    def follow(self, text: str, *, email: str, name: str, password: str, at: int) -> User:
        """Who is a user from now on with this password (its hash), or has it in place of the one before. The link is
        good no longer; `email` counts where it names nobody.

        Raises NotFound as `find` does, of two at once for one; Conflict when somebody has the address, or there is an
        owner already. Then the link stays good.
        """
        with self._engine.begin() as connection:
            found = _find(connection, text, at)
            taken = connection.execute(delete(invitations).where(invitations.c.digest == _digest(text)))
            if taken.rowcount != 1:
                raise _unknown()
            address = found.email or email
            known = user_with_email(connection, address) if found.email is not None else None
            if known is not None:
                replace_password(connection, known, password, at=at, author=known.email)
                return known
            if found.email is None and count_owners(connection) > 0:
                raise Conflict("there is an owner already: ask them for an invitation")
            return insert_user(connection, address, name, found.role, password, at=at)

    def withdraw(self, invitation_id: str, *, at: int, author: str) -> Invitation:
        """Raises NotFound."""
        of_id = invitations.c.id == invitation_id
        with self._engine.begin() as connection:
            row = connection.execute(_all().where(of_id, invitations.c.email.is_not(None))).one_or_none()
            if row is None:
                raise NotFound(f"there is no invitation `{invitation_id}`: it was followed or withdrawn before")
            found = _invitation(row)
            connection.execute(delete(invitations).where(of_id))
            email = str(found.email)
            is_link = found.is_for_password
            happening = password_link_withdrawn(email) if is_link else invitation_withdrawn(email, found.role)
            record(connection, [happening], at=at, author=author)
        return found


def _all() -> Select[*tuple[Any, ...]]:
    return select(*_COLUMNS).select_from(_KNOWN)


def _find(connection: Connection, text: str, at: int) -> Invitation:
    query = _all().where(invitations.c.digest == _digest(text), invitations.c.expires_at > at)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise _unknown()
    return _invitation(row)


def _unknown() -> NotFound:
    return NotFound("this link was followed before, is too old, or never was one: ask an owner for a new one")


def _invitation(row: Row[*tuple[Any, ...]]) -> Invitation:
    return Invitation(**row._mapping)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
