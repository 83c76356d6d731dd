"""Sessions of the console. A session is known by a random text of which only the digest is kept."""

import hashlib
import secrets as random
from datetime import timedelta
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Engine, delete, insert, select, update

from assent.domain.user import User
from assent.store.database import reading
from assent.store.tables import sessions, users

LIFETIME: Final = timedelta(days=14)
IDLE: Final = timedelta(days=2)
_NOTED_EVERY_MS: Final = 60_000


class Session(NamedTuple):
    """Somebody who is signed in; `text` is what their browser knows the session by."""

    text: str
    user: User


class Sessions:
    """Who is signed in. A session ends after `LIFETIME`, or when nobody used it for `IDLE`. Times are UTC epoch
    milliseconds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def open(self, user_id: str, *, at: int) -> str:
        """Begin a session; what its browser has to show from now on. Sessions that are over are forgotten."""
        text = random.token_urlsafe(32)
        with self._engine.begin() as connection:
            connection.execute(delete(sessions).where(~_is_open(at)))
            row = {"digest": _digest(text), "user_id": user_id, "opened_at": at, "seen_at": at}
            connection.execute(insert(sessions).values(row))
        return text

    def find(self, text: str, *, at: int) -> Session | None:
        """The session behind a text; None for one that is over, or never was."""
        query = (
            select(users.c.id, users.c.email, users.c.name, users.c.role, users.c.created_at, sessions.c.seen_at)
            .join(sessions, sessions.c.user_id == users.c.id)
            .where(sessions.c.digest == _digest(text), _is_open(at))
        )
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        if at - row.seen_at > _NOTED_EVERY_MS:
            with self._engine.begin() as connection:
                connection.execute(update(sessions).where(sessions.c.digest == _digest(text)).values(seen_at=at))
        return Session(text, User(*row[:5]))

    def close(self, text: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(delete(sessions).where(sessions.c.digest == _digest(text)))

    def leave_notice(self, text: str, notice: str) -> None:
        """What the next page of this session is to say."""
        with self._engine.begin() as connection:
            connection.execute(update(sessions).where(sessions.c.digest == _digest(text)).values(notice=notice))

    def take_notice(self, text: str) -> str | None:
        """What was left to say, once."""
        of_session = sessions.c.digest == _digest(text)
        with reading(self._engine) as connection:
            notice: str | None = connection.scalar(select(sessions.c.notice).where(of_session))
        if notice is not None:
            with self._engine.begin() as connection:
                connection.execute(update(sessions).where(of_session).values(notice=None))
        return notice


def _is_open(at: int) -> ColumnElement[bool]:
    opened = sessions.c.opened_at > at - _ms(LIFETIME)
    return opened & (sessions.c.seen_at > at - _ms(IDLE))


def _ms(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
