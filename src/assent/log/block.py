"""Blocks: the runs of records that one commit wrote, as they lie on disk."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import zstandard

from assent.domain.record import Record
from assent.engine.json import decode_leniently
from assent.engine.routing import routing_key

MOST_RECORDS: Final = 512
"""How many records one block may hold."""

UNKNOWN_KEY: Final = 0
"""The key id of a record whose routing key is computed from its body."""

_encode = msgspec.msgpack.Encoder().encode
_LEVEL: Final = 1
"""Of compression: the fastest that still takes what records repeat of each other, which is most of them."""


class _Stored(msgspec.Struct, array_like=True, gc=False):
    source: str
    received_at: int
    type: str
    message_id: str
    key_id: int
    body: bytes
    sent_at: str | None
    ip: str | None
    event: str = ""  # blocks of before it was kept have none


_decode = msgspec.msgpack.Decoder(list[_Stored]).decode


def encode_block(records: Sequence[Record], key_ids: Sequence[int]) -> bytes:
    """The bytes of a block, compressed; `key_ids[i]` stands for the routing key of `records[i]`."""
    plain = _encode(
        [
            (one.source, one.received_at, one.type, one.message_id, key_id, one.body, one.sent_at, one.ip, one.event)
            for one, key_id in zip(records, key_ids, strict=True)
        ]
    )
    return zstandard.compress(plain, _LEVEL)


def decode_block(block: bytes, key_of: Callable[[int], bytes]) -> list[Record]:
    """The records of a block; `key_of` gives the routing key of an id."""
    return [
        Record(
            one.source,
            one.received_at,
            one.type,
            one.message_id,
            key_of(one.key_id) if one.key_id != UNKNOWN_KEY else _key_of_body(one),
            one.body,
            one.sent_at,
            one.ip,
            one.event,
        )
        for one in _decode(zstandard.decompress(block))
    ]


def _key_of_body(stored: _Stored) -> bytes:
    event: dict[str, Any] = decode_leniently(stored.body)
    return routing_key({**event, "type": stored.type})
