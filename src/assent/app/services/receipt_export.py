"""Receipts for others: CSV for spreadsheets, JSON lines for programs, and records as ISO/IEC TS 27560 has them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

import msgspec

from assent.app.csv_document import csv_lines
from assent.app.wiring import Stores
from assent.domain.receipt import Method, Preference, Receipt
from assent.domain.workspace import Workspace
from assent.engine.receipts import decoded
from assent.store.ledger import ALL_RECEIPTS, ReceiptFilter

Format: TypeAlias = Literal["csv", "jsonl", "iso-27560"]

MEDIA_TYPES: Final[dict[Format, str]] = {
    "csv": "text/csv",
    "jsonl": "application/jsonl",
    "iso-27560": "application/jsonl",
}

_COLUMNS: Final = (
    "number",
    "id",
    "userId",
    "anonymousId",
    "occurredAt",
    "receivedAt",
    "method",
    "source",
    "preferences",
    "complete",
    "readable",
    "noticeVersion",
    "noticeLanguage",
    "jurisdiction",
    "evidence",
    "previous",
    "hash",
)
_AT_ONCE: Final = 500
_STATES: Final = {
    Preference.GRANTED: "consent given",
    Preference.DENIED: "consent refused",
    Preference.UNKNOWN: "consent unknown",
}

_encode = msgspec.json.Encoder().encode


def exported(stores: Stores, format_: Format, wanted: ReceiptFilter = ALL_RECEIPTS) -> Iterator[str]:
    """All receipts that match, the newest first, some at a time."""
    workspace = stores.current().workspace
    if format_ == "csv":
        yield csv_lines([_COLUMNS])
    write: dict[Format, Callable[[list[Receipt]], str]] = {
        "csv": lambda some: csv_lines(map(_row, some)),
        "jsonl": lambda some: _lines(receipt_document(one) for one in some),
        "iso-27560": lambda some: _lines(consent_record(one, workspace) for one in some),
    }
    some: list[Receipt] = []
    for one in stores.ledger.export(wanted):
        some.append(one)
        if len(some) == _AT_ONCE:
            yield write[format_](some)
            some = []
    yield write[format_](some)


def receipt_document(receipt: Receipt) -> dict[str, Any]:
    """A receipt as JSON, with its evidence."""
    said = receipt.said
    return {
        "number": receipt.number,
        "id": receipt.id,
        "userId": said.subject.user_id,
        "anonymousId": said.subject.anonymous_id,
        "occurredAt": _time(said.occurred_at),
        "receivedAt": _time(said.received_at),
        "method": said.method,
        "source": said.source,
        "preferences": said.preferences,
        "complete": said.complete,
        "readable": said.readable,
        "notice": said.notice,
        "evidence": decoded(said.evidence) if said.evidence else None,
        "previous": receipt.previous,
        "hash": receipt.hash,
    }


def consent_record(receipt: Receipt, workspace: Workspace) -> dict[str, Any]:
    """A receipt in the sections of ISO/IEC TS 27560:2023: header, processing, parties, events."""
    said, controller = receipt.said, workspace.controller
    titles = {one.id: one.title for one in workspace.categories}
    return {
        "schema_version": "ISO/IEC TS 27560:2023",
        "record_id": receipt.id,
        "pii_principal_id": str(said.subject),
        "pii_processing": {
            "privacy_notice": controller.privacy_policy or None,
            "privacy_notice_version": said.notice.version,
            "language": said.notice.language,
            "jurisdiction": said.notice.jurisdiction,
            "collection_method": said.method,
            "purposes": [
                {
                    "purpose": titles.get(category, category),
                    "purpose_id": category,
                    "lawful_basis": "consent",
                    "pii_controllers": ["controller"],
                    "event_state": _STATES[preference],
                }
                for category, preference in said.preferences.items()
            ],
        },
        "party_identification": [
            {
                "party_id": "controller",
                "party_role": "PII controller",
                "party_name": controller.name or None,
                "party_contact": controller.contact or None,
                "party_url": controller.privacy_policy or None,
            }
        ],
        "events": [
            {
                "event_time": _time(said.occurred_at),
                "event_type": said.method,
                "event_state": "withdrawn" if said.method is Method.WITHDRAWN else "recorded",
                "entity_id": said.source,
            }
        ],
        "evidence_hash": receipt.seals[1],
        "record_hash": receipt.hash,
    }


def _row(receipt: Receipt) -> list[str | int | None]:
    flat = receipt_document(receipt)
    notice = receipt.said.notice
    texts = {
        **flat,
        "preferences": _encode(flat["preferences"]).decode(),
        "complete": str(flat["complete"]).lower(),
        "readable": str(flat["readable"]).lower(),
        "noticeVersion": notice.version,
        "noticeLanguage": notice.language,
        "jurisdiction": notice.jurisdiction,
        "evidence": receipt.said.evidence.decode(errors="replace"),
    }
    return [texts[name] for name in _COLUMNS]


def _lines(documents: Iterator[dict[str, Any]]) -> str:
    return "".join(f"{_encode(one).decode()}\n" for one in documents)


def _time(epoch_ms: int) -> str:
    text = datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
