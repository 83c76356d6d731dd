"""What a log is: accepted events in one durable sequence, which many cursors read at their own pace."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from assent.domain.record import Discard, Record
from assent.engine.person import People


class Found(NamedTuple):
    """A record and its offset."""

    offset: int
    record: Record


class Received(NamedTuple):
    """How many items of one source came in during one minute (UTC epoch): accepted, or discarded by `code`."""

    source: str
    minute: int
    code: str
    events: int


ACCEPTED = "accepted"
"""The `code` of Received for items that became events."""


class Erased(NamedTuple):
    """How far an erasure has looked, the offsets of all tombstones on the way, and how many of them are new."""

    end: int
    offsets: Sequence[int]
    new: int


Counts: TypeAlias = Counter[tuple[int, str, str]]
"""How many items came in, by minute (UTC epoch), source and code, as in `Received`."""


KeyCounts: TypeAlias = Mapping[tuple[str, bytes], int]
"""How many events there were of each source and routing key."""


class Log(Protocol):
    """The durable sequence of accepted events. Offsets count from 0 without gaps.

    `head` is the offset that the next event will get; `start` the oldest still kept. An event is in the log once it is
    on disk: a reader never sees one that a crash could take back.
    """

    @property
    def head(self) -> int: ...

    @property
    def start(self) -> int: ...

    async def append(self, records: Sequence[Record], discards: Sequence[Discard]) -> None:
        """Return once all of it is on disk. A record whose message id its source sent in the last 24 hours is not
        stored again: it becomes a discard.

        Raises LogUnavailable when it cannot be written; then none of it is stored.
        """
        ...

    async def read(self, offset: int, limit: int) -> Sequence[Record]:
        """The records from `offset` on, at most `limit`, at least one if there is one; `result[i]` is at `offset + i`.

        Raises NotFound for an offset before `start`.
        """
        ...

    async def wait(self, offset: int) -> None:
        """Return once there is a record at `offset`."""
        ...

    async def find(self, message_id: str) -> Sequence[Found]:
        """The kept records with this message id, newest first: one per source at most, unless over 24 hours apart."""
        ...

    async def trimmable(self, before: int, *, at_most_bytes: int | None = None) -> int:
        """The offset below which all was received before `before` (UTC epoch milliseconds), or is the oldest beyond
        `at_most_bytes`."""
        ...

    async def trim(self, start: int, before: int) -> int:
        """Forget events below offset `start`, at least nearly, and discards received before `before` (UTC epoch
        milliseconds). Returns the new `start`."""
        ...

    async def erase(self, people: People, offset: int, limit: int) -> Erased:
        """Erase the events of some people, from `offset` on: look at `limit` events, or a few more. Each leaves a
        record that only says how it was decided (`Record.is_erased`), so that offsets and counts stay as they are.

        Raises LogUnavailable when it cannot be written; then it is to be done again.
        """
        ...

    async def erase_samples(self, people: People) -> None:
        """Forget what the discards of some people looked like. Raises LogUnavailable."""
        ...

    async def purge(self) -> bool:
        """Have nothing of what was erased anywhere on disk; whether that is so. Somebody who reads may be in the way.

        Raises LogUnavailable.
        """
        ...

    async def received(self, since: int, until: int, *, minutes: int = 1) -> Sequence[Received]:
        """The counts of the minutes in [since, until), UTC epoch minutes, added up by stretches of so many `minutes`:
        the `minute` of each is where its stretch begins."""
        ...

    async def discards(self, limit: int, before: int | None = None) -> Sequence[tuple[int, Discard]]:
        """The newest discards, each with its number; `before` is the number that the page before ended with."""
        ...

    async def key_counts(self, since: int, until: int) -> KeyCounts:
        """The counts of the hours in [since, until), UTC epoch hours."""
        ...

    async def close(self) -> None: ...
