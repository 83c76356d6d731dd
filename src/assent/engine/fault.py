"""What is wrong with something received, by Segment's codes (WIRE.md, Discards and Consent)."""

from collections.abc import Mapping
from typing import Any

from assent.domain.record import CONSENT_UPDATE_EVENT, DiscardCode

_IDS = ("userId", "anonymousId", "messageId")
_SHAPES: tuple[tuple[str, type, tuple[str, ...], DiscardCode], ...] = (
    ("properties", dict, ("track", "page", "screen"), DiscardCode.PROPERTIES_NOT_OBJECT),
    ("traits", dict, ("identify", "group"), DiscardCode.TRAITS_NOT_OBJECT),
    ("name", str, ("page", "screen"), DiscardCode.NAME_NOT_STRING),
    ("category", str, ("page", "screen"), DiscardCode.CATEGORY_NOT_STRING),
)


def find_fault(event: Any, event_type: str) -> DiscardCode | None:
    """The first thing wrong with a JSON value as an event of this type; None when nothing is. Nulls are missing."""
    if not isinstance(event, Mapping):
        return DiscardCode.BAD_REQUEST
    if any(_is_there_but_no(str, event.get(name)) for name in _IDS):
        return DiscardCode.ID_NOT_STRING
    if not (event.get("userId") or event.get("anonymousId")):
        return DiscardCode.NO_USER_ANON_ID
    if event_type == "track":
        if event.get("event") in (None, ""):
            return DiscardCode.EVENT_NOT_DEFINED
        if not isinstance(event["event"], str):
            return DiscardCode.EVENT_NOT_STRING
    for name, expected, types, code in _SHAPES:
        if event_type in types and _is_there_but_no(expected, event.get(name)):
            return code
    if event_type == "track" and event["event"] == CONSENT_UPDATE_EVENT:
        return _update_fault(event)
    return None


def _update_fault(event: Mapping[str, Any]) -> DiscardCode | None:
    """What is wrong with a *Segment Consent Preference Updated* event."""
    context = _object(event.get("context"))
    consent, device = _object(context.get("consent")), _object(context.get("device"))
    preferences, version = consent.get("categoryPreferences"), consent.get("version")
    if preferences is None:
        return DiscardCode.CONSENT_PREFERENCES_MISSING
    if not isinstance(preferences, Mapping):
        return DiscardCode.CONSENT_PREFERENCES_NOT_OBJECT
    if not all(isinstance(value, bool) for value in preferences.values()):
        return DiscardCode.CONSENT_PREFERENCES_NOT_BOOLEAN
    if _is_there_but_no(str, device.get("advertisingId")):
        return DiscardCode.ADVERTISING_ID_NOT_STRING
    if isinstance(version, bool) or _is_there_but_no(int | float, version):
        return DiscardCode.CONSENT_VERSION_NOT_NUMBER
    return None


def _is_there_but_no(kind: Any, value: Any) -> bool:
    return value is not None and not isinstance(value, kind)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
