"""Another consent on an event: it then says what was wanted, and everything else as before."""

from typing import Any

import pytest
from decision_strategies import CATEGORY_IDS, events
from hypothesis import given
from hypothesis import strategies as st

from assent.engine.consent import Whole, read_preferences
from assent.engine.restamp import Stance, carries_consent, named, restamped, stance, with_consent, without_consent

ids = st.sampled_from(CATEGORY_IDS)
wishes = st.sampled_from([Stance.GRANTED, Stance.DENIED, Stance.UNNAMED])


def beside_consent(event: dict[str, Any]) -> dict[str, Any]:
    context = event.get("context")
    rest = {name: one for name, one in context.items() if name != "consent"} if isinstance(context, dict) else {}
    return {**event, "context": rest}


@given(events, ids, wishes)
def test_the_event_then_says_what_was_wanted_and_the_rest_as_before(
    event: dict[str, Any], category: str, wanted: Stance
) -> None:
    before = read_preferences(event)
    other = restamped(event, category, wanted)
    assert stance(other, category) is wanted
    assert carries_consent(other)
    assert beside_consent(other) == beside_consent(event)
    after = read_preferences(other)
    assert isinstance(after, dict)
    kept = {} if isinstance(before, Whole) else before
    assert {**after, category: 0} == {**kept, category: 0}


@given(events)
def test_consent_comes_and_goes(event: dict[str, Any]) -> None:
    before = read_preferences(event)
    assert read_preferences(without_consent(event)) is Whole.ABSENT
    assert not carries_consent(without_consent(event))
    assert beside_consent(without_consent(event)) == beside_consent(with_consent(event)) == beside_consent(event)
    assert read_preferences(with_consent(event)) == ({} if isinstance(before, Whole) else before)


@pytest.mark.parametrize(
    ("preferences", "expected"),
    [
        ({"ad": True}, Stance.GRANTED),
        ({"ad": False}, Stance.DENIED),
        ({"AD": True}, Stance.UNNAMED),
        ({"ad": "true"}, Stance.UNREADABLE),
        ({"ad": None}, Stance.UNREADABLE),
        ("all", Stance.UNREADABLE),
    ],
)
def test_what_an_event_says_of_a_category(preferences: Any, expected: Stance) -> None:
    event = {"context": {"consent": {"categoryPreferences": preferences}}}
    assert stance(event, "ad") is expected
    assert named(event) == (list(preferences) if isinstance(preferences, dict) else [])
