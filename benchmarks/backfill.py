"""A backfill to a local webhook: everything that a mistake withheld, read, decided and sent again, and settled."""

import asyncio
import time
from pathlib import Path
from typing import Any

from assent.app.services import backfill
from assent.app.services.backfill import Asked
from assent.app.services.workspaces import apply
from assent.app.wiring import now, open_log_snapshot, open_stores
from assent.app.workspace_file import workspace_of
from assent.log.snapshot import SnapshotReader
from benchmarks import samples
from benchmarks.delivery import counted, receiver
from benchmarks.server import free_port, load, running
from benchmarks.table import table

_SECONDS_OF_LOAD = 6
_AFTER_EVERYTHING = 1 << 45


def run() -> str:
    rows = [(f"Assent, batches of {batch}", f"{_assent(batch):,.0f}") for batch in (50, 200)]
    return table(
        "A backfill to a local webhook",
        ("way", "events/s"),
        rows,
        "Events of about 1.2 KB that were withheld because the destination was in no category. Each is read again, "
        "what became of it is worked out, it is decided under the version in force and against what its person said "
        "since, sent, and settled. The webhook runs on the other core and only counts.",
    )


def _assent(batch: int) -> float:
    port = free_port()
    settings = {"url": f"http://127.0.0.1:{port}/", "batch_size": batch}
    mended = samples.workspace(1, connector="webhook", settings=settings)
    mistaken: dict[str, Any] = {**mended, "consent": {}}
    with running(mistaken) as server:
        load(server, batch=100, connections=4, seconds=_SECONDS_OF_LOAD)
        while server.metric("assent_cursor_lag_events"):
            time.sleep(0.2)
        expected = int(server.metric("assent_log_head"))
        with receiver(port):
            asyncio.run(_start(server.data / "data", mended))
            while (found := counted(port))[0] < expected:
                time.sleep(0.2)
        return found[0] / found[1]


async def _start(data: Path, mended: dict[str, Any]) -> None:
    stores = open_stores(data)
    apply(stores, workspace_of(mended), author="benchmark", at=now())
    log = open_log_snapshot(data)
    asked = Asked(("d0",), 0, _AFTER_EVERYTHING)
    await backfill.start(stores, SnapshotReader(log), asked, why="to measure it", author="benchmark", at=now())
    log.close()
    stores.engine.dispose()
