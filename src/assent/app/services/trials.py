"""Trials: what a workspace would change for the events of a chosen time, before it is put into force."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec

from assent.app.services.workspaces import edited, prepared
from assent.app.wiring import Stores
from assent.domain.errors import InvalidInput
from assent.domain.record import Record
from assent.domain.workspace import Workspace
from assent.engine.changes import Change, changes
from assent.engine.edit import Edit
from assent.engine.impact import Impact
from assent.engine.sentences import sentences
from assent.engine.trial import Direction, Effect, Trial
from assent.log.interface import KeyCounts

MOST_HOURS: Final = 31 * 24
EXAMPLES: Final = 3
LOOKED_THROUGH: Final = 20_000
"""How many of the newest events are looked through for examples."""

LEDGER_NOT_ASKED: Final = (
    "These figures do not ask the consent ledger, though the rules do: what its answers change comes on top."
)

_HOUR_MS: Final = 3_600_000
_A_LOOK: Final = 1_000


class Readable(Protocol):
    """What a trial needs of the log: also of one that another process writes."""

    @property
    def head(self) -> int: ...
    @property
    def start(self) -> int: ...
    async def read(self, offset: int, limit: int) -> Sequence[Record]: ...
    async def key_counts(self, since: int, until: int) -> KeyCounts: ...


class Examples(msgspec.Struct, frozen=True):
    """Message ids of a few events that would go another way, the newest first."""

    delivered: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


class Tried(msgspec.Struct, frozen=True):
    """What a workspace would change, measured on `events` of the last `hours`.

    `effects` are exact. `examples`, by destination, are from the newest `looked_through` events only: a rare effect may
    have none.
    """

    version: int
    changes: list[Change]
    in_words: list[str]
    hours: int
    events: int
    effects: list[Effect]
    examples: Mapping[str, Examples]
    looked_through: int


async def trial(stores: Stores, log: Readable, workspace: Workspace, *, hours: int, at: int) -> Tried:
    """What putting `workspace` into force would have meant for the last hours, whole ones and the one under way.

    Raises InvalidWorkspace; InvalidInput for hours that are none.
    """
    if not 1 <= hours <= MOST_HOURS:
        raise InvalidInput(f"choose 1 to {MOST_HOURS} hours", field="hours")
    hour = at // _HOUR_MS
    counts = await log.key_counts(hour - hours + 1, hour + 1)
    current, ready = await asyncio.to_thread(lambda: (stores.current(), prepared(stores, workspace)))
    tried = Trial(current.workspace, ready)
    effects = await asyncio.to_thread(tried.effects, counts)
    start = max(log.start, log.head - LOOKED_THROUGH)
    examples = await _examples(log, tried, start, since=(hour - hours + 1) * _HOUR_MS) if effects else {}
    impacts = [Impact(one.destination, *_a_day(one, hours)) for one in effects]
    return Tried(
        current.number,
        changes(current.workspace, ready),
        [
            *sentences(current.workspace, ready, (one for one in impacts if one.newly_delivered or one.newly_withheld)),
            *([LEDGER_NOT_ASKED] if tried.asks_ledger else ()),
        ],
        hours,
        sum(counts.values()),
        effects,
        examples,
        log.head - start,
    )


async def try_edit(stores: Stores, log: Readable, edit: Edit, *, hours: int, at: int) -> Tried:
    """What doing one thing to the workspace in force would have meant. Raises what `edited` and `trial` raise."""
    return await trial(stores, log, await asyncio.to_thread(edited, stores, edit), hours=hours, at=at)


def last_hours(hours: int) -> str:
    """How long the time is that a trial looked at, to come after "the last"."""
    if hours % 24 == 0 and hours > 24:
        return f"{hours // 24} days"
    return "hour" if hours == 1 else f"{hours} hours"


def _a_day(effect: Effect, hours: int) -> tuple[int, int]:
    return round(effect.newly_delivered * 24 / hours), round(effect.newly_withheld * 24 / hours)


async def _examples(log: Readable, tried: Trial, start: int, *, since: int) -> Mapping[str, Examples]:
    """A few of the newest events per destination and direction, from `start` on."""
    found: dict[str, dict[Direction, list[str]]] = {}
    end = log.head
    while end > start:
        first = max(start, end - _A_LOOK)
        records = await _read(log, first, end)
        await asyncio.to_thread(_collect, records, tried, found, since)
        end = first
    return {
        name: Examples(*(tuple(by[one]) if one in by else () for one in ("delivered", "withheld", "held")))
        for name, by in found.items()
    }


def _collect(records: Sequence[Record], tried: Trial, found: dict[str, dict[Direction, list[str]]], since: int) -> None:
    for record in reversed(records):
        if record.received_at >= since and not record.is_erased:
            for name, direction in tried.directions(record.source, record.routing_key):
                some = found.setdefault(name, {}).setdefault(direction, [])
                if len(some) < EXAMPLES:
                    some.append(record.message_id)


async def _read(log: Readable, first: int, end: int) -> list[Record]:
    records: list[Record] = []
    while first + len(records) < end:
        some = await log.read(first + len(records), end - first - len(records))
        if not some:
            break
        records += some
    return records
