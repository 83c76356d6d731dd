"""Accepting events: how many a second one core puts on disk, and how long a request waits."""

import shutil
import sys
from collections.abc import Sequence

from benchmarks import samples
from benchmarks.server import Load, load, running
from benchmarks.table import table

_SECONDS = 15
_SINGLE, _BATCHED = (1, 64), (100, 16)


def run() -> str:
    if shutil.which("wrk") is None:
        return "## Accepting events\n\nNot measured: wrk is not on this machine (`apt-get install wrk`).\n"
    plain = [sys.executable, "-m", "benchmarks.plain_server"]
    rows = [
        _row("Assent, single requests", _measure(_SINGLE)),
        _row("Assent, single requests, delivering to 6 destinations", _measure(_SINGLE, destinations=6)),
        _row(
            "Assent, single requests, without checkpoints",
            _measure(_SINGLE, command=[sys.executable, "-m", "benchmarks.unchecked_server"]),
        ),
        _row("Assent, batches of 100", _measure(_BATCHED)),
        _row("Assent, batches of 100, delivering to 6 destinations", _measure(_BATCHED, destinations=6)),
        _row("uvicorn alone, answering unread", _measure(_SINGLE, command=[*plain, "unread"])),
        _row("Litestar, json and one SQLite commit a request", _measure(_SINGLE, command=[*plain, "litestar"])),
    ]
    return table(
        "Accepting events, one core",
        ("server", "events/s", "p50 ms", "p99 ms", "longest ms", "CPU us an event"),
        rows,
        f"Events of about 1.2 KB; wrk on the other core, {_SINGLE[1]} connections for single requests and "
        f"{_BATCHED[1]} for batches, {_SECONDS} s each. Every answer of Assent and of the Litestar server comes after "
        "an fsync. Latencies are under full load. The destinations are black holes: what they cost is reading, "
        "deciding, rebuilding each event and settling.",
    )


def _measure(how: tuple[int, int], *, destinations: int = 0, command: Sequence[str] | None = None) -> Load:
    batch, connections = how
    with running(samples.workspace(destinations), command=command) as server:
        load(server, batch=batch, connections=connections, seconds=2)
        return load(server, batch=batch, connections=connections, seconds=_SECONDS)


def _row(name: str, measured: Load) -> tuple[str, ...]:
    return (
        name,
        f"{measured.events_a_second:,.0f}",
        f"{measured.median:.1f}",
        f"{measured.p99:.1f}",
        f"{measured.most:.0f}",
        f"{measured.cpu:.1f}",
    )
