"""Delivering events to a local webhook: from the log, decided and settled, beside sending them by hand."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import aiohttp
import msgspec

from benchmarks import samples
from benchmarks.server import CLIENT_CORE, free_port, load, on_core, running
from benchmarks.table import table

_BATCH = 50
_SECONDS_OF_LOAD = 6
_BY_HAND = 20_000


def run() -> str:
    rows = [
        ("Assent, batches of 50, decided and settled", f"{_assent(_BATCH):,.0f}"),
        ("Assent, one event a request", f"{_assent(1):,.0f}"),
        ("aiohttp by hand, batches of 50, 8 at once", f"{asyncio.run(_by_hand(_BATCH)):,.0f}"),
        ("aiohttp by hand, one event a request, 8 at once", f"{asyncio.run(_by_hand(1)):,.0f}"),
    ]
    return table(
        "Delivering to a local webhook",
        ("way", "events/s"),
        rows,
        "Events of about 1.2 KB, all consented. Assent works off a backlog in its log that grew while the webhook was "
        "down: reading, deciding, rebuilding, sending, settling. By hand: ready-made bodies, nothing kept, nothing "
        "decided. The webhook runs on the other core and only counts.",
    )


def _assent(batch: int) -> float:
    port = free_port()
    settings = {"url": f"http://127.0.0.1:{port}/", "batch_size": batch}
    with running(samples.workspace(1, connector="webhook", settings=settings)) as server:
        load(server, batch=100, connections=4, seconds=_SECONDS_OF_LOAD if batch > 1 else 1)
        backlog = int(server.metric("assent_log_head"))
        with receiver(port):
            while (found := counted(port))[0] < backlog:
                time.sleep(0.2)
        return found[0] / found[1]


async def _by_hand(batch: int) -> float:
    port = free_port()
    bodies = iter([msgspec.json.encode([samples.event(number) for number in range(batch)])] * (_BY_HAND // batch))
    with receiver(port):
        async with aiohttp.ClientSession() as session:

            async def send() -> None:
                for body in bodies:
                    async with session.post(f"http://127.0.0.1:{port}/", data=body) as answer:
                        await answer.read()

            await asyncio.gather(*(send() for _ in range(8)))
        count, seconds = counted(port)
    return count / seconds


@contextlib.contextmanager
def receiver(port: int) -> Iterator[None]:
    """A webhook that only counts, on the other core."""
    process = subprocess.Popen(on_core(CLIENT_CORE, [sys.executable, "-m", "benchmarks.receiver", str(port)]))
    try:
        while True:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                counted(port)
                break
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


def counted(port: int) -> tuple[int, float]:
    """How many events it has got, and in how many seconds."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        count, seconds = answer.read().split()
    return int(count), float(json.loads(seconds))
