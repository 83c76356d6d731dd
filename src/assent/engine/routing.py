"""The routing key of an event: all that a decision depends on, as the smallest event that is decided alike."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from assent.domain.record import CONSENT_UPDATE_EVENT
from assent.engine.consent import is_consent_update

NO_CHOICE: Final = b"{}"
_UPDATE: Final = b'"type":"track","event":"Segment Consent Preference Updated"'
_UNREADABLE_CONTEXT: Final = b'"context":0'
_UNREADABLE_CONSENT: Final = b'"context":{"consent":0}'

_ONLY_PREFERENCES: Final = b'{"context":{"consent":{"categoryPreferences":', b"}}}"

_encode = msgspec.json.Encoder().encode
_NOTHING = msgspec.Raw()


class _Consent(msgspec.Struct, gc=False):
    categoryPreferences: msgspec.Raw = _NOTHING


class _Context(msgspec.Struct, gc=False):
    consent: _Consent | None = None


class _Metadata(msgspec.Struct, gc=False):
    bundled: list[msgspec.Raw] | None = None


class Routed(msgspec.Struct, gc=False):
    """The fields of an event that decide where it goes, for a decoder that skips all others.

    An event in which one of them has another type is for `routing_key`.
    """

    type: str | None = None
    event: str | None = None
    context: _Context | None = None
    integrations: dict[str, msgspec.Raw] | None = None
    metadata: _Metadata | None = msgspec.field(default=None, name="_metadata")


def quick_routing_key(event: Routed, event_type: str | None) -> bytes:
    """The routing key of an event whose type is `event_type`, without a look at anything else."""
    context, metadata = event.context, event.metadata
    consent = context.consent if context is not None else None
    preferences = consent.categoryPreferences if consent is not None else _NOTHING
    update = event.event == CONSENT_UPDATE_EVENT and event_type == "track"
    if not (event.integrations or update or (metadata is not None and metadata.bundled)):
        if preferences is _NOTHING:
            return NO_CHOICE
        return _ONLY_PREFERENCES[0] + preferences + _ONLY_PREFERENCES[1]
    parts = []
    if preferences is not _NOTHING:
        parts.append(b'"context":{"consent":{"categoryPreferences":%b}}' % preferences)
    if event.integrations:
        # Only `false` closes, and real clients put a session id there: kept as it is, every session had its own key.
        said = {name: bytes(value) != b"false" for name, value in event.integrations.items()}
        parts.append(b'"integrations":%b' % _encode(said))
    if metadata is not None and metadata.bundled:
        parts.append(b'"_metadata":{"bundled":%b}' % _encode(metadata.bundled))
    if update:
        parts.append(_UPDATE)
    return b"{%b}" % b",".join(parts)


def routing_key(event: Any) -> bytes:
    """The routing key of a parsed event: any JSON value.

    Raises what msgspec raises for a value that is not JSON (UnicodeEncodeError, OverflowError, TypeError).
    """
    if not isinstance(event, Mapping):
        return b"0"
    parts = []
    if consent := _consent(event.get("context")):
        parts.append(consent)
    integrations = event.get("integrations")
    if isinstance(integrations, Mapping) and integrations:
        said = {name: value is not False for name, value in integrations.items()}
        parts.append(b'"integrations":%b' % _encode(said))
    metadata = event.get("_metadata")
    bundled = metadata.get("bundled") if isinstance(metadata, Mapping) else None
    if isinstance(bundled, list) and bundled:
        parts.append(b'"_metadata":{"bundled":%b}' % _encode(bundled))
    if is_consent_update(event):
        parts.append(_UPDATE)
    return b"{%b}" % b",".join(parts) if parts else NO_CHOICE


def _consent(context: Any) -> bytes:
    if context is None:
        return b""
    if not isinstance(context, Mapping):
        return _UNREADABLE_CONTEXT
    consent = context.get("consent")
    if consent is None:
        return b""
    if not isinstance(consent, Mapping):
        return _UNREADABLE_CONSENT
    if "categoryPreferences" not in consent:
        return b""
    return b'"context":{"consent":{"categoryPreferences":%b}}' % _encode(consent["categoryPreferences"])
