"""A backfill: a stretch of the log that one destination reads once more, because somebody asked for it."""

from enum import StrEnum
from typing import Final

import msgspec

from assent.domain.outcome import Selection


class JobState(StrEnum):
    """Where a backfill is; `done` and `cancelled` are its ends."""

    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"


OPEN: Final = (JobState.RUNNING, JobState.PAUSED)


class Tally(msgspec.Struct, frozen=True):
    """What became of the events that a backfill took up.

    `refused` are those whose person has refused since; `withheld` those that the version in force withholds for another
    reason.
    """

    delivered: int = 0
    withheld: int = 0
    refused: int = 0
    held: int = 0
    retrying: int = 0
    failed: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))


class Job(msgspec.Struct, frozen=True):
    """One backfill of one destination.

    It reads the offsets from `start` to `end` (exclusive) and is at `position`. `speed` is how many events a second it
    may send, None without a limit. `why` is what its author said. `note` is what stopped it, where something did. Times
    are UTC epoch milliseconds.
    """

    id: str
    destination: str
    start: int
    end: int
    position: int
    selection: Selection
    author: str
    why: str
    state: JobState
    speed: int | None
    created_at: int
    updated_at: int
    tally: Tally = Tally()
    note: str = ""

    @property
    def is_open(self) -> bool:
        return self.state in OPEN
