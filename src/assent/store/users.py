"""Users of the console. Of a password only its argon2id hash is kept, which this store neither makes nor checks."""

import secrets as random
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from assent.domain.errors import Conflict, NotFound
from assent.domain.user import Role, User
from assent.engine.people_trail import password_changed, role_changed, user_added, user_removed
from assent.store.database import reading
from assent.store.tables import invitations, sessions, users
from assent.store.trail import record

_COLUMNS = (users.c.id, users.c.email, users.c.name, users.c.role, users.c.created_at)


class Users:
    """Everybody who may sign in. E-mail addresses are compared in lower case. Every change goes on record with it.

    INVARIANT: once there is an owner, there is one for ever.
    INVARIANT: a link is for somebody who is a user or for somebody who is not, and stays so: whoever becomes a user, or
    no longer is one, finds the links for their address gone.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> Sequence[User]:
        """In the order in which they came."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(*_COLUMNS).order_by(users.c.created_at, users.c.id))
            return [_user(row) for row in rows]

    def have_owner(self) -> bool:
        with reading(self._engine) as connection:
            owners = select(func.count()).select_from(users).where(users.c.role == "owner")
            return (connection.scalar(owners) or 0) > 0

    def get(self, user_id: str) -> User:
        """Raises NotFound."""
        with reading(self._engine) as connection:
            return _get(connection, user_id)

    def with_email(self, email: str) -> User | None:
        with reading(self._engine) as connection:
            return user_with_email(connection, email)

    def password(self, user_id: str) -> str | None:
        """The hash of the user's password; None for one who has none, and for nobody."""
        with reading(self._engine) as connection:
            password: str | None = connection.scalar(select(users.c.password).where(users.c.id == user_id))
        return password

    def add(self, email: str, name: str, role: Role, password: str | None, *, at: int) -> User:
        """Raises Conflict when somebody has this address already."""
        with self._engine.begin() as connection:
            return insert_user(connection, email, name, role, password, at=at)

    def set_role(self, user_id: str, role: Role, *, at: int, author: str) -> User:
        """Raises NotFound; Conflict for the last owner."""
        with self._engine.begin() as connection:
            user = _get(connection, user_id)
            if user.role == role:
                return user
            if role != "owner":
                _keep_an_owner(connection, user)
            connection.execute(update(users).where(users.c.id == user_id).values(role=role))
            record(connection, [role_changed(user, role)], at=at, author=author)
            return _get(connection, user_id)

    def set_password(self, user_id: str, password: str, *, at: int, author: str) -> None:
        """Raises NotFound. Whoever is signed in as this user no longer is."""
        with self._engine.begin() as connection:
            replace_password(connection, _get(connection, user_id), password, at=at, author=author)

    def rehash(self, user_id: str, known: str, password: str) -> None:
        """Keep another hash of the same password, unless it was changed meanwhile."""
        is_same = (users.c.id == user_id) & (users.c.password == known)
        with self._engine.begin() as connection:
            connection.execute(update(users).where(is_same).values(password=password))

    def remove(self, user_id: str, *, at: int, author: str) -> User:
        """Who it was, and is signed in no longer. Raises NotFound; Conflict for the last owner."""
        with self._engine.begin() as connection:
            user = _get(connection, user_id)
            _keep_an_owner(connection, user)
            connection.execute(delete(sessions).where(sessions.c.user_id == user_id))
            connection.execute(delete(invitations).where(invitations.c.email == user.email))
            connection.execute(delete(users).where(users.c.id == user_id))
            record(connection, [user_removed(user)], at=at, author=author)
        return user


def insert_user(connection: Connection, email: str, name: str, role: Role, password: str | None, *, at: int) -> User:
    """Add a user in the transaction of `connection`. Raises Conflict when somebody has this address already."""
    user = User(f"usr_{random.token_hex(8)}", email.lower(), name, role, at)
    row = {"id": user.id, "email": user.email, "name": name, "role": role, "password": password, "created_at": at}
    try:
        connection.execute(insert(users).values(row))
    except IntegrityError:
        raise Conflict(f"there is a user with the address `{user.email}` already", field="email") from None
    connection.execute(delete(invitations).where(invitations.c.email == user.email))
    record(connection, [user_added(user)], at=at, author=user.email)
    return user


def replace_password(connection: Connection, user: User, password: str, *, at: int, author: str) -> None:
    """Set a password in the transaction of `connection`; all sessions of the user are over."""
    connection.execute(update(users).where(users.c.id == user.id).values(password=password))
    connection.execute(delete(sessions).where(sessions.c.user_id == user.id))
    record(connection, [password_changed(user.email)], at=at, author=author)


def user_with_email(connection: Connection, email: str) -> User | None:
    row = connection.execute(select(*_COLUMNS).where(users.c.email == email.lower())).one_or_none()
    return _user(row) if row is not None else None


def count_owners(connection: Connection) -> int:
    """How many owners there are. Nobody else changes who is one until the transaction ends."""
    # FOR UPDATE is for PostgreSQL; a transaction of SQLite is alone anyway.
    owners = select(users.c.id).where(users.c.role == "owner").with_for_update()
    return len(connection.execute(owners).all())


def _get(connection: Connection, user_id: str) -> User:
    row = connection.execute(select(*_COLUMNS).where(users.c.id == user_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no user `{user_id}`")
    return _user(row)


def _keep_an_owner(connection: Connection, user: User) -> None:
    if user.role == "owner" and count_owners(connection) == 1:
        raise Conflict(f"`{user.email}` is the last owner: make somebody else an owner first")


def _user(row: Row[*tuple[Any, ...]]) -> User:
    return User(**row._mapping)
