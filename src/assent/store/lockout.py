"""The lock-out that slows guessing: how often signing in failed, and until when it is refused."""

import hashlib
from datetime import timedelta
from typing import Final

from sqlalchemy import Engine, delete, select

from assent.store.database import reading, upsert
from assent.store.tables import sign_in_failures as failures

FREE_TRIES: Final = 5
_FIRST_WAIT: Final = timedelta(seconds=5)
_LONGEST_WAIT: Final = timedelta(minutes=15)
_FORGOTTEN_AFTER: Final = timedelta(hours=6)


class Lockout:
    """Failures by what was tried to sign in with, whether or not anybody has that address: so it tells nothing of who
    is a user. Kept at rest, because a restart must not give new tries. Times are UTC epoch milliseconds.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def wait(self, key: str, *, at: int) -> timedelta:
        """How long nobody may try with this `key`; zero when it may be tried now."""
        query = select(failures.c.failures, failures.c.last_at).where(failures.c.digest == _digest(key))
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is None or row.failures < FREE_TRIES:
            return timedelta()
        # A clock that was set back must not lock anybody out for longer than the wait itself.
        passed = timedelta(milliseconds=max(0, at - row.last_at))
        return max(timedelta(), _wait(row.failures) - passed)

    def failed(self, key: str, *, at: int) -> None:
        """Somebody tried in vain. What is long past is forgotten, so that the table stays small."""
        with self._engine.begin() as connection:
            connection.execute(delete(failures).where(failures.c.last_at < at - _FORGOTTEN_AFTER // _MILLISECOND))
            statement = upsert(connection.dialect.name, failures).values(digest=_digest(key), failures=1, last_at=at)
            more = {"failures": failures.c.failures + 1, "last_at": at}
            connection.execute(statement.on_conflict_do_update(index_elements=["digest"], set_=more))

    def succeeded(self, key: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(delete(failures).where(failures.c.digest == _digest(key)))


_MILLISECOND: Final = timedelta(milliseconds=1)


def _wait(count: int) -> timedelta:
    """Doubles with each failure."""
    doubled: int = 2 ** min(count - FREE_TRIES, 20)
    return min(_FIRST_WAIT * doubled, _LONGEST_WAIT)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.strip().lower().encode("utf-8", "replace")).digest()
