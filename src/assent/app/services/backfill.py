"""Backfills: sending, after a mistake was mended, what was withheld by it. For API, console and command line."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Final, Protocol, TypeVar

import msgspec

from assent.app.wiring import Stores
from assent.delivery.in_force import InForce
from assent.delivery.known_consent import KnownConsent
from assent.delivery.rereading import Again, Rereading
from assent.domain.decision import BY_CONSENT, REASONS, Reason, Verdict
from assent.domain.errors import InvalidInput, NotFound
from assent.domain.job import OPEN, Job, JobState
from assent.domain.outcome import Selection, State
from assent.domain.record import Record
from assent.engine.policy import Policy
from assent.store.jobs import new_job_id

USUAL: Final = BY_CONSENT | {Reason.DESTINATION_DISABLED}
"""The reasons that a mistake in the workspace withholds for."""

SENDABLE: Final = frozenset(one.reason for one in REASONS if one.verdict is Verdict.WITHHOLD) - {
    Reason.SENT_CLIENT_SIDE,  # the destination has it already
    Reason.SUBJECT_REVOKED,  # the person has refused
    Reason.SUBJECT_SUPPRESSED,  # or asked for no more events
}
"""The reasons that a backfill may take up at all."""

_SAMPLE: Final = 10
_A_LOOK: Final = 5_000
_WHY_CHARACTERS: Final = 1_000
_FASTEST: Final = 1_000_000

_Answer = TypeVar("_Answer")


class Readable(Protocol):
    """What a backfill needs of the log: also of one that another process writes."""

    @property
    def head(self) -> int: ...
    @property
    def start(self) -> int: ...
    async def read(self, offset: int, limit: int) -> Sequence[Record]: ...
    async def trimmable(self, before: int, *, at_most_bytes: int | None = None) -> int: ...


class Asked(msgspec.Struct, frozen=True):
    """What is to be sent after all: to which destinations (ids), of which time (UTC epoch milliseconds, `since`
    inclusive, `until` exclusive), of what was withheld for which reasons."""

    destinations: tuple[str, ...]
    since: int
    until: int
    reasons: frozenset[Reason] = USUAL


class Preview(msgspec.Struct, frozen=True):
    """What a backfill would do at one destination now.

    `found` counts the events that were withheld for these reasons, by reason. Of them `sends` would be sent, `refused`
    not because the person has refused since, and `withheld` not because the version in force withholds them too. `held`
    would go, but something is held. `sample` are message ids of events that would be sent.
    """

    destination: str
    found: Mapping[Reason, int]
    sends: int
    refused: int
    withheld: int
    held: int
    sample: tuple[str, ...]


async def preview(
    stores: Stores, log: Readable, asked: Asked, *, watch: Callable[[int, int], None] | None = None
) -> list[Preview]:
    """Count what a backfill would do; exact, by deciding every event. `watch` is told at how many of how many events it
    has looked. Raises InvalidInput, NotFound."""
    in_force = await asyncio.to_thread(check, stores, asked)
    start, end = await _offsets(log, asked)
    known = KnownConsent(stores.ledger)
    found: list[Preview] = []
    for name in asked.destinations:
        before = len(found) * (end - start)

        def look(at: int, before: int = before) -> None:
            if watch is not None:
                watch(before + at - start, len(asked.destinations) * (end - start))

        found.append(await _preview(stores, log, asked, name, (start, end), in_force, known, look))
    return found


async def start(
    stores: Stores, log: Readable, asked: Asked, *, why: str, author: str, at: int, speed: int | None = None
) -> list[Job]:
    """Begin it: one job for each destination, at most `speed` events a second each. A running server takes them up.

    `why` goes on record. Raises InvalidInput, NotFound.
    """
    if not why.strip():
        raise InvalidInput("say why: it goes on record", field="why")
    if len(why) > _WHY_CHARACTERS:
        raise InvalidInput(f"say why in at most {_WHY_CHARACTERS} characters", field="why")
    if speed is not None and not 1 <= speed <= _FASTEST:
        raise InvalidInput(f"a speed is 1 to {_FASTEST:,} events a second", field="speed")
    await asyncio.to_thread(check, stores, asked)
    first, end = await _offsets(log, asked)
    return await asyncio.to_thread(_start, stores, asked, first, end, why.strip(), author, at, speed)


def pause(stores: Stores, job_id: str, *, author: str, at: int) -> Job:
    """Raises NotFound; Conflict when it is not running."""
    return stores.jobs.move(job_id, JobState.PAUSED, of=[JobState.RUNNING], at=at, author=author)


def resume(stores: Stores, job_id: str, *, author: str, at: int) -> Job:
    """Raises NotFound; Conflict when it is not paused."""
    return stores.jobs.move(job_id, JobState.RUNNING, of=[JobState.PAUSED], at=at, author=author)


def cancel(stores: Stores, job_id: str, *, author: str, at: int) -> Job:
    """What it has sent stays sent. Raises NotFound; Conflict when it is over."""
    return stores.jobs.move(job_id, JobState.CANCELLED, of=OPEN, at=at, author=author)


def check(stores: Stores, asked: Asked) -> InForce:
    """What is in force, if this can be asked for. Raises InvalidInput, NotFound."""
    version = stores.current()
    if version.workspace.observe:
        raise InvalidInput(
            "the workspace observes: a backfill would send what people refused, because consent is not enforced now; "
            "end observing first"
        )
    if not asked.destinations:
        raise InvalidInput("choose a destination", field="destinations")
    for name in asked.destinations:
        if version.workspace.destination(name) is None:
            raise NotFound(f"there is no destination `{name}`", field="destinations")
    if asked.since >= asked.until:
        raise InvalidInput("the time must begin before it ends", field="since")
    if not asked.reasons:
        raise InvalidInput("choose a reason", field="reasons")
    if wrong := sorted(asked.reasons - SENDABLE):
        raise InvalidInput(f"what was withheld as `{wrong[0]}` cannot be sent after all", field="reasons")
    return InForce(version, Policy(version.workspace))


async def _offsets(log: Readable, asked: Asked) -> tuple[int, int]:
    return await _first_since(log, asked.since), await _first_since(log, asked.until)


async def _first_since(log: Readable, at: int) -> int:
    """The offset of the first event that was received at this time or later; the end of the log without one."""
    offset = max(await log.trimmable(at), log.start)
    while offset < log.head:
        records = await log.read(offset, _A_LOOK)
        for index, record in enumerate(records):
            if record.received_at >= at:
                return offset + index
        offset += len(records)
    return offset


def _start(
    stores: Stores, asked: Asked, start: int, end: int, why: str, author: str, at: int, speed: int | None
) -> list[Job]:
    selection = _selection(asked)
    positions = {one.destination: one.position for one in stores.accounts.cursors()}
    jobs = [
        # What a destination has not read yet, the version in force decides anyway.
        Job(
            new_job_id(),
            name,
            start,
            min(end, positions.get(name, 0)),
            start,
            selection,
            author,
            why,
            JobState.RUNNING,
            speed,
            at,
            at,
        )
        for name in asked.destinations
    ]
    for job in jobs:
        if job.start >= job.end:
            raise InvalidInput(f"`{job.destination}` has read no event of that time", field="since")
    stores.jobs.start(jobs, at=at)
    return jobs


def _selection(asked: Asked) -> Selection:
    return Selection(State.WITHHELD, tuple(sorted(asked.reasons)))


async def _preview(
    stores: Stores,
    log: Readable,
    asked: Asked,
    destination: str,
    offsets: tuple[int, int],
    in_force: InForce,
    known: KnownConsent,
    look: Callable[[int], None],
) -> Preview:
    cursor = await asyncio.to_thread(stores.accounts.cursor, destination)
    start, end = offsets[0], min(offsets[1], cursor.position if cursor is not None else 0)
    rereading = Rereading(
        destination,
        log=log,
        accounts=stores.accounts,
        jobs=stores.jobs,
        policy_of=lru_cache(32)(lambda number: Policy(stores.versions.get(number).workspace)),
        suppressions=await asyncio.to_thread(stores.suppressions),
        in_store=_in_thread,
        known=known,
        caught_up=_at_once,
    )
    counted = _Counted()
    at = start
    while at < end:
        at, found, _known = await rereading.look_through(at, end, _A_LOOK, _selection(asked), in_force, by_newest=True)
        counted.add(found)
        look(at)
    return counted.preview(destination)


async def _in_thread(call: Callable[..., _Answer], *arguments: object) -> _Answer:
    return await asyncio.to_thread(call, *arguments)


async def _at_once() -> None:
    """A preview counts on what the ledger has read by now."""


class _Counted:
    """The counts of a preview as they grow."""

    def __init__(self) -> None:
        self._found: Counter[Reason] = Counter()
        self._now: Counter[State] = Counter()
        self._refused = 0
        self._sample: list[str] = []

    def add(self, found: Collection[Again]) -> None:
        for one in found:
            self._found[one.was.decision.reason] += 1
            self._now[one.now.state] += 1
            self._refused += one.now.decision.reason is Reason.SUBJECT_REVOKED
            if one.now.state is State.DELIVERED and len(self._sample) < _SAMPLE:
                self._sample.append(one.record.message_id)

    def preview(self, destination: str) -> Preview:
        return Preview(
            destination,
            dict(self._found),
            sends=self._now[State.DELIVERED],
            refused=self._refused,
            withheld=self._now[State.WITHHELD] - self._refused,
            held=self._now[State.HELD],
            sample=tuple(self._sample),
        )
