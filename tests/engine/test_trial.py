"""A trial says what then happens: for any two workspaces, any events, whatever is held in either."""

from collections import Counter
from typing import Any

import msgspec
from decision_strategies import events, workspaces
from hypothesis import given
from hypothesis import strategies as st

from assent.domain.decision import Verdict
from assent.domain.outcome import State
from assent.domain.workspace import Source, Workspace
from assent.engine.decide import decide
from assent.engine.hold import Holds
from assent.engine.policy import Policy
from assent.engine.routing import narrowed, routing_key
from assent.engine.trial import Trial

_held = st.sampled_from([False, False, False, True])


@st.composite
def _with_holds(draw: st.DrawFn) -> Workspace:
    workspace: Workspace = draw(workspaces)
    consent = msgspec.structs.replace(
        workspace.consent,
        categories=tuple(msgspec.structs.replace(one, held=draw(_held)) for one in workspace.categories),
    )
    destinations = tuple(msgspec.structs.replace(one, held=draw(_held)) for one in workspace.destinations)
    sources = tuple(Source(one, f"{one}-key", held=draw(_held)) for one in ("web", "app"))
    return msgspec.structs.replace(
        workspace, consent=consent, destinations=destinations, sources=sources, held=draw(_held)
    )


def becomes(workspace: Workspace, destination: str, source: str, event: Any) -> State | None:
    """By the readable decision."""
    found = workspace.destination(destination)
    if found is None:
        return None
    decision = decide(workspace.rules, workspace.categories, found, event)
    if decision.verdict is Verdict.WITHHOLD:
        return State.WITHHELD
    stands_still = workspace.held or found.held
    return State.HELD if stands_still or Holds(workspace).holder(source, destination, decision) else State.DELIVERED


def _readable(event: Any) -> bool:
    try:
        routing_key(event)
    except UnicodeEncodeError:
        return False
    return True


@given(
    old=_with_holds(),
    new=_with_holds(),
    some=st.lists(st.tuples(st.sampled_from(["web", "app"]), events.filter(_readable)), max_size=6),
)
def test_a_trial_says_what_then_happens(old: Workspace, new: Workspace, some: list[tuple[str, Any]]) -> None:
    counts = Counter((source, routing_key(event)) for source, event in some)
    effects = {one.destination: one for one in Trial(old, new).effects(counts)}
    for name in {one.id for one in (*old.destinations, *new.destinations)}:
        newly: Counter[State] = Counter()
        for source, event in some:
            before = becomes(old, name, source, event) or State.WITHHELD
            after = becomes(new, name, source, event) or State.WITHHELD
            if before is not after:
                newly[after] += 1
        effect = effects.get(name)
        said = (effect.newly_delivered, effect.newly_withheld, effect.newly_held) if effect else (0, 0, 0)
        assert said == (newly[State.DELIVERED], newly[State.WITHHELD], newly[State.HELD]), name
        if effect:
            assert sum(one.events for one in effect.shifts) <= len(some)


@given(workspace=_with_holds(), event=events.filter(_readable))
def test_what_a_policy_does_not_ask_for_decides_nothing(workspace: Workspace, event: Any) -> None:
    key, policy = routing_key(event), Policy(workspace)
    categories = {one.id for one in workspace.categories}
    names = {"All", *(name for one in workspace.destinations for name in (one.title, one.integration))}
    short = narrowed(key, categories, names)
    assert policy.decide_key(short) == policy.decide_key(key)
    assert len(short) <= len(key)
    assert narrowed(short, categories, names) == short


@given(workspace=_with_holds(), event=events.filter(_readable))
def test_nothing_changes_without_a_change(workspace: Workspace, event: Any) -> None:
    assert Trial(workspace, workspace).effects({("web", routing_key(event)): 1}) == []
