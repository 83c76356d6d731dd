"""What became of one event at one destination, and why: worked out from what the accounts keep of it."""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import msgspec

from assent.domain.decision import Decision, Reason, Verdict
from assent.domain.outcome import GIVEN_UP, Attempt, Cursor, Reread, Span, State
from assent.engine.hold import Holder
from assent.engine.policy import Policy

_NO_DESTINATION: Final = Decision(Verdict.WITHHOLD, Reason.DESTINATION_DISABLED)


class Judged(NamedTuple):
    """What one version of the workspace makes of an event: delivered, withheld or held, and by what."""

    state: State
    decision: Decision
    holder: Holder | None = None


class Kept(msgspec.Struct, frozen=True):
    """What the accounts keep of one event at one destination: where its cursor stands, the span that holds it, how
    often it was read again, in order, and the attempt."""

    cursor: Cursor | None = None
    span: Span | None = None
    attempt: Attempt | None = None
    rereads: tuple[Reread, ...] = ()


class Fate(msgspec.Struct, frozen=True):
    """What became of one event at one destination.

    `state` is None for an event that was never this destination's to read: it came in before the destination existed,
    or while it was removed. Then there is no decision, and no version that decided. `holder` is what holds a held one.
    """

    destination: str
    state: State | None = None
    decision: Decision | None = None
    version: int | None = None
    attempt: Attempt | None = None
    holder: Holder | None = None


def fate(destination: str, offset: int, kept: Kept, judge: Callable[[str, int], Judged], in_force: int) -> Fate:
    """What became of the event at `offset`; `judge` judges it for a destination (id) under a version (number).

    An event that is still unread has the decision that the version `in_force` would make now.
    """
    if kept.attempt is not None:
        return attempted(kept.attempt)
    if kept.span is not None:
        judged, version = at_rest(kept.span.version, kept.rereads, lambda number: judge(destination, number))
        return Fate(destination, judged.state, judged.decision, version, holder=judged.holder)
    if kept.cursor is not None and _is_unread(kept.cursor, offset):
        return Fate(destination, State.UNREAD, judge(destination, in_force).decision, in_force)
    return Fate(destination)


def attempted(attempt: Attempt) -> Fate:
    """What became of an event that was attempted: that says it all."""
    return Fate(attempt.destination, attempt.state, attempt.decision, attempt.version, attempt)


def at_rest(version: int, rereads: Iterable[Reread], judge: Callable[[int], Judged]) -> tuple[Judged, int]:
    """What became of an event that has no attempt, and the version that decided it: first read under `version`, then
    judged anew by each reading that took what it was by then."""
    judged = judge(version)
    for reread in rereads:
        if not reread.selection.takes(judged.state, judged.decision.reason):
            continue
        if reread.version == GIVEN_UP:
            return Judged(State.FAILED, judged.decision), version
        judged, version = judge(reread.version), reread.version
    return judged, version


def judge(policy: Policy, source: str, routing_key: bytes, destination: str) -> Judged:
    """What a policy makes of an event of this source at one destination."""
    decision = decision_for(policy, routing_key, destination)
    if decision.verdict is Verdict.WITHHOLD:
        return Judged(State.WITHHELD, decision)
    holder = policy.holds.holder(source, destination, decision) if policy.holds else None
    return Judged(State.HELD if holder is not None else State.DELIVERED, decision, holder)


def decision_for(policy: Policy, routing_key: bytes, destination: str) -> Decision:
    """The decision at one destination; one that the policy does not have was removed, which withholds."""
    return policy.decide_key(routing_key).get(destination, _NO_DESTINATION)


def _is_unread(cursor: Cursor, offset: int) -> bool:
    return cursor.position <= offset and (cursor.until is None or offset < cursor.until)
