"""Blocks: the runs of records that one commit wrote, as they lie on disk."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import zstandard

from assent.domain.record import Record
from assent.engine.json import decode_leniently
from assent.engine.person import People
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


class Erasure(NamedTuple):
    """A block without some people: its new bytes, None where nothing had to change; the indexes of all that is erased
    in it, and the message ids of what was erased now."""

    block: bytes | None
    indexes: list[int]
    message_ids: list[str]


def erase_from_block(block: bytes, people: People) -> Erasure:
    """Put a tombstone in the place of each record of these people. The other records stay byte for byte."""
    stored = _decode(zstandard.decompress(block))
    indexes: list[int] = []
    message_ids: list[str] = []
    for index, one in enumerate(stored):
        if not one.message_id:
            indexes.append(index)
        elif people.are_in(one.body):
            indexes.append(index)
            message_ids.append(one.message_id)
            stored[index] = _tombstone(one, people)
    return Erasure(zstandard.compress(_encode(stored), _LEVEL) if message_ids else None, indexes, message_ids)


def _tombstone(one: _Stored, people: People) -> _Stored:
    # INVARIANT: it is decided as the event was, or what it is counted as would change. A key that is not in the table
    # is computed from the body, which a routing key is one for.
    body = b"{}" if one.key_id != UNKNOWN_KEY else _key_of_body(one)
    event = "" if people.are_named_in(one.event) else one.event
    return _Stored(one.source, one.received_at, one.type, "", one.key_id, body, None, None, event)


def _key_of_body(stored: _Stored) -> bytes:
    event: dict[str, Any] = decode_leniently(stored.body)
    return routing_key({**event, "type": stored.type})
