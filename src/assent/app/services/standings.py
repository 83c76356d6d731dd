"""Where destinations stand right now: what is on its way to them, and what they last complained of."""

import asyncio

import msgspec

from assent.app.wiring import Server
from assent.domain.outcome import Attempt


class Standing(msgspec.Struct, frozen=True):
    """Where one destination stands right now: what has not come to rest, and what it last complained of."""

    id: str
    title: str
    unread: int
    retrying: int
    is_held: bool
    is_left_alone: bool
    last_error: Attempt | None


async def standings(server: Server, destination: str | None = None) -> list[Standing]:
    """Of every destination of the workspace, or of one."""
    accounts, head = server.stores.accounts, server.log.head
    workers = {one.destination: one for one in server.delivery.workers}
    configured = [one for one in server.in_force.version.workspace.destinations if destination in (None, one.id)]
    waiting = {name: list(one.waiting.first(1)) for name, one in workers.items()}

    def read() -> list[Standing]:
        positions = {one.destination: one.position for one in accounts.cursors()}
        return [
            Standing(
                one.id,
                one.title,
                max(0, head - positions.get(one.id, head)),
                len(workers[one.id].waiting) if one.id in workers else 0,
                one.held,
                one.id in workers and workers[one.id].breaker.is_open,
                next(iter(waiting.get(one.id) or accounts.newest_failed(one.id, 1)), None),
            )
            for one in configured
        ]

    return await asyncio.to_thread(read)
