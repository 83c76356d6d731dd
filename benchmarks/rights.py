"""What suppression costs each event, and how long a deletion takes and keeps others waiting."""

import asyncio
import gc
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from typing import Any

import msgspec

from assent.app.wiring import now
from assent.domain.regulation import SubjectId, SubjectType
from assent.engine.accept import Arrival, OneEvent
from assent.engine.person import People
from assent.engine.suppression import Digests, Suppressions
from assent.log.sqlite import SqliteLog
from assent.testing import a_record
from benchmarks import samples
from benchmarks.table import table

_ROUNDS = 80
_EVENTS = 400
_SUPPRESSED = 100_000
_IN_LOG = 500_000
_PEOPLE = 1_000


def run() -> str:
    return _suppression() + "\n" + asyncio.run(_deletion())


def _suppression() -> str:
    nobody = Suppressions(Digests(b"a key"))
    digests = Digests(b"a key")
    many = Suppressions(digests)
    gone = frozenset(digests.of_user(f"gone-{one}") for one in range(_SUPPRESSED))
    many.replace({SubjectType.USER_ID: gone})
    both = Suppressions(digests)
    both.replace({SubjectType.USER_ID: gone, SubjectType.ANONYMOUS_ID: gone})
    plain = {f"gone-{one}" for one in range(_SUPPRESSED)}
    fresh = [_body(f"p{one}") for one in range(_ROUNDS * _EVENTS)]
    returning = [_body(f"p{one}") for one in range(_EVENTS)] * _ROUNDS
    ways: list[tuple[str, Callable[[bytes], Any], list[bytes]]] = [
        ("nobody is suppressed", lambda body: _accept(body, nobody or None), fresh),
        (f"{_SUPPRESSED:,} user ids are, everybody is new", lambda body: _accept(body, many or None), fresh),
        (f"{_SUPPRESSED:,} user ids are, people return", lambda body: _accept(body, many or None), returning),
        ("and as many anonymous ids, everybody is new", lambda body: _accept(body, both or None), fresh),
        ("and as many anonymous ids, people return", lambda body: _accept(body, both or None), returning),
        (f"by hand: json, and a set of {_SUPPRESSED:,} ids in clear", lambda body: _by_hand(body, plain), fresh),
    ]
    times = _microseconds([(way, bodies) for _name, way, bodies in ways])
    rows = [
        (name, f"{spent:.2f}", f"{spent - times[0]:+.2f}" if 0 < index < len(ways) - 1 else "")
        for index, ((name, _way, _bodies), spent) in enumerate(zip(ways, times, strict=True))
    ]
    return table(
        "Suppression, one core",
        ("accepting an event while", "us an event", "for suppression"),
        rows,
        f"Events of {len(fresh[0])} bytes with a user id and an anonymous id, both looked up as keyed digests; the "
        f"fastest of {_ROUNDS} rounds. The way by hand only looks the ids up: it accepts nothing.",
    )


def _body(person: str) -> bytes:
    event = msgspec.json.decode(samples.body(7))
    return msgspec.json.encode({**event, "userId": person, "anonymousId": f"browser-{person}"})


def _accept(body: bytes, held: Suppressions | None) -> Any:
    return OneEvent(body, "track").accept(Arrival("web", True, 0, lambda: "made", suppressions=held))


def _by_hand(body: bytes, held: set[str]) -> bool:
    event = json.loads(body)
    return event.get("userId") in held or event.get("anonymousId") in held


def _microseconds(ways: list[tuple[Callable[[bytes], Any], list[bytes]]]) -> list[float]:
    """Of each way; in turn, so that whatever else the machine does disturbs all of them alike."""
    best = [float("inf")] * len(ways)
    gc.disable()
    for start in range(0, _ROUNDS * _EVENTS, _EVENTS):
        for index, (way, bodies) in enumerate(ways):
            some = bodies[start : start + _EVENTS]
            started = time.perf_counter()
            for body in some:
                way(body)
            best[index] = min(best[index], (time.perf_counter() - started) / len(some) * 1e6)
    gc.enable()
    return best


async def _deletion() -> str:
    directory = Path(tempfile.mkdtemp())
    try:
        log = SqliteLog(directory / "log.db")
        await _fill(log)
        quiet = await _latencies(log, asyncio.create_task(asyncio.sleep(5)))
        started = time.perf_counter()
        erasing = asyncio.create_task(_erase(log))
        busy = await _latencies(log, erasing)
        seconds = time.perf_counter() - started
        await log.close()
    finally:
        shutil.rmtree(directory)
    rows = [
        ("nothing else is done", "", f"{quiet[0]:.1f}", f"{quiet[1]:.1f}", f"{quiet[2]:.1f}"),
        ("one person is deleted", f"{seconds:.1f}", f"{busy[0]:.1f}", f"{busy[1]:.1f}", f"{busy[2]:.1f}"),
    ]
    return table(
        f"Deleting one person of {_PEOPLE:,} from {_IN_LOG:,} events",
        ("accepting events while", "seconds", "p50 ms", "p99 ms", "longest ms"),
        rows,
        "A request of one event every 2 ms beside it, in the same process, each answered after an fsync. The deletion "
        "rests as long as it works, rewrites the blocks in which the person is, and leaves the write-ahead log empty.",
    )


async def _fill(log: SqliteLog) -> None:
    at, body = now(), msgspec.json.decode(samples.body(7))
    for start in range(0, _IN_LOG, 2_000):
        some = range(start, start + 2_000)
        await log.append([a_record(f"m{one}", at=at, **_of_person(body, one)) for one in some], [])


def _of_person(body: dict[str, Any], number: int) -> dict[str, Any]:
    return {**body, "userId": f"p{number % _PEOPLE}", "messageId": f"m{number}"}


async def _erase(log: SqliteLog) -> None:
    gone, position = People([SubjectId(SubjectType.USER_ID, "p7")]), 0
    while position < _IN_LOG:
        started = time.perf_counter()
        position = (await log.erase(gone, position, 1_000)).end
        await asyncio.sleep(time.perf_counter() - started)
    assert await log.purge()


async def _latencies(log: SqliteLog, meanwhile: "asyncio.Task[None]") -> tuple[float, float, float]:
    """Milliseconds to accept an event, until the task is done: the median, the 99th percentile, the longest."""
    found = []
    while not meanwhile.done():
        started = time.perf_counter()
        await log.append([a_record(f"now-{time.perf_counter_ns()}", at=now())], [])
        found.append((time.perf_counter() - started) * 1e3)
        await asyncio.sleep(0.002)
    await meanwhile
    cuts = quantiles(found, n=100)
    return cuts[49], cuts[98], max(found)
