"""From the body of a request to records and discards: every item becomes exactly one of them."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from assent.domain.errors import BodyTooLarge
from assent.domain.record import CONSENT_UPDATE_EVENT, EVENT_TYPES, Discard, DiscardCode, Record
from assent.engine.json import JSON_ERRORS, check_utf8, decode_leniently
from assent.engine.merge import merge_root
from assent.engine.routing import Routed, quick_routing_key, routing_key

EVENT_BYTES: Final = 32 * 1024
BATCH_BYTES: Final = 500 * 1024
BATCH_EVENTS: Final = 2500
_SAMPLE_BYTES: Final = 500

_Raw = msgspec.Raw
_NOTHING = _Raw()


class _Item(Routed, gc=False):
    """The fields of an event that are looked at, when all have the types they should."""

    messageId: str | None = None
    userId: str | None = None
    anonymousId: str | None = None
    properties: msgspec.Raw = _NOTHING
    traits: msgspec.Raw = _NOTHING
    name: msgspec.Raw = _NOTHING
    category: msgspec.Raw = _NOTHING
    writeKey: msgspec.Raw = _NOTHING
    sentAt: msgspec.Raw = _NOTHING


class _Root(msgspec.Struct, gc=False):
    batch: msgspec.Raw = _NOTHING
    writeKey: msgspec.Raw = _NOTHING
    sentAt: msgspec.Raw = _NOTHING
    context: msgspec.Raw = _NOTHING
    integrations: msgspec.Raw = _NOTHING


_decode_item = msgspec.json.Decoder(_Item).decode
_decode_root = msgspec.json.Decoder(_Root).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Arrival(NamedTuple):
    """What the server knows of one request: the source's id and state, the time in UTC epoch milliseconds, and the
    sender's address where it is a browser's. `new_id` makes a message id for an event that brings none."""

    source: str
    enabled: bool
    received_at: int
    new_id: Callable[[], str]
    ip: str | None = None


class Accepted(NamedTuple):
    """What one request became."""

    records: list[Record]
    discards: list[Discard]


class OneEvent:
    """The body of a request that is one event; `event_type` is the path's, and wins over the body's.

    Raises InvalidInput for a body that is not JSON, BodyTooLarge for one over `EVENT_BYTES`.
    """

    __slots__ = ("_body", "_item", "_type", "write_key")

    def __init__(self, body: bytes, event_type: str) -> None:
        if len(body) > EVENT_BYTES:
            raise BodyTooLarge(f"an event may have at most {EVENT_BYTES} bytes, this one has {len(body)}")
        self._body, self._item = _parse(body, _decode_item)
        self._type = event_type
        self.write_key = _string(self._item.writeKey) if isinstance(self._item, _Item) else _get(self._item, "writeKey")

    def accept(self, arrival: Arrival) -> Accepted:
        """The record or the discard of this event."""
        sent_at = _string(self._item.sentAt) if isinstance(self._item, _Item) else _get(self._item, "sentAt")
        made = _make(self._body, self._item, self._type, sent_at, arrival)
        return Accepted([made], []) if isinstance(made, Record) else Accepted([], [made])


class Batch:
    """The body of a request that holds many events under `batch`, with a root context and integrations for all.

    Raises InvalidInput for a body that is not JSON, BodyTooLarge for one over `BATCH_BYTES`.
    """

    __slots__ = ("_body", "_root", "write_key")

    def __init__(self, body: bytes) -> None:
        if len(body) > BATCH_BYTES:
            raise BodyTooLarge(f"a batch may have at most {BATCH_BYTES} bytes, this one has {len(body)}")
        self._body, root = _parse(body, _decode_root)
        self._root: _Root | None = root if isinstance(root, _Root) else None
        self.write_key = _string(self._root.writeKey) if self._root else None

    def accept(self, arrival: Arrival) -> Accepted:
        """A record or a discard for each item; a batch without items is itself a discard."""
        root = self._root
        items = _items(root.batch) if root else None
        if root is None or items is None:
            return Accepted([], [_discard(DiscardCode.BAD_REQUEST, self._body, arrival)])
        if not items:
            return Accepted([], [_discard(DiscardCode.EMPTY_BATCH, self._body, arrival)])
        sent_at = _string(root.sentAt)
        shared = _shared(root)
        records: list[Record] = []
        discards: list[Discard] = []
        for raw in items[:BATCH_EVENTS]:
            made = _accept_item(bytes(raw), shared, sent_at, arrival)
            if isinstance(made, Record):
                records.append(made)
            else:
                discards.append(made)
        discards += [_discard(DiscardCode.TOO_MANY_EVENTS, bytes(raw), arrival) for raw in items[BATCH_EVENTS:]]
        return Accepted(records, discards)


def _parse(body: bytes, decode: Callable[[bytes], Any]) -> tuple[bytes, Any]:
    """The body and what `decode` makes of it; where a field has an unexpected type, its plain JSON value instead.

    The body comes back changed only where it held text that is no Unicode (half of a surrogate pair).
    """
    check_utf8(body)
    try:
        return body, decode(body)
    except msgspec.ValidationError:
        return body, decode_leniently(body)
    except JSON_ERRORS:
        value = decode_leniently(body)
        mended = _encode(value)
    try:
        return mended, decode(mended)
    except msgspec.ValidationError:
        return mended, value


def _items(batch: msgspec.Raw) -> list[msgspec.Raw] | None:
    try:
        return _decode_list(batch)
    except JSON_ERRORS:
        return None


def _shared(root: _Root) -> dict[str, Any]:
    """What the root of a batch says for every item: its context and integrations, where there is something to say."""
    parts = {"context": bytes(root.context), "integrations": bytes(root.integrations)}
    return {name: decode_leniently(raw) for name, raw in parts.items() if raw not in (b"", b"null", b"{}")}


def _accept_item(body: bytes, shared: dict[str, Any], sent_at: str | None, arrival: Arrival) -> Record | Discard:
    if len(body) > EVENT_BYTES:
        return _discard(DiscardCode.EVENT_TOO_LARGE, body, arrival)
    item: Any
    try:
        item = _decode_item(body)
    except msgspec.ValidationError:
        item = decode_leniently(body)
    if shared:
        value = decode_leniently(body)
        if isinstance(value, dict):
            item = merge_root(shared, value)
            body = _encode(item)
            item = _parse(body, _decode_item)[1]
    event_type = item.type if isinstance(item, _Item) else _get(item, "type")
    if event_type not in EVENT_TYPES:
        return _discard(DiscardCode.BAD_REQUEST, body, arrival)
    return _make(body, item, event_type, sent_at, arrival)


def _make(body: bytes, item: Any, event_type: str, sent_at: str | None, arrival: Arrival) -> Record | Discard:
    if not arrival.enabled:
        return _discard(DiscardCode.SOURCE_DISABLED, body, arrival)
    if isinstance(item, _Item) and not (event_type == "track" and item.event == CONSENT_UPDATE_EVENT):
        fault = _quick_fault(item, event_type)
        key = b"" if fault else quick_routing_key(item, event_type)
        message_id = item.messageId
    else:
        value = decode_leniently(body)
        fault = _fault(value, event_type)
        key = b"" if fault else routing_key({**value, "type": event_type})
        message_id = None if fault else value.get("messageId")
    if fault:
        return _discard(fault, body, arrival)
    return Record(
        arrival.source,
        arrival.received_at,
        event_type,
        message_id or arrival.new_id(),
        key,
        body,
        sent_at,
        arrival.ip,
    )


def _discard(code: DiscardCode, body: bytes, arrival: Arrival) -> Discard:
    return Discard(arrival.source, arrival.received_at, code, body[:_SAMPLE_BYTES])


def _quick_fault(item: _Item, event_type: str) -> DiscardCode | None:
    """What is wrong with an event whose ids and event name are strings or missing; the order is that of `_fault`."""
    if not (item.userId or item.anonymousId):
        return DiscardCode.NO_USER_ANON_ID
    if event_type == "track" and not item.event:
        return DiscardCode.EVENT_NOT_DEFINED
    if event_type in ("track", "page", "screen"):
        if not _is_object_or_missing(item.properties):
            return DiscardCode.PROPERTIES_NOT_OBJECT
    elif event_type in ("identify", "group") and not _is_object_or_missing(item.traits):
        return DiscardCode.TRAITS_NOT_OBJECT
    if event_type in ("page", "screen"):
        if not _is_string_or_missing(item.name):
            return DiscardCode.NAME_NOT_STRING
        if not _is_string_or_missing(item.category):
            return DiscardCode.CATEGORY_NOT_STRING
    return None


def _is_object_or_missing(raw: msgspec.Raw) -> bool:
    return bytes(raw)[:1] in (b"", b"{", b"n")


def _is_string_or_missing(raw: msgspec.Raw) -> bool:
    return bytes(raw)[:1] in (b"", b'"', b"n")


def _fault(event: Any, event_type: str) -> DiscardCode | None:
    """What is wrong with any JSON value as an event of this type, by Segment's codes; None when nothing is."""
    if not isinstance(event, dict):
        return DiscardCode.BAD_REQUEST
    if any(event.get(name) is not None and not isinstance(event[name], str) for name in _IDS):
        return DiscardCode.ID_NOT_STRING
    if not (event.get("userId") or event.get("anonymousId")):
        return DiscardCode.NO_USER_ANON_ID
    if event_type == "track":
        if not event.get("event") and not isinstance(event.get("event"), int | float | list | dict):
            return DiscardCode.EVENT_NOT_DEFINED
        if not isinstance(event["event"], str):
            return DiscardCode.EVENT_NOT_STRING
    for name, expected, types, code in _SHAPES:
        if event_type in types and event.get(name) is not None and not isinstance(event[name], expected):
            return code
    if event_type == "track" and event["event"] == CONSENT_UPDATE_EVENT:
        return _update_fault(event)
    return None


_IDS = ("userId", "anonymousId", "messageId")
_SHAPES: tuple[tuple[str, type, tuple[str, ...], DiscardCode], ...] = (
    ("properties", dict, ("track", "page", "screen"), DiscardCode.PROPERTIES_NOT_OBJECT),
    ("traits", dict, ("identify", "group"), DiscardCode.TRAITS_NOT_OBJECT),
    ("name", str, ("page", "screen"), DiscardCode.NAME_NOT_STRING),
    ("category", str, ("page", "screen"), DiscardCode.CATEGORY_NOT_STRING),
)


def _update_fault(event: Mapping[str, Any]) -> DiscardCode | None:
    """What is wrong with a *Segment Consent Preference Updated* event (WIRE.md, Consent)."""
    context = event.get("context")
    consent = context.get("consent") if isinstance(context, dict) else None
    if not isinstance(context, dict) or not isinstance(consent, dict) or "categoryPreferences" not in consent:
        return DiscardCode.CONSENT_PREFERENCES_MISSING
    preferences = consent["categoryPreferences"]
    if not isinstance(preferences, dict):
        return DiscardCode.CONSENT_PREFERENCES_NOT_OBJECT
    if not all(isinstance(value, bool) for value in preferences.values()):
        return DiscardCode.CONSENT_PREFERENCES_NOT_BOOLEAN
    device = context.get("device")
    if isinstance(device, dict) and not isinstance(device.get("advertisingId", ""), str):
        return DiscardCode.ADVERTISING_ID_NOT_STRING
    version = consent.get("version", 0)
    if isinstance(version, bool) or not isinstance(version, int | float):
        return DiscardCode.CONSENT_VERSION_NOT_NUMBER
    return None


def _string(raw: msgspec.Raw) -> str | None:
    """The text of a raw JSON string; None for anything else."""
    text = bytes(raw)
    if text[:1] != b'"':
        return None
    value = _decode_any(text)
    return value if isinstance(value, str) else None


def _get(value: Any, name: str) -> str | None:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None
