"""Attempts: what becomes of an event at a destination when it did not settle at once."""

import random
from typing import Final

import msgspec

from assent.delivery.dispatch import Deliverable, NotTried
from assent.destinations.connector import Outcome
from assent.domain.errors import Rejected
from assent.domain.outcome import Attempt, State
from assent.engine.retry import next_attempt

TOO_OLD = Rejected("it waited longer than the log keeps events")

_HELD_FOR_MS: Final = 5_000

_jitter = random.SystemRandom().random


def first_attempt(destination: str, one: Deliverable, version: int, now: int) -> Attempt:
    """The attempt at an event that has just been read; `now` is UTC epoch milliseconds, here and below."""
    return Attempt(
        destination,
        one.offset,
        one.record.source,
        one.record.message_id,
        State.RETRYING,
        one.decision,
        version,
        tried=0,
        first_at=now,
        due_at=now,
    )


def after(attempt: Attempt, outcome: Outcome, *, now: int, since: int) -> Attempt:
    """The attempt after one more try; `since` is when the time after which it is given up began."""
    if outcome is None:
        return ended(attempt, State.DELIVERED, now, tried=attempt.tried + 1)
    said = {
        "tried": attempt.tried + (not isinstance(outcome, NotTried)),
        "answer": outcome.answer,
        "http_status": outcome.http_status,
    }
    if isinstance(outcome, Rejected):
        return ended(attempt, State.FAILED, now, **said)
    changed = msgspec.structs.replace(attempt, **said)
    asked = int(outcome.after.total_seconds() * 1000) if outcome.after is not None else 0
    due_at = next_attempt(changed.tried, since, now, _jitter(), asked)
    if due_at is None:
        return ended(changed, State.FAILED, now)
    return msgspec.structs.replace(changed, due_at=due_at)


def kept(attempt: Attempt, now: int) -> Attempt:
    """The attempt at an event that is held meanwhile: it is looked at again soon, and its hours begin anew."""
    return msgspec.structs.replace(attempt, first_at=now, due_at=now + _HELD_FOR_MS, answer="it is held")


def ended(attempt: Attempt, state: State, now: int, **changes: object) -> Attempt:
    """The attempt come to rest."""
    return msgspec.structs.replace(attempt, state=state, settled_at=now, **changes)
