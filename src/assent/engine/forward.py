"""From a record to the event that destinations see: what the client sent, and what the server adds."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from assent.domain.record import Record
from assent.engine.json import JSON_ERRORS, decode_leniently


def forward(record: Record) -> dict[str, Any]:
    """The whole event as destinations see it (WIRE.md, "Added by the server").

    Raises InvalidInput for a body that is nested too deeply to be read here.
    """
    event: dict[str, Any] = decode_leniently(record.body)
    event.pop("writeKey", None)
    event["type"] = record.type
    event["messageId"] = record.message_id
    if record.sent_at is not None:
        event["sentAt"] = record.sent_at
    if record.ip is not None:
        _add_ip(event, record.ip)
    _add_times(event, datetime.fromtimestamp(record.received_at / 1000, UTC))
    return event


def _add_ip(event: dict[str, Any], ip: str) -> None:
    context = event.get("context")
    if context is None:
        event["context"] = {"ip": ip}
    elif isinstance(context, dict) and context.get("ip") is None:
        context["ip"] = ip


def _add_times(event: dict[str, Any], received_at: datetime) -> None:
    """The client's clock may be wrong by any amount, its time between event and sending less so: that is what counts.

    A time of the client that cannot be read stays in `originalTimestamp` only.
    """
    said = event.get("originalTimestamp")
    if said is None:
        said = event.get("timestamp")
    event["receivedAt"] = event["timestamp"] = _write(received_at)
    if said is None:
        return
    event["originalTimestamp"] = said
    happened_at, sent_at = _read(said), _read(event.get("sentAt"))
    if happened_at is None:
        return
    event["timestamp"] = said
    if sent_at is not None:
        try:
            event["timestamp"] = _write(received_at - (sent_at - happened_at))
        except OverflowError:
            return


def _read(text: Any) -> datetime | None:
    """A time as ISO 8601 has it, in UTC where it names no zone; None for anything else."""
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _write(time: datetime) -> str:
    # Several times faster than `isoformat`.
    to_the_second = msgspec.to_builtins(time)[: len("2026-01-01T00:00:00")]
    return f"{to_the_second}.{time.microsecond // 1000:03}Z"


class _Subject(msgspec.Struct, gc=False):
    anonymousId: str | None = None
    userId: str | None = None


_decode_subject = msgspec.json.Decoder(_Subject).decode


def subject_of(record: Record) -> str:
    """One id of the person the event is about, the same before and after they sign in; empty where none is readable."""
    try:
        subject = _decode_subject(record.body)
    except JSON_ERRORS:
        return ""
    return subject.anonymousId or subject.userId or ""
