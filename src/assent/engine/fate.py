"""What became of one event at one destination, and why: worked out from what the accounts keep of it."""

from collections.abc import Callable
from typing import Final

import msgspec

from assent.domain.decision import Decision, Reason, Verdict
from assent.domain.outcome import Attempt, Cursor, Span, State
from assent.engine.policy import Policy

_NO_DESTINATION: Final = Decision(Verdict.WITHHOLD, Reason.DESTINATION_DISABLED)


class Kept(msgspec.Struct, frozen=True):
    """What the accounts keep of one event at one destination: where its cursor stands, the span and the attempt."""

    cursor: Cursor | None = None
    span: Span | None = None
    attempt: Attempt | None = None


class Fate(msgspec.Struct, frozen=True):
    """What became of one event at one destination.

    `state` is None for an event that was never this destination's to read: it came in before the destination existed,
    or while it was removed. Then there is no decision, and no version that decided.
    """

    destination: str
    state: State | None = None
    decision: Decision | None = None
    version: int | None = None
    attempt: Attempt | None = None


def fate(destination: str, offset: int, kept: Kept, decide: Callable[[str, int], Decision], in_force: int) -> Fate:
    """What became of the event at `offset`; `decide` decides it for a destination (id) under a version (number).

    An event that is still unread has the decision that the version `in_force` would make now.
    """
    if kept.attempt is not None:
        attempt = kept.attempt
        return Fate(destination, attempt.state, attempt.decision, attempt.version, attempt)
    if kept.span is not None:
        decision = decide(destination, kept.span.version)
        state = State.DELIVERED if decision.verdict is Verdict.DELIVER else State.WITHHELD
        return Fate(destination, state, decision, kept.span.version)
    if kept.cursor is not None and _is_unread(kept.cursor, offset):
        return Fate(destination, State.UNREAD, decide(destination, in_force), in_force)
    return Fate(destination)


def decision_for(policy: Policy, routing_key: bytes, destination: str) -> Decision:
    """The decision at one destination; one that the policy does not have was removed, which withholds."""
    return policy.decide_key(routing_key).get(destination, _NO_DESTINATION)


def _is_unread(cursor: Cursor, offset: int) -> bool:
    return cursor.position <= offset and (cursor.until is None or offset < cursor.until)
