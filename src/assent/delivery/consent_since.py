"""What people said of consent since a time, as the log has it: for backfills, which send nobody who refused since.

INVARIANT: bounded in memory. Beyond so many people it refuses, rather than guess.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, Protocol

import msgspec

from assent.domain.decision import Decision
from assent.domain.errors import AssentError
from assent.domain.record import Record
from assent.engine.consent import Whole, read_preferences
from assent.engine.json import JSON_ERRORS, decode_leniently
from assent.engine.policy import Policy
from assent.engine.routing import NO_CHOICE, routing_key

MOST_IDS: Final = 2_000_000
_A_READ: Final = 500


class Readable(Protocol):
    """What this needs of the log: also of one that another process writes."""

    @property
    def head(self) -> int: ...
    @property
    def start(self) -> int: ...
    async def read(self, offset: int, limit: int) -> Sequence[Record]: ...


class TooManyPeople(AssentError):
    """There are more people in the log than can be kept in mind."""


class _Ids(msgspec.Struct, gc=False, rename="camel"):
    anonymous_id: str | None = None
    user_id: str | None = None


_decode_ids = msgspec.json.Decoder(_Ids).decode


class ConsentSince:
    """The newest consent of every person in the log from an offset on, for the backfill `job`.

    A person is known by the user id and by the anonymous id: what was said under either counts.
    """

    def __init__(self, log: Readable, job: str, start: int) -> None:
        self.job = job
        self._log = log
        self._at = start
        self._newest: dict[str, tuple[int, bytes]] = {}
        self._says = lru_cache(100_000)(_says_something)
        self._mixed = lru_cache(100_000)(_with_consent_of)

    async def catch_up(self) -> None:
        """Read on to the end of the log. Raises TooManyPeople; NotFound when the log has forgotten where it was."""
        self._at = max(self._at, self._log.start)
        while self._at < self._log.head:
            records = await self._log.read(self._at, _A_READ)
            for offset, record in enumerate(records, self._at):
                if self._says(record.routing_key):
                    for id_ in ids_of(record):
                        self._newest[id_] = (offset, record.routing_key)
            self._at += len(records)
            if len(self._newest) > MOST_IDS:
                raise TooManyPeople(
                    f"the log has consent under more than {MOST_IDS:,} ids since then: backfill less time at once"
                )

    def decision(self, record: Record, policy: Policy, destination: str) -> Decision | None:
        """The decision on an event if it carried the newest consent of its person; None where they said nothing."""
        said = [found for id_ in ids_of(record) if (found := self._newest.get(id_)) is not None]
        if not said:
            return None
        _offset, key = max(said)
        return policy.decide_key(self._mixed(record.routing_key, key)).get(destination)


def ids_of(record: Record) -> tuple[str, ...]:
    """What a person is known by in an event: no user id is ever an anonymous id."""
    try:
        ids = _decode_ids(record.body)
    except JSON_ERRORS:
        return ()
    return tuple(f"{kind}{value}" for kind, value in (("u", ids.user_id), ("a", ids.anonymous_id)) if value)


def _says_something(key: bytes) -> bool:
    return key != NO_CHOICE and read_preferences(decode_leniently(key)) is not Whole.ABSENT


def _with_consent_of(key: bytes, other: bytes) -> bytes:
    """The routing key `key` with the consent of another."""
    event: Any = decode_leniently(key)
    said: Any = decode_leniently(other)
    event = event if isinstance(event, dict) else {}
    context = said.get("context") if isinstance(said, dict) else 0
    return routing_key({**event, "context": context})
