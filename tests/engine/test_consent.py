"""Reading consent from an event."""

from typing import Any

import pytest

from assent.domain.record import CONSENT_UPDATE_EVENT
from assent.engine.consent import Whole, is_consent_update, read_preferences


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"context": None},
        {"context": {}},
        {"context": {"consent": None}},
        {"context": {"consent": {}}},
        {"context": {"consent": {"version": 2}}},
        {"context": {"Consent": {"categoryPreferences": {"ad": True}}}},
    ],
)
def test_consent_that_is_not_there_is_absent(event: dict[str, Any]) -> None:
    assert read_preferences(event) is Whole.ABSENT


@pytest.mark.parametrize("junk", ["", "all", 0, 7, True, False, [], ["ad"]])
def test_what_is_there_but_no_object_is_unreadable(junk: Any) -> None:
    assert read_preferences({"context": junk}) is Whole.UNREADABLE
    assert read_preferences({"context": {"consent": junk}}) is Whole.UNREADABLE
    assert read_preferences({"context": {"consent": {"categoryPreferences": junk}}}) is Whole.UNREADABLE
    assert read_preferences(junk) is Whole.UNREADABLE


def test_null_preferences_are_unreadable() -> None:
    assert read_preferences({"context": {"consent": {"categoryPreferences": None}}}) is Whole.UNREADABLE


@pytest.mark.parametrize("preferences", [{}, {"ad": True}, {"ad": None, "x": []}])
def test_an_object_holds_answers(preferences: dict[str, Any]) -> None:
    assert read_preferences({"context": {"consent": {"categoryPreferences": preferences}}}) == preferences


@pytest.mark.parametrize(
    ("event", "update"),
    [
        ({"type": "track", "event": CONSENT_UPDATE_EVENT}, True),
        ({"type": "page", "event": CONSENT_UPDATE_EVENT}, False),
        ({"event": CONSENT_UPDATE_EVENT}, False),
        ({"type": "track", "event": CONSENT_UPDATE_EVENT.lower()}, False),
        ({"type": "track", "name": CONSENT_UPDATE_EVENT}, False),
        ({"type": ["track"], "event": [CONSENT_UPDATE_EVENT]}, False),
        ([], False),
        (None, False),
    ],
)
def test_a_consent_update_is_the_reserved_track_event(event: Any, update: bool) -> None:
    assert is_consent_update(event) is update
