"""What tests need of Assent, here and elsewhere: records as the gateway makes them, and a destination to command."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

import msgspec

from assent.destinations.connector import Connector, Outcome, Outgoing, Settings
from assent.domain.record import Record
from assent.engine.accept import Arrival, OneEvent


def a_record(message_id: str, *, source: str = "web", at: int = 0, event_type: str = "track", **fields: Any) -> Record:
    """The record of a valid event that came in `at` (UTC epoch milliseconds); `fields` are added to it."""
    event = {"messageId": message_id, "userId": "a-person", "event": "Tested", **fields}
    arrival = Arrival(source, enabled=True, received_at=at, new_id=lambda: message_id)
    records, discards = OneEvent(msgspec.json.encode(event), event_type).accept(arrival)
    if discards:
        raise ValueError(f"that is no valid event but a discard: {discards[0].code}")
    return records[0]


async def take_everything(batch: Sequence[Outgoing]) -> Sequence[Outcome]:
    """The answer of a destination that is well."""
    return [None] * len(batch)


class FakeDestination(Connector):
    """A destination that answers as it is told and remembers what it was sent.

    `answer` is called with each batch and does what a connector's `send` may: give outcomes, raise, or never return.
    `sends` are all batches; `delivered` the events that were taken, in order.
    """

    name: ClassVar = "fake"
    integration: ClassVar = "Fake"
    title: ClassVar = "Fake"
    description: ClassVar = "Answers as it is told."
    icon: ClassVar = "<svg xmlns='http://www.w3.org/2000/svg'/>"
    settings_type: ClassVar = Settings

    def __init__(self, *, batch_size: int = 1, concurrency: int = 1) -> None:
        self.batch_size = batch_size
        self.concurrency = concurrency
        self.answer: Callable[[Sequence[Outgoing]], Awaitable[Sequence[Outcome]]] = take_everything
        self.sends: list[list[str]] = []
        self.delivered: list[dict[str, Any]] = []
        self.closed = False

    @property
    def delivered_ids(self) -> list[str]:
        """The message ids of `delivered`."""
        return [event["messageId"] for event in self.delivered]

    async def send(self, batch: Sequence[Outgoing]) -> Sequence[Outcome]:
        self.sends.append([one.message_id for one in batch])
        outcomes = await self.answer(batch)
        self.delivered += [one.event for one, outcome in zip(batch, outcomes, strict=False) if outcome is None]
        return outcomes

    async def close(self) -> None:
        self.closed = True
