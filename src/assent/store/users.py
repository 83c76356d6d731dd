"""Users of the console. Of a password only its argon2id hash is kept, which this store neither makes nor checks."""

import secrets as random
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from assent.domain.errors import Conflict, NotFound
from assent.domain.user import Role, User
from assent.store.database import reading
from assent.store.tables import sessions, users

_COLUMNS = (users.c.id, users.c.email, users.c.name, users.c.role, users.c.created_at)


class Users:
    """Everybody who may sign in. E-mail addresses are compared in lower case.

    INVARIANT: once there is an owner, there is one for ever.
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
            return _owners(connection) > 0

    def get(self, user_id: str) -> User:
        """Raises NotFound."""
        with reading(self._engine) as connection:
            return _get(connection, user_id)

    def with_email(self, email: str) -> User | None:
        with reading(self._engine) as connection:
            row = connection.execute(select(*_COLUMNS).where(users.c.email == email.lower())).one_or_none()
        return _user(row) if row is not None else None

    def password(self, user_id: str) -> str | None:
        """The hash of the user's password; None for one who has none, and for nobody."""
        with reading(self._engine) as connection:
            password: str | None = connection.scalar(select(users.c.password).where(users.c.id == user_id))
        return password

    def add(self, email: str, name: str, role: Role, password: str | None, *, at: int) -> User:
        """Raises Conflict when somebody has this address already."""
        user = User(f"usr_{random.token_hex(8)}", email.lower(), name, role, at)
        row = {"id": user.id, "email": user.email, "name": name, "role": role, "password": password, "created_at": at}
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(users).values(row))
        except IntegrityError:
            raise Conflict(f"there is a user with the address `{user.email}` already", field="email") from None
        return user

    def set_role(self, user_id: str, role: Role) -> User:
        """Raises NotFound; Conflict for the last owner."""
        with self._engine.begin() as connection:
            user = _get(connection, user_id)
            if role != "owner":
                _keep_an_owner(connection, user)
            connection.execute(update(users).where(users.c.id == user_id).values(role=role))
            return _get(connection, user_id)

    def set_password(self, user_id: str, password: str) -> None:
        """Raises NotFound. Whoever is signed in as this user no longer is."""
        with self._engine.begin() as connection:
            _get(connection, user_id)
            connection.execute(update(users).where(users.c.id == user_id).values(password=password))
            connection.execute(delete(sessions).where(sessions.c.user_id == user_id))

    def remove(self, user_id: str) -> User:
        """Who it was, and is signed in no longer. Raises NotFound; Conflict for the last owner."""
        with self._engine.begin() as connection:
            user = _get(connection, user_id)
            _keep_an_owner(connection, user)
            connection.execute(delete(sessions).where(sessions.c.user_id == user_id))
            connection.execute(delete(users).where(users.c.id == user_id))
        return user


def _get(connection: Connection, user_id: str) -> User:
    row = connection.execute(select(*_COLUMNS).where(users.c.id == user_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no user `{user_id}`")
    return _user(row)


def _owners(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(users).where(users.c.role == "owner")) or 0


def _keep_an_owner(connection: Connection, user: User) -> None:
    if user.role == "owner" and _owners(connection) == 1:
        raise Conflict(f"`{user.email}` is the last owner: make somebody else an owner first")


def _user(row: Row[*tuple[Any, ...]]) -> User:
    return User(**row._mapping)
