"""What became of one event at one destination."""

from enum import StrEnum
from typing import Final

import msgspec

from assent.domain.decision import Decision, Reason


class State(StrEnum):
    """The states of an event at a destination; `unread` is the time before its cursor comes by. A `held` one would be
    delivered, but its source or a category is held."""

    UNREAD = "unread"
    WITHHELD = "withheld"
    HELD = "held"
    DELIVERED = "delivered"
    RETRYING = "retrying"
    FAILED = "failed"


class Attempt(msgspec.Struct, frozen=True):
    """The record of an event that did not settle at its first attempt.

    Times are UTC epoch milliseconds: `first_at` is the first attempt, `due_at` the next one (while retrying),
    `settled_at` when it came to rest. `tried` counts attempts. `answer` is the destination's last answer.
    """

    destination: str
    offset: int
    source: str
    message_id: str
    state: State
    decision: Decision
    version: int
    tried: int
    first_at: int
    due_at: int
    answer: str = ""
    http_status: int | None = None
    settled_at: int | None = None


class Span(msgspec.Struct, frozen=True):
    """A stretch of the log (`start` inclusive, `end` exclusive) that a cursor read under one workspace version."""

    destination: str
    start: int
    end: int
    version: int


class Cursor(msgspec.Struct, frozen=True):
    """How far one destination has read the log.

    `position` is the next offset to read. `skipped` counts the offsets that were never this destination's to read:
    before it existed, or while it was removed. `until` is where a removed destination stops reading.
    """

    destination: str
    position: int
    skipped: int
    until: int | None = None


class HeldStretch(msgspec.Struct, frozen=True):
    """A stretch of the log (`start` inclusive, `end` exclusive) in which a cursor passed over so many held `events`.

    `hold` is the key of what held them (`engine.hold.Holds.key`).
    """

    destination: str
    start: int
    end: int
    events: int
    hold: str


class Selection(msgspec.Struct, frozen=True):
    """Which events a reading takes up once more: those in a state, of any reason or of some."""

    state: State
    reasons: tuple[Reason, ...] = ()

    def takes(self, state: State, reason: Reason) -> bool:
        return state is self.state and (not self.reasons or reason in self.reasons)


RELEASED: Final = Selection(State.HELD)
"""What is taken up when something is released."""

GIVEN_UP: Final = 0
"""The version of a reading that decides nothing: what it takes up is given up."""


class Reread(msgspec.Struct, frozen=True):
    """A stretch of the log (`start` inclusive, `end` exclusive) that was read once more under `version`, for those
    events that `selection` takes."""

    destination: str
    start: int
    end: int
    version: int
    selection: Selection
