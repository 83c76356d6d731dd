"""Settings, retention: how long events are kept, and how many there are."""

import asyncio
from pathlib import Path
from typing import Any, Final

from litestar import Response, get
from litestar.di import NamedDependency

from assent.app.console.access import PageRequest
from assent.app.console.pages import page
from assent.app.wiring import Server
from assent.domain.errors import NotFound
from assent.log.interface import Log

_LOG_FILES: Final = ("log.db", "log.db-wal")


@get("/settings/retention")
async def show_retention(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    oldest = await _oldest(server.log)
    kept = server.log.head - server.log.start

    def show() -> Response[Any]:
        config = server.config
        return page(
            request,
            server,
            "settings/retention.html",
            keep=config.keep,
            keep_bytes=config.keep_bytes,
            oldest=oldest,
            kept=kept,
            forgotten=server.log.start,
            bytes_on_disk=sum(_bytes(config.data / name) for name in _LOG_FILES),
        )

    return await asyncio.to_thread(show)


async def _oldest(log: Log) -> int | None:
    """When the oldest event that is kept was received, in UTC epoch milliseconds; None where there is none."""
    if log.start >= log.head:
        return None
    try:
        return (await log.read(log.start, 1))[0].received_at
    except NotFound:  # it was trimmed just now
        return await _oldest(log)


def _bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


RETENTION_PAGES: Final = [show_retention]
