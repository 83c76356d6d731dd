"""What people look for an event by: its name and the ids of its subject."""

from typing import Any

import msgspec

from assent.domain.errors import InvalidInput
from assent.domain.record import Record
from assent.engine.json import JSON_ERRORS, decode_leniently


class Outline(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """The few fields of an event that name it; None where the event has none, or no text there.

    `event` is the name of what was tracked, `name` that of a page or screen.
    """

    event: str | None = None
    name: str | None = None
    user_id: str | None = None
    anonymous_id: str | None = None

    @property
    def title(self) -> str | None:
        return self.event or self.name


_decode = msgspec.json.Decoder(Outline).decode


def outline(record: Record) -> Outline:
    """The outline of an accepted event."""
    try:
        found = _decode(record.body)
    except JSON_ERRORS:
        found = _leniently(record.body)
    # A `name` of a track event is not its name, nor is an `event` of a page.
    if record.type == "track":
        return msgspec.structs.replace(found, name=None)
    named = found.name if record.type in ("page", "screen") else None
    return msgspec.structs.replace(found, event=None, name=named)


def _leniently(body: bytes) -> Outline:
    try:
        event = decode_leniently(body)
    except InvalidInput:
        return Outline()
    return Outline(*(_text(event, name) for name in ("event", "name", "userId", "anonymousId")))


def _text(event: Any, name: str) -> str | None:
    found = event.get(name) if isinstance(event, dict) else None
    return found if isinstance(found, str) else None
