"""What `assent decide` writes of one event for programs, a line of JSON; and the memory that makes it fast."""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from assent.engine.json import JSON_ERRORS, decode_leniently
from assent.engine.policy import KEYS_REMEMBERED, Decisions, Policy

Answer: TypeAlias = Callable[[bytes], bytes]
"""What is written for the JSON of one event; raises InvalidInput for what is not JSON."""


class RenderOnce:
    """Decisions as bytes, each distinct one rendered once.

    Real traffic has few distinct decisions, and a policy gives the same object for the same ones. What is kept is
    bounded like the policy's own memory, because senders choose how many there are.
    """

    def __init__(self, render: Callable[[Decisions], bytes]) -> None:
        self._render = render
        self._rendered: dict[int, tuple[Decisions, bytes]] = {}

    def __call__(self, decisions: Decisions) -> bytes:
        known = self._rendered.get(id(decisions))
        if known is None:
            if len(self._rendered) >= KEYS_REMEMBERED:
                self._rendered.clear()
            # INVARIANT: kept beside its decisions, for while they live no other object has their id.
            known = self._rendered[id(decisions)] = (decisions, self._render(decisions))
        return known[1]


class JsonAnswers:
    """Answers with the message id and the decisions of an event as one line of JSON."""

    def __init__(self, policy: Policy) -> None:
        self._decide = policy.decide
        self._encode = RenderOnce(lambda decisions: msgspec.json.encode(dict(decisions)))

    def __call__(self, body: bytes) -> bytes:
        decisions = self._decide(body)
        return b'{"messageId":%b,"decisions":%b}\n' % (_message_id(body), self._encode(decisions))


class _Named(msgspec.Struct, rename={"message_id": "messageId"}, gc=False):
    message_id: msgspec.Raw = msgspec.Raw(b"null")


_decode_named = msgspec.json.Decoder(_Named).decode


def _message_id(body: bytes) -> bytes:
    """The JSON of the message id of a body that is known to be JSON."""
    try:
        return bytes(_decode_named(body).message_id)
    except JSON_ERRORS:
        event = decode_leniently(body)
        return msgspec.json.encode(event.get("messageId") if isinstance(event, dict) else None)
