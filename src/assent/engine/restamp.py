"""Another consent on an event: what it would be if the person had answered otherwise."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeAlias

from assent.engine.consent import Whole, read_preferences

Event: TypeAlias = dict[str, Any]


class Stance(StrEnum):
    """What an event says of one category."""

    GRANTED = "granted"
    DENIED = "denied"
    UNNAMED = "unnamed"
    UNREADABLE = "unreadable"


def stance(event: Event, category_id: str) -> Stance:
    preferences = read_preferences(event)
    if isinstance(preferences, Whole):
        return Stance.UNREADABLE if preferences is Whole.UNREADABLE else Stance.UNNAMED
    if category_id not in preferences:
        return Stance.UNNAMED
    value = preferences[category_id]
    if not isinstance(value, bool):
        return Stance.UNREADABLE
    return Stance.GRANTED if value else Stance.DENIED


def restamped(event: Event, category_id: str, wanted: Stance) -> Event:
    """The event with another answer for one category; what was unreadable in its way is replaced."""
    preferences = read_preferences(event)
    answers = {} if isinstance(preferences, Whole) else dict(preferences)
    if wanted is Stance.UNNAMED:
        answers.pop(category_id, None)
    else:
        answers[category_id] = wanted is Stance.GRANTED
    return _with_consent(
        event, {**_object(_object(event.get("context")).get("consent")), "categoryPreferences": answers}
    )


def with_answers(event: Event, answers: Mapping[str, bool]) -> Event:
    """The event with these answers, in place of what it carried."""
    return _with_consent(event, {"categoryPreferences": dict(answers)})


def with_consent(event: Event) -> Event:
    """The event with a consent object, which says nothing yet where there was none."""
    return event if isinstance(read_preferences(event), dict) else _with_consent(event, {"categoryPreferences": {}})


def without_consent(event: Event) -> Event:
    """The event as nobody stamped it."""
    context = {name: value for name, value in _object(event.get("context")).items() if name != "consent"}
    return {**event, "context": context}


def carries_consent(event: Event) -> bool:
    """Whether there is a consent object, readable or not."""
    return read_preferences(event) is not Whole.ABSENT


def named(event: Event) -> list[str]:
    """The ids of the categories that the event names."""
    preferences = read_preferences(event)
    return [] if isinstance(preferences, Whole) else [name for name in preferences if isinstance(name, str)]


def _with_consent(event: Event, consent: Event) -> Event:
    return {**event, "context": {**_object(event.get("context")), "consent": consent}}


def _object(value: Any) -> Event:
    return value if isinstance(value, dict) else {}
