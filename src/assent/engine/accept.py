"""From the body of a request to records and discards: every item becomes exactly one of them."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from assent.domain.errors import BodyTooLarge, InvalidInput
from assent.domain.record import CONSENT_UPDATE_EVENT, EVENT_TYPES, NAME_CHARACTERS, Discard, DiscardCode, Record
from assent.engine.fault import find_fault
from assent.engine.json import JSON_ERRORS, check_utf8, decode_leniently, mend_surrogates
from assent.engine.merge import merge_root
from assent.engine.routing import Routed, quick_routing_key, routing_key
from assent.engine.suppression import Suppressions

EVENT_BYTES: Final = 32 * 1024
BATCH_BYTES: Final = 500 * 1024
BATCH_EVENTS: Final = 2500
_SAMPLE_BYTES: Final = 500

_NAMED_TYPES: Final = ("page", "screen")

_NULL = msgspec.Raw(b"null")

Accepted: TypeAlias = tuple[list[Record], list[Discard]]
"""What one request became."""


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """What the server knows of one request.

    `source` is the source's id, `enabled` its state, `received_at` UTC epoch milliseconds. `new_id` makes a message id
    for an event that brings none. `ip` is the sender's address where that is a browser's. `translate` gives an event
    of a source that states consent in another way the preferences that we read; None where it changes nothing.
    `suppressions` are those who asked for no more events; None where nobody did.
    """

    source: str
    enabled: bool
    received_at: int
    new_id: Callable[[], str]
    ip: str | None = None
    translate: Callable[[Any], dict[str, Any] | None] | None = None
    suppressions: Suppressions | None = None


class _Object(msgspec.Struct, gc=False):
    """Any JSON object, whose keys are skipped."""


class _Item(Routed, gc=False):
    """The fields of an event that are looked at, when all have the types they should."""

    type: str | None = None
    messageId: str | None = None
    userId: str | None = None
    anonymousId: str | None = None
    properties: _Object | None = None
    traits: _Object | None = None
    name: str | None = None
    category: str | None = None
    writeKey: str | None = None
    sentAt: str | None = None


class _Root(msgspec.Struct, gc=False):
    batch: list[msgspec.Raw] | None = None
    writeKey: msgspec.Raw = _NULL
    sentAt: msgspec.Raw = _NULL
    context: msgspec.Raw = _NULL
    integrations: msgspec.Raw = _NULL


_decode_item = msgspec.json.Decoder(_Item).decode
_decode_root = msgspec.json.Decoder(_Root).decode
_decode_string = msgspec.json.Decoder(str).decode
_encode = msgspec.json.Encoder().encode


class OneEvent:
    """The body of a request that is one event; `event_type` is the path's, and wins over the body's.

    Raises InvalidInput for a body that is not JSON, BodyTooLarge for one over `EVENT_BYTES`.
    """

    __slots__ = ("_body", "_item", "_type", "write_key")

    def __init__(self, body: bytes, event_type: str) -> None:
        if len(body) > EVENT_BYTES:
            raise BodyTooLarge(f"an event may have at most {EVENT_BYTES} bytes, this one has {len(body)}")
        self._body, self._item = _parse(body, _decode_item, _glance)
        self._type = event_type
        self.write_key = self._item.writeKey

    def accept(self, arrival: Arrival) -> Accepted:
        """The record or the discard of this event."""
        made = _judge(self._body, self._item, self._type, self._item.sentAt, arrival)
        return ([made], []) if isinstance(made, Record) else ([], [made])


class Batch:
    """The body of a request that holds many events under `batch`, with a root context and integrations for all.

    Raises InvalidInput for a body that is not JSON, BodyTooLarge for one over `BATCH_BYTES`.
    """

    __slots__ = ("_body", "_root", "write_key")

    def __init__(self, body: bytes) -> None:
        if len(body) > BATCH_BYTES:
            raise BodyTooLarge(f"a batch may have at most {BATCH_BYTES} bytes, this one has {len(body)}")
        self._body, self._root = _parse(body, _decode_root, _glance_at_root)
        if len(self._root.context) + len(self._root.integrations) > EVENT_BYTES:
            raise BodyTooLarge(
                f"the context and integrations at the root of a batch become part of each event and may have at most "
                f"{EVENT_BYTES} bytes: move what is large to the events that need it"
            )
        self.write_key = _string(self._root.writeKey)

    def accept(self, arrival: Arrival) -> Accepted:
        """A record or a discard for each item; a batch without items is itself a discard."""
        items = self._root.batch
        if not items:
            code = DiscardCode.BAD_REQUEST if items is None else DiscardCode.EMPTY_BATCH
            return [], [_discard(code, self._body, arrival)]
        sent_at, shared = _string(self._root.sentAt), _shared(self._root)
        records: list[Record] = []
        discards: list[Discard] = []
        for raw in items[:BATCH_EVENTS]:
            made = _accept_item(b"" + raw, shared, sent_at, arrival)
            if isinstance(made, Record):
                records.append(made)
            else:
                discards.append(made)
        discards += [_discard(DiscardCode.TOO_MANY_EVENTS, b"" + raw, arrival) for raw in items[BATCH_EVENTS:]]
        return records, discards


_Parsed = TypeVar("_Parsed", _Item, _Root)


def _parse(body: bytes, decode: Callable[[bytes], _Parsed], glance: Callable[[Any], _Parsed]) -> tuple[bytes, _Parsed]:
    """The body and what `decode` makes of it or, where a field has an unexpected type, `glance` of its JSON value.

    The body comes back changed only where it held text that is no Unicode (half of a surrogate pair).
    """
    if not body.isascii():
        check_utf8(body)
    try:
        return body, decode(body)
    except JSON_ERRORS:
        body = mend_surrogates(body)
    try:
        return body, decode(body)
    except JSON_ERRORS:
        return body, glance(decode_leniently(body))


def _glance(event: Any) -> _Item:
    """What must be known of an event before it is judged, which it then is in full: it shows no id."""
    return _Item(type=_get(event, "type"), writeKey=_get(event, "writeKey"), sentAt=_get(event, "sentAt"))


def _glance_at_root(root: Any) -> _Root:
    write_key = _get(root, "writeKey")
    return _Root(writeKey=msgspec.Raw(_encode(write_key))) if write_key else _Root()


def _shared(root: _Root) -> dict[str, Any]:
    """What the root of a batch says for every item: its context and integrations, where there is something to say."""
    parts = {"context": bytes(root.context), "integrations": bytes(root.integrations)}
    return {name: decode_leniently(raw) for name, raw in parts.items() if raw not in (b"null", b"{}")}


def _accept_item(body: bytes, shared: dict[str, Any], sent_at: str | None, arrival: Arrival) -> Record | Discard:
    try:
        if shared:
            body = _merge(shared, body)
        if len(body) > EVENT_BYTES:
            return _discard(DiscardCode.EVENT_TOO_LARGE, body, arrival)
        item = _read_item(body)
        if item.type not in EVENT_TYPES:
            return _discard(DiscardCode.BAD_REQUEST, body, arrival)
        return _judge(body, item, item.type, sent_at, arrival)
    except (InvalidInput, RecursionError):
        return _discard(DiscardCode.BAD_REQUEST, body, arrival)


def _read_item(body: bytes) -> _Item:
    try:
        return _decode_item(body)
    except JSON_ERRORS:
        return _glance(decode_leniently(body))


def _merge(shared: dict[str, Any], body: bytes) -> bytes:
    item = decode_leniently(body)
    return _encode(merge_root(shared, item)) if isinstance(item, dict) else body


def _judge(body: bytes, item: _Item, event_type: str, sent_at: str | None, arrival: Arrival) -> Record | Discard:
    if arrival.suppressions is not None and _is_suppressed(arrival.suppressions, body, item, event_type):
        return Discard(arrival.source, arrival.received_at, DiscardCode.SUBJECT_SUPPRESSED)
    if not arrival.enabled:
        return _discard(DiscardCode.SOURCE_DISABLED, body, arrival)
    if arrival.translate is not None and (translated := arrival.translate(decode_leniently(body))) is not None:
        # The body is changed, so that whoever reads it later finds what it was decided by.
        body = _encode(translated)
        item = _read_item(body)
    # With fields of the right types, only an id or a name can still be missing, or the event be a consent update.
    named = event_type != "track" or (item.event and item.event != CONSENT_UPDATE_EVENT)
    if named and (item.userId or item.anonymousId):
        key, message_id, name = quick_routing_key(item), item.messageId, _name(event_type, item.event, item.name)
    else:
        event = decode_leniently(body)
        if fault := find_fault(event, event_type):
            return _discard(fault, body, arrival)
        key, message_id = routing_key({**event, "type": event_type}), event.get("messageId")
        name = _name(event_type, event.get("event"), event.get("name"))
    message_id = message_id or arrival.new_id()
    return Record(
        arrival.source, arrival.received_at, event_type, message_id, key, body, sent_at, arrival.ip, event=name
    )


def _is_suppressed(suppressions: Suppressions, body: bytes, item: _Item, event_type: str) -> bool:
    # An alias event names a second person, and what was only glanced at shows no id.
    if event_type != "alias" and (item.userId or item.anonymousId):
        return suppressions.hold(item.userId, item.anonymousId)
    return suppressions.hold_any(body)


def _name(event_type: str, event: Any, name: Any) -> str:
    """What an event is counted by: the name of what was tracked, or of the page or screen."""
    said = event if event_type == "track" else name if event_type in _NAMED_TYPES else None
    return said[:NAME_CHARACTERS] if isinstance(said, str) else ""


def _discard(code: DiscardCode, body: bytes, arrival: Arrival) -> Discard:
    is_theirs = arrival.suppressions is not None and arrival.suppressions.hold_any(body)
    return Discard(arrival.source, arrival.received_at, code, b"" if is_theirs else body[:_SAMPLE_BYTES])


def _string(raw: msgspec.Raw) -> str | None:
    """The text of a raw JSON string; None for anything else."""
    try:
        return _decode_string(raw)
    except msgspec.ValidationError:
        return None


def _get(value: Any, name: str) -> str | None:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None
