"""Reading consent from an event: absent, unreadable, or an answer per category."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeAlias

from assent.domain.record import CONSENT_UPDATE_EVENT


class Whole(Enum):
    """Consent that holds no answers to read one by one."""

    ABSENT = "absent"
    UNREADABLE = "unreadable"


Preferences: TypeAlias = Mapping[str, Any] | Whole


def read_preferences(event: Any) -> Preferences:
    """The event's `context.consent.categoryPreferences`, or why there is none.

    What is there but not an object is unreadable, which closes; only what is not there at all is absent.
    """
    if not isinstance(event, Mapping):
        return Whole.UNREADABLE
    context = event.get("context")
    if context is None:
        return Whole.ABSENT
    if not isinstance(context, Mapping):
        return Whole.UNREADABLE
    consent = context.get("consent")
    if consent is None:
        return Whole.ABSENT
    if not isinstance(consent, Mapping):
        return Whole.UNREADABLE
    if "categoryPreferences" not in consent:
        return Whole.ABSENT
    preferences = consent["categoryPreferences"]
    return preferences if isinstance(preferences, Mapping) else Whole.UNREADABLE


def is_consent_update(event: Any) -> bool:
    """Whether the event reports that a person gave or changed preferences."""
    return isinstance(event, Mapping) and event.get("type") == "track" and event.get("event") == CONSENT_UPDATE_EVENT
