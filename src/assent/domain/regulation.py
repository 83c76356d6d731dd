"""Regulations: what a person asked for, in Segment's words; whom it is about, and how far it is."""

from enum import StrEnum
from typing import Final

import msgspec


class SubjectType(StrEnum):
    """Which kind of id names a person."""

    USER_ID = "USER_ID"
    ANONYMOUS_ID = "ANONYMOUS_ID"


class SubjectId(msgspec.Struct, frozen=True):
    """One id of one person."""

    type: SubjectType
    id: str


class RegulationType(StrEnum):
    """What is to be done, by Segment's names. The *internal* ones tell no destination."""

    SUPPRESS_ONLY = "SUPPRESS_ONLY"
    SUPPRESS_WITH_DELETE = "SUPPRESS_WITH_DELETE"
    DELETE_ONLY = "DELETE_ONLY"
    UNSUPPRESS = "UNSUPPRESS"
    SUPPRESS_WITH_DELETE_INTERNAL = "SUPPRESS_WITH_DELETE_INTERNAL"
    DELETE_INTERNAL = "DELETE_INTERNAL"

    @property
    def suppresses(self) -> bool:
        return self.value.startswith("SUPPRESS")

    @property
    def deletes(self) -> bool:
        return "DELETE" in self.value

    @property
    def tells_destinations(self) -> bool:
        return self.deletes and not self.value.endswith("INTERNAL")


class RegulationStatus(StrEnum):
    """How far a regulation is, as a whole or at one destination, by Segment's names."""

    INITIALIZED = "INITIALIZED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    PARTIAL_SUCCESS = "PARTIAL_SUCCESS"
    FAILED = "FAILED"
    NOT_SUPPORTED = "NOT_SUPPORTED"


UNFINISHED: Final = (RegulationStatus.INITIALIZED, RegulationStatus.RUNNING)


class Told(msgspec.Struct, frozen=True):
    """What one destination said when it was told to delete. Times are UTC epoch milliseconds: `first_at` is when it was
    told first, `due_at` when it is told next."""

    destination: str
    status: RegulationStatus
    answer: str = ""
    tried: int = 0
    first_at: int = 0
    due_at: int = 0
    finished_at: int | None = None


class Regulation(msgspec.Struct, frozen=True):
    """One request to suppress or delete, about so many `people` (ids).

    It looks through the log from `started_from` to `until` (offsets), is at `position`, and has erased `erased` events
    so far. `why` is what
    its author said. Times are UTC epoch milliseconds.
    """

    id: str
    type: RegulationType
    subject_type: SubjectType
    people: int
    status: RegulationStatus
    author: str
    why: str
    created_at: int
    finished_at: int | None = None
    started_from: int = 0
    position: int = 0
    until: int = 0
    erased: int = 0
    is_swept: bool = False
    """Whether the events are gone from the log, and everything else but what the destinations say."""

    @property
    def is_open(self) -> bool:
        return self.status in UNFINISHED


class Suppressed(msgspec.Struct, frozen=True):
    """One suppressed id. `id` is None once it was deleted: then only its digest is known."""

    digest: bytes
    type: SubjectType
    id: str | None
    regulation: str
    at: int
