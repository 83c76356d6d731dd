"""Looking through the events in the log, newest first: for API and console."""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from assent.domain.errors import NotFound
from assent.domain.record import Record
from assent.engine.outline import outline
from assent.log.interface import Found, Log

MOST_SCANNED: Final = 20_000
"""How many events one search looks at before it says where it stopped."""

_CHUNK: Final = 500
_TRIMMED_AT_ONCE: Final = 1_000
"""What a log trims, it trims in runs of fewer events: so far beyond `trimmable` there may still be older ones."""


class Wanted(msgspec.Struct, frozen=True):
    """What an event must have to be found; None is anything.

    `event` is the name of a track event, page or screen. Times are UTC epoch milliseconds: `since` inclusive, `until`
    exclusive, by when the event was received.
    """

    source: str | None = None
    type: str | None = None
    event: str | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    message_id: str | None = None
    since: int | None = None
    until: int | None = None


class Page(NamedTuple):
    """Events that were found, newest first; `before` is where to go on, None once there is nothing older."""

    found: list[Found]
    before: int | None


async def search(log: Log, wanted: Wanted, limit: int, before: int) -> Page:
    """At most `limit` events below the offset `before`; looks at no more than `MOST_SCANNED` of the log's."""
    if wanted.message_id is not None:
        known = [one for one in await log.find(wanted.message_id) if one.offset < before]
        found = [one for one in known if _is_wanted(wanted, one.record)]
        return Page(found[:limit], found[limit - 1].offset if len(found) > limit else None)
    start, end = await _bounds(log, wanted, before)
    lowest = max(start, end - MOST_SCANNED)
    found = []
    while end > lowest:
        first = max(lowest, end - _CHUNK)
        try:
            records = await _read(log, first, end)
        except NotFound:
            # The log was trimmed meanwhile.
            start = lowest = max(first + 1, log.start)
            continue
        found += await asyncio.to_thread(_matches, wanted, first, records)
        if len(found) >= limit:
            last = found[limit - 1].offset
            return Page(found[:limit], last if last > start else None)
        end = first
    return Page(found, end if end > start else None)


async def _bounds(log: Log, wanted: Wanted, before: int) -> tuple[int, int]:
    """The offsets between which the events of the wanted time are, a few others among them."""
    start = await log.trimmable(wanted.since) if wanted.since is not None else log.start
    end = min(before, log.head)
    if wanted.until is not None:
        end = min(end, await log.trimmable(wanted.until) + _TRIMMED_AT_ONCE)
    return start, end


async def _read(log: Log, first: int, end: int) -> Sequence[Record]:
    records: list[Record] = []
    while first + len(records) < end:
        records += await log.read(first + len(records), end - first - len(records))
    return records


def _matches(wanted: Wanted, first: int, records: Sequence[Record]) -> list[Found]:
    found = [Found(offset, one) for offset, one in enumerate(records, first) if _is_wanted(wanted, one)]
    return found[::-1]


def _is_wanted(wanted: Wanted, record: Record) -> bool:
    if wanted.source not in (None, record.source) or wanted.type not in (None, record.type):
        return False
    if wanted.since is not None and record.received_at < wanted.since:
        return False
    if wanted.until is not None and record.received_at >= wanted.until:
        return False
    if wanted.event is None and wanted.user_id is None and wanted.anonymous_id is None:
        return True
    said = outline(record)
    return (
        wanted.event in (None, said.title)
        and wanted.user_id in (None, said.user_id)
        and wanted.anonymous_id in (None, said.anonymous_id)
    )
