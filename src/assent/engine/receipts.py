"""From events to statements, and from statements to the chain of receipts."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from assent.domain.errors import InvalidInput
from assent.domain.receipt import Method, Notice, Preference, Receipt, Statement, Subject
from assent.domain.record import Record
from assent.engine.consent import Whole, is_consent_update, read_preferences
from assent.engine.forward import forward
from assent.engine.json import JSON_ERRORS, decode_leniently
from assent.engine.policy import event_of

GENESIS: Final = "0" * 64
"""The hash before the first receipt."""

MOST_CATEGORIES: Final = 500
"""How many categories one consent object may name: one that names more is no choice that anybody made."""

_NOTICE_CHARACTERS: Final = 200
_NOBODY: Final = Subject()

_encode = msgspec.json.Encoder(order="deterministic").encode


class Choice(NamedTuple):
    """What the consent of an event says: per category, or nothing that can be read."""

    preferences: Mapping[str, Preference]
    readable: bool = True

    @property
    def refuses_all(self) -> bool:
        return self.readable and not self.preferences


def choice_of(routing_key: bytes) -> Choice | None:
    """What an event with this routing key says of consent; None where it says nothing."""
    preferences = read_preferences(event_of(routing_key))
    if preferences is Whole.ABSENT:
        return None
    if isinstance(preferences, Whole) or len(preferences) > MOST_CATEGORIES:
        return Choice({}, readable=False)
    return Choice({str(name): _preference(value) for name, value in preferences.items()})


def fingerprint(choice: Choice) -> bytes:
    """What tells this choice from others, in a few bytes."""
    return hashlib.blake2b(_encode([choice.readable, choice.preferences]), digest_size=16).digest()


def is_update(routing_key: bytes) -> bool:
    """Whether an event with this routing key reports that a person gave or changed preferences."""
    return is_consent_update(event_of(routing_key))


def _preference(value: Any) -> Preference:
    if value is True:
        return Preference.GRANTED
    return Preference.DENIED if value is False else Preference.UNKNOWN


# ------------------------------------------------------------------------------------------------ from events


class _Ids(msgspec.Struct, gc=False, rename="camel"):
    user_id: str | None = None
    anonymous_id: str | None = None
    previous_id: str | None = None


_decode_ids = msgspec.json.Decoder(_Ids).decode


def subject_of(record: Record) -> Subject:
    """Whom an event is about. `alias` names the anonymous id of before as `previousId`."""
    try:
        ids = _decode_ids(record.body)
    except JSON_ERRORS:
        return _NOBODY
    before = ids.previous_id if record.type == "alias" else None
    return Subject(ids.user_id or None, before or ids.anonymous_id or None)


def statement_of(record: Record, offset: int, subject: Subject, choice: Choice | None, skew: int = 0) -> Statement:
    """What an event states; without a choice, that two ids are one person."""
    event = _read(record)
    update = is_consent_update(event)
    return Statement(
        subject=subject,
        preferences=dict(choice.preferences) if choice is not None else {},
        method=Method.UPDATE if update else Method.SIGNAL if _signals(event) else Method.EVENT,
        source=record.source,
        occurred_at=_occurred_at(event, record.received_at),
        received_at=record.received_at,
        evidence=record.body,
        complete=choice is not None and choice.readable and (update or choice.refuses_all),
        readable=choice is None or choice.readable,
        skew=skew,
        notice=notice_of(event),
        offset=offset,
    )


def _signals(event: dict[str, Any]) -> bool:
    """Whether the browser said Global Privacy Control; what that refuses is in the event's answers already."""
    context = event.get("context")
    consent = context.get("consent") if isinstance(context, Mapping) else None
    return isinstance(consent, Mapping) and consent.get("gpc") in (True, 1, "1")


def _read(record: Record) -> dict[str, Any]:
    try:
        return forward(record)
    except InvalidInput:
        return {}


def _occurred_at(event: dict[str, Any], received_at: int) -> int:
    """When it happened, by our clock: nobody can say today what they will choose tomorrow."""
    try:
        time = datetime.fromisoformat(event["timestamp"])
    except (KeyError, TypeError, ValueError):
        return received_at
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return min(int(time.timestamp() * 1000), received_at)


def notice_of(event: Any) -> Notice:
    """What `context.consent` tells of the words in which the person was asked."""
    context = event.get("context") if isinstance(event, Mapping) else None
    consent = context.get("consent") if isinstance(context, Mapping) else None
    if not isinstance(consent, Mapping):
        return Notice()
    notice = consent.get("notice")
    told: Mapping[str, Any] = notice if isinstance(notice, Mapping) else consent
    return Notice(_text(told.get("version")), _text(told.get("language")), _text(told.get("jurisdiction")))


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value)[:_NOTICE_CHARACTERS] or None


# ------------------------------------------------------------------------------------------------ the chain


def seal(said: Statement, *, number: int, position: int, previous: str, salt: bytes) -> Receipt:
    """The receipt of a statement, as the next of the chain."""
    seals = _seal_of_ids(said.subject, salt), _seal_of(said.evidence, salt)
    receipt = Receipt(number, position, said, previous, "", seals, salt)
    return msgspec.structs.replace(receipt, hash=_hash(receipt))


def fault(receipt: Receipt, previous: str, number: int) -> str | None:
    """What is wrong with a link of the chain that should come after `previous` as the `number`th; None if nothing."""
    if receipt.number != number:
        return f"receipt {number} is missing"
    if receipt.previous != previous:
        return "it does not follow the receipt before it"
    if receipt.hash != _hash(receipt):
        return "what it says is not what it said when it was written"
    if receipt.salt is None:
        return None
    if receipt.seals[0] != _seal_of_ids(receipt.said.subject, receipt.salt):
        return "its ids are not those it was written for"
    if receipt.seals[1] != _seal_of(receipt.said.evidence, receipt.salt):
        return "its evidence is not what was received"
    return None


def _hash(receipt: Receipt) -> str:
    said = receipt.said
    told = [
        receipt.previous,
        receipt.number,
        receipt.position,
        receipt.seals,
        said.preferences,
        said.complete,
        said.readable,
        said.method,
        said.source,
        said.occurred_at,
        said.received_at,
        said.skew,
        said.notice,
        said.offset,
    ]
    return hashlib.sha256(_encode(told)).hexdigest()


def _seal_of_ids(subject: Subject, salt: bytes) -> str:
    return _seal_of(_encode([subject.user_id, subject.anonymous_id]), salt)


def _seal_of(content: bytes, salt: bytes) -> str:
    return hashlib.sha256(salt + content).hexdigest()


def decoded(evidence: bytes) -> Any:
    """The JSON value of evidence; its text where it is none."""
    try:
        return decode_leniently(evidence)
    except InvalidInput:
        return evidence.decode(errors="replace")
