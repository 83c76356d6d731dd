"""The last 24 hours in numbers: what each source sent, and what became of it at each destination."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

from assent.app.wiring import Server, now
from assent.domain.outcome import State
from assent.log.interface import ACCEPTED

_MINUTE_MS: Final = 60_000
_DAY_MINUTES: Final = 24 * 60
_MOST_SUMS: Final = 10_000


class SourceDay(NamedTuple):
    """What one source sent: events, and items that never became any. `last_seen_at` is the newest minute of either, in
    UTC epoch milliseconds."""

    accepted: int = 0
    discarded: int = 0
    last_seen_at: int | None = None

    @property
    def received(self) -> int:
        return self.accepted + self.discarded


class DestinationDay(NamedTuple):
    """How many events came to rest at one destination."""

    delivered: int = 0
    withheld: int = 0
    failed: int = 0


async def sources_day(server: Server) -> Mapping[str, SourceDay]:
    """By source; those that sent nothing are left out."""
    minute = now() // _MINUTE_MS
    counts = await server.log.received(minute - _DAY_MINUTES, minute + 1)
    accepted: Counter[str] = Counter()
    discarded: Counter[str] = Counter()
    newest: dict[str, int] = {}
    for one in counts:
        (accepted if one.code == ACCEPTED else discarded)[one.source] += one.events
        newest[one.source] = max(one.minute, newest.get(one.source, 0))
    return {name: SourceDay(accepted[name], discarded[name], last * _MINUTE_MS) for name, last in newest.items()}


async def pages_without_tool(server: Server) -> Mapping[str, int]:
    """On how many pages assent.js found no consent tool in time, by source; those without any are left out."""
    return await asyncio.to_thread(server.stores.pages.without_tool, now() // _MINUTE_MS // 60 - 23)


async def destinations_day(server: Server) -> Mapping[str, DestinationDay]:
    """By destination; those where nothing came to rest are left out."""
    minute = now() // _MINUTE_MS
    sums = await asyncio.to_thread(
        server.stores.accounts.sums,
        minute - _DAY_MINUTES,
        minute + 1,
        ("destination", "state"),
        limit=_MOST_SUMS,
    )
    found: dict[str, dict[State, int]] = {}
    for one in sums:
        if one.destination is not None and one.state is not None:
            found.setdefault(one.destination, {})[one.state] = one.events
    return {
        name: DestinationDay(states.get(State.DELIVERED, 0), states.get(State.WITHHELD, 0), states.get(State.FAILED, 0))
        for name, states in found.items()
    }
