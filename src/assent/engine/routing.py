"""The routing key of an event: all that a decision depends on, as the smallest event that is decided alike."""

from collections.abc import Container, Mapping
from typing import Any, Final

import msgspec

from assent.domain.errors import InvalidInput
from assent.engine.consent import Preferences, Whole, is_consent_update, read_preferences
from assent.engine.json import decode_leniently

NO_CHOICE: Final = b"{}"
_NOT_AN_EVENT: Final = b"0"
_UNREADABLE: Final = b"0"
_BEFORE_PREFERENCES: Final = b'{"context":{"consent":{"categoryPreferences":'
_AFTER_PREFERENCES: Final = b"}}}"
_UPDATE: Final = b'"type":"track","event":"Segment Consent Preference Updated"'

_encode = msgspec.json.Encoder().encode
_NOTHING = msgspec.Raw()
_FALSE = msgspec.Raw(b"false")


class _Consent(msgspec.Struct, frozen=True, gc=False):
    categoryPreferences: msgspec.Raw = _NOTHING


class _Context(msgspec.Struct, frozen=True, gc=False):
    consent: _Consent = _Consent()


class _Metadata(msgspec.Struct, frozen=True, gc=False):
    bundled: msgspec.Raw = _NOTHING


class Routed(msgspec.Struct, gc=False):
    """The fields of an event that decide where it goes, for a decoder that skips all others.

    An event in which one of them has another type, and a consent update, is for `routing_key`.
    """

    event: str | None = None
    context: _Context = _Context()
    integrations: dict[str, msgspec.Raw] | None = None
    metadata: _Metadata = msgspec.field(default=_Metadata(), name="_metadata")


def quick_routing_key(event: Routed) -> bytes:
    """The routing key of an event that is no consent update."""
    preferences, bundled = event.context.consent.categoryPreferences, event.metadata.bundled
    if event.integrations or bundled is not _NOTHING:
        # Only `false` closes, and real clients put a session id there: kept as it is, every session had its own key.
        opens = {name: value != _FALSE for name, value in event.integrations.items()} if event.integrations else {}
        return _write(preferences, opens, bundled, update=False)
    return _BEFORE_PREFERENCES + preferences + _AFTER_PREFERENCES if preferences is not _NOTHING else NO_CHOICE


def routing_key(event: Any) -> bytes:
    """The routing key of a parsed event: any JSON value.

    Raises UnicodeEncodeError for a name that is no Unicode, such as half of a surrogate pair.
    """
    if not isinstance(event, Mapping):
        return _NOT_AN_EVENT
    integrations, metadata = event.get("integrations"), event.get("_metadata")
    bundled = metadata.get("bundled") if isinstance(metadata, Mapping) else None
    return _write(
        _preferences(read_preferences(event)),
        {name: value is not False for name, value in _named(integrations)},
        _encode([one for one in bundled if isinstance(one, str)]) if isinstance(bundled, list) else b"",
        update=is_consent_update(event),
    )


def narrowed(key: bytes, categories: Container[str], names: Container[str]) -> bytes:
    """The routing key without what nobody asks for: answers to other categories, and integrations of other names.

    A policy with these category ids, whose destinations go by these names, decides both alike.
    """
    try:
        event = decode_leniently(key)
    except InvalidInput:
        return key
    if not isinstance(event, dict):
        return key
    preferences = read_preferences(event)
    if not isinstance(preferences, Whole):
        asked = {name: value for name, value in preferences.items() if name in categories}
        event["context"] = {"consent": {"categoryPreferences": asked}}
    if "integrations" in event:
        event["integrations"] = {name: value for name, value in _named(event["integrations"]) if name in names}
    if "_metadata" in event:
        event["_metadata"] = {"bundled": [one for one in event["_metadata"]["bundled"] if one in names]}
    return routing_key(event)


def _preferences(preferences: Preferences) -> bytes:
    """Only `true` and `false` are answers: whatever else is there is written as null, alike for all."""
    if preferences is Whole.ABSENT:
        return b""
    if preferences is Whole.UNREADABLE:
        return _UNREADABLE
    return _encode({name: value if isinstance(value, bool) else None for name, value in _named(preferences)})


def _named(value: Any) -> list[tuple[str, Any]]:
    items = value.items() if isinstance(value, Mapping) else ()
    return [(name, one) for name, one in items if isinstance(name, str)]


def _write(preferences: bytes, opens: dict[str, bool], bundled: bytes, *, update: bool) -> bytes:
    parts = []
    if preferences:
        parts.append(b'"context":{"consent":{"categoryPreferences":%b}}' % preferences)
    if opens:
        parts.append(b'"integrations":%b' % _encode(opens))
    if bundled:
        parts.append(b'"_metadata":{"bundled":%b}' % bundled)
    if update:
        parts.append(_UPDATE)
    return b"{%b}" % b",".join(parts)
