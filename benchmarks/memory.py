"""Memory of the server after five million events, and how it grew."""

import os
from itertools import pairwise

from benchmarks import samples
from benchmarks.server import Running, load, running
from benchmarks.table import table

_MARKS = (0, 1_000_000, 2_000_000, 3_000_000, 4_000_000, int(os.environ.get("BENCH_EVENTS", "5000000")))


def run() -> str:
    rows = []
    with running(samples.workspace(6)) as server:
        rows.append(("0", f"{server.megabytes():.0f}"))
        for _, mark in pairwise(_MARKS):
            _fill(server, mark)
            rows.append((f"{server.metric('assent_log_head'):,.0f}", f"{server.megabytes():.0f}"))
    return table(
        "Memory of the server",
        ("events in the log", "resident MB"),
        rows,
        "One process: gateway, API and delivery to six black holes. It remembers the message ids of a day, 8 bytes "
        "each in a table that is at most 60 % full, and the newest 24 MB of the log.",
    )


def _fill(server: Running, events: int) -> None:
    while server.metric("assent_log_head") < events:
        load(server, batch=100, connections=8, seconds=2)
