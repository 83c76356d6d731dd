"""Receipts as rows, and rows as receipts."""

import hmac
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
import zstandard
from sqlalchemy import Row

from assent.domain.receipt import Method, Notice, Preference, Receipt, Statement, Subject

PSEUDONYM: Final = "forgotten:"
"""What the id of somebody who was forgotten begins with."""

_encode = msgspec.json.Encoder().encode
_decode_preferences = msgspec.json.Decoder(dict[str, Preference]).decode
_decode_notice = msgspec.json.Decoder(Notice).decode
_NO_NOTICE: Final = _encode(Notice())


def rows_of(written: Iterable[Receipt]) -> list[dict[str, Any]]:
    # One for all of them: to make a compressor takes longer than to compress.
    compress = zstandard.ZstdCompressor(1).compress
    return [_row_of(one, compress) for one in written]


def _row_of(receipt: Receipt, compress: Callable[[bytes], bytes]) -> dict[str, Any]:
    said = receipt.said
    return {
        "number": receipt.number,
        "position": receipt.position,
        "id": receipt.id,
        "user_id": said.subject.user_id,
        "anonymous_id": said.subject.anonymous_id,
        "preferences": _encode(said.preferences),
        "complete": said.complete,
        "readable": said.readable,
        "method": said.method,
        "source": said.source,
        "occurred_at": said.occurred_at,
        "received_at": said.received_at,
        "skew": said.skew,
        "notice": _encode(said.notice) if said.notice != Notice() else _NO_NOTICE,
        "offset": said.offset,
        "evidence": compress(said.evidence),
        "salt": receipt.salt,
        "sealed_ids": bytes.fromhex(receipt.seals[0]),
        "sealed_evidence": bytes.fromhex(receipt.seals[1]),
        "previous": bytes.fromhex(receipt.previous),
        "hash": bytes.fromhex(receipt.hash),
    }


def receipt_of(row: Row[Any]) -> Receipt:
    return Receipt(
        row.number,
        row.position,
        statement_of(row, evidence=zstandard.decompress(row.evidence) if row.evidence else b""),
        row.previous.hex(),
        row.hash.hex(),
        (row.sealed_ids.hex(), row.sealed_evidence.hex()),
        row.salt,
    )


def statement_of(row: Row[Any], *, evidence: bytes = b"") -> Statement:
    """What a receipt states; without its evidence unless that is given."""
    return Statement(
        subject=Subject(row.user_id, row.anonymous_id),
        preferences=_decode_preferences(row.preferences),
        method=Method(row.method),
        source=row.source,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
        evidence=evidence,
        complete=row.complete,
        readable=row.readable,
        skew=row.skew,
        notice=Notice() if row.notice == _NO_NOTICE else _decode_notice(row.notice),
        offset=row.offset,
    )


def pseudonym(id_: str, key: bytes) -> str:
    """What stands in receipts for the id of somebody who was forgotten: always the same, and keyed, so that it says
    nothing to whoever does not have the key."""
    return PSEUDONYM + hmac.digest(key, id_.encode(), "sha256").hex()[:32]


def is_pseudonym(id_: str) -> bool:
    return id_.startswith(PSEUDONYM)
