"""What became of an event, by what the accounts keep of it."""

import pytest

from assent.domain.decision import Decision, Reason, Verdict
from assent.domain.outcome import Attempt, Cursor, Span, State
from assent.domain.workspace import Destination, Workspace
from assent.engine.fate import Judged, Kept, decision_for, fate
from assent.engine.policy import Policy
from assent.engine.routing import NO_CHOICE

DELIVER = Decision(Verdict.DELIVER, Reason.CONSENTED, ("a",))
WITHHOLD = Decision(Verdict.WITHHOLD, Reason.CATEGORY_DENIED, ("a",))
VERSIONS = {1: DELIVER, 2: WITHHOLD}
IN_FORCE = 2
OFFSET = 10


def judge(destination: str, version: int) -> Judged:
    assert destination == "one"
    decision = VERSIONS[version]
    return Judged(State.DELIVERED if decision.verdict is Verdict.DELIVER else State.WITHHELD, decision)


def attempt(state: State) -> Attempt:
    return Attempt("one", OFFSET, "web", "m", state, DELIVER, 1, tried=1, first_at=0, due_at=0)


@pytest.mark.parametrize(
    ("kept", "state", "decision", "version"),
    [
        (Kept(Cursor("one", 11, 0), Span("one", 0, 11, 1)), State.DELIVERED, DELIVER, 1),
        (Kept(Cursor("one", 11, 0), Span("one", 0, 11, 2)), State.WITHHELD, WITHHOLD, 2),
        (Kept(Cursor("one", 11, 0), Span("one", 0, 11, 1), attempt(State.FAILED)), State.FAILED, DELIVER, 1),
        (Kept(Cursor("one", 11, 0), Span("one", 0, 11, 2), attempt(State.RETRYING)), State.RETRYING, DELIVER, 1),
        (Kept(Cursor("one", 10, 0)), State.UNREAD, WITHHOLD, 2),
        (Kept(Cursor("one", 3, 0, until=11)), State.UNREAD, WITHHOLD, 2),
        # A cursor that was looked at before its span was written.
        (Kept(Cursor("one", 10, 0), Span("one", 0, 11, 1)), State.DELIVERED, DELIVER, 1),
        (Kept(Cursor("one", 3, 0, until=10)), None, None, None),
        (Kept(Cursor("one", 11, 11)), None, None, None),
        (Kept(), None, None, None),
    ],
)
def test_what_the_accounts_keep_tells_the_fate(
    kept: Kept, state: State | None, decision: Decision | None, version: int | None
) -> None:
    found = fate("one", OFFSET, kept, judge, IN_FORCE)
    assert (found.state, found.decision, found.version) == (state, decision, version)
    assert found.attempt == kept.attempt


def test_a_destination_that_the_version_does_not_have_gets_nothing() -> None:
    policy = Policy(Workspace(destinations=(Destination("one"),)))
    assert decision_for(policy, NO_CHOICE, "one").verdict is Verdict.DELIVER
    assert decision_for(policy, NO_CHOICE, "gone") == Decision(Verdict.WITHHOLD, Reason.DESTINATION_DISABLED)
