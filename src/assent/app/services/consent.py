"""Consent figures of the server's own events, for console and API."""

import asyncio
from typing import Final

from assent.app.wiring import Server, now
from assent.domain.workspace import Version
from assent.engine.consent_shares import ConsentShares, consent_shares
from assent.log.interface import KeyCounts

DAYS: Final = 7
"""How far back the shares of categories look."""

_HOUR_MS: Final = 3_600_000


async def last_day(server: Server) -> KeyCounts:
    """The events of the last 24 hours, by source and routing key."""
    return await _last_hours(server, 24)


async def last_week(server: Server) -> KeyCounts:
    """The events of the last `DAYS` days, by source and routing key."""
    return await _last_hours(server, 24 * DAYS)


async def shares(server: Server) -> ConsentShares:
    """What the events of the last `DAYS` days say about consent."""
    return await asyncio.to_thread(consent_shares, await last_week(server))


async def in_force(server: Server) -> Version:
    """The newest version, which is put into force if it is not yet: forms are filled in for what is stored."""
    await server.follow()
    return server.in_force.version


async def _last_hours(server: Server, hours: int) -> KeyCounts:
    hour = now() // _HOUR_MS
    return await server.log.key_counts(hour - hours + 1, hour + 1)
