"""The lock-out that slows guessing: how often signing in failed, and until when it is refused."""

import hashlib
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, Engine, delete, func, select

from assent.store.database import upsert
from assent.store.tables import sign_in_failures as failures

FREE_TRIES: Final = 5
_FIRST_WAIT: Final = timedelta(seconds=5)
_LONGEST_WAIT: Final = timedelta(minutes=15)
_FORGOTTEN_AFTER: Final = timedelta(hours=6)
MOST_REMEMBERED: Final = 50_000
"""Ever other addresses must not fill the disk: beyond so many, what was tried longest ago is forgotten."""


class Lockout:
    """Failures by what was tried to sign in with, whether or not anybody has that address: so it tells nothing of who
    is a user. Kept at rest, because a restart must not give new tries. Times are UTC epoch milliseconds.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, key: str, *, at: int) -> timedelta:
        """Zero for a try that may go ahead, and counts as failed until it succeeds; else how long nobody may try with
        this `key`.

        INVARIANT: a try is counted before it is made, so that many at once get no more of them than one after another.
        """
        with self._engine.begin() as connection:
            forgotten = failures.c.last_at < at - _FORGOTTEN_AFTER // _MILLISECOND
            connection.execute(delete(failures).where(forgotten))
            query = select(failures.c.failures, failures.c.last_at).where(failures.c.digest == _digest(key))
            row = connection.execute(query.with_for_update()).one_or_none()
            left = _left(row.failures, at - row.last_at) if row is not None else timedelta()
            if not left:
                _count(connection, key, at)
        return left

    def succeeded(self, key: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(delete(failures).where(failures.c.digest == _digest(key)))


_MILLISECOND: Final = timedelta(milliseconds=1)


def _count(connection: Connection, key: str, at: int) -> None:
    statement = upsert(connection.dialect.name, failures).values(digest=_digest(key), failures=1, last_at=at)
    more = {"failures": failures.c.failures + 1, "last_at": at}
    connection.execute(statement.on_conflict_do_update(index_elements=["digest"], set_=more))
    if (connection.scalar(select(func.count()).select_from(failures)) or 0) > MOST_REMEMBERED:
        oldest = select(failures.c.digest).order_by(failures.c.last_at).limit(MOST_REMEMBERED // 10)
        connection.execute(delete(failures).where(failures.c.digest.in_(oldest)))


def _left(count: int, passed_ms: int) -> timedelta:
    # A clock that was set back must not lock anybody out for longer than the wait itself.
    return max(timedelta(), wait_after(count) - timedelta(milliseconds=max(0, passed_ms)))


def wait_after(count: int) -> timedelta:
    """How long nobody may try after so many failures: none at first, and then it doubles."""
    if count < FREE_TRIES:
        return timedelta()
    doubled: int = 2 ** min(count - FREE_TRIES, 20)
    return min(_FIRST_WAIT * doubled, _LONGEST_WAIT)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.strip().lower().encode("utf-8", "replace")).digest()
