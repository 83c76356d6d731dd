"""A trial over millions of events: from counts by routing key, beside deciding every event in the log again."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from assent.app.services.trials import trial
from assent.app.services.workspaces import apply
from assent.app.wiring import Stores, open_stores
from assent.app.workspace_file import workspace_of
from assent.domain.decision import Verdict
from assent.domain.record import Record
from assent.domain.workspace import Workspace
from assent.engine.policy import Policy
from assent.engine.routing import routing_key
from assent.log.sqlite import SqliteLog
from benchmarks import samples
from benchmarks.table import table

_NOON = 1_767_268_800_000
_A_COMMIT = 5_000
_DESTINATIONS = 30
_READ_AGAIN = 300_000
_EVENTS = 5_100_000
"""Both are multiples of all numbers of keys, so that a part says how many there are in all."""
_A_DAY_MS = 86_400_000


def run() -> str:
    rows = [_row(_EVENTS, keys) for keys in (300, 100_000)]
    return table(
        "Trying a change of the rules on the events in the log",
        ("events", "distinct routing keys", "Assent: a trial, s", "deciding every event again, s"),
        rows,
        f"{_DESTINATIONS} destinations, six categories; the change (every destination needs a second category, "
        "`several_categories: all`) touches all of them. The events came in over one day. A trial counts exactly, by "
        "reason, and finds examples; deciding every event again reads the log, compares the verdicts of two compiled "
        f"policies, and only counts: measured on the first {_READ_AGAIN:,} events, and multiplied.",
    )


def _row(events: int, keys: int) -> tuple[str, str, str, str]:
    with TemporaryDirectory() as directory:
        return asyncio.run(_measure(Path(directory), events, keys))


async def _measure(directory: Path, events: int, keys: int) -> tuple[str, str, str, str]:
    stores = open_stores(directory)
    log = SqliteLog(directory / "log.db")
    document = samples.workspace(_DESTINATIONS)
    apply(stores, workspace_of(document), author="benchmark", at=_NOON)
    for records in _records(events, keys):
        await log.append(records, [])
    new = workspace_of({**document, "consent": _stricter(document["consent"])})
    counted, seconds = await _trial(stores, log, new)
    again, seconds_again = await _again(log, stores.current().workspace, new, _READ_AGAIN)
    if not again or counted != {name: changed * events // _READ_AGAIN for name, changed in again.items()}:
        raise ValueError("the two do not agree")
    await log.close()
    stores.engine.dispose()
    return f"{events:,}", f"{keys:,}", f"{seconds:.2f}", f"{seconds_again * events / _READ_AGAIN:.0f}"


def _stricter(consent: dict[str, Any]) -> dict[str, Any]:
    """Every destination needs the next category as well."""
    categories = consent["categories"]
    mapped = [one["destinations"] for one in categories]
    more = [{**one, "destinations": [*mapped[at], *mapped[at - 1]]} for at, one in enumerate(categories)]
    return {"categories": more, "rules": {"several_categories": "all"}}


def _records(events: int, keys: int) -> Iterator[list[Record]]:
    bodies: list[tuple[bytes, bytes]] = []
    for number in range(keys):
        said = {one: bool(number >> index & 1) for index, one in enumerate(samples.CATEGORIES)}
        event: dict[str, Any] = {"context": {"consent": {"categoryPreferences": {**said, f"other-{number}": True}}}}
        body = msgspec.json.encode({"type": "track", "event": "Viewed", "userId": f"u-{number}", **event})
        bodies.append((routing_key(event), body))
    for first in range(0, events, _A_COMMIT):
        yield [
            Record(
                "web",
                _NOON - _A_DAY_MS + number * _A_DAY_MS // events,
                "track",
                f"m{number}",
                *bodies[number % keys],
                event="Viewed",
            )
            for number in range(first, min(events, first + _A_COMMIT))
        ]


async def _trial(stores: Stores, log: SqliteLog, new: Workspace) -> tuple[dict[str, int], float]:
    started = time.perf_counter()
    tried = await trial(stores, log, new, hours=24, at=_NOON)
    seconds = time.perf_counter() - started
    return {one.destination: one.newly_delivered - one.newly_withheld for one in tried.effects}, seconds


async def _again(log: SqliteLog, old: Workspace, new: Workspace, events: int) -> tuple[dict[str, int], float]:
    started = time.perf_counter()
    before, after = Policy(old).decide_key, Policy(new).decide_key
    found: dict[str, int] = {}
    offset = log.start
    while offset < events:
        records = await log.read(offset, min(_A_COMMIT, events - offset))
        for record in records:
            _compare(before, after, record.routing_key, found)
        offset += len(records)
    return {name: events for name, events in found.items() if events}, time.perf_counter() - started


def _compare(before: Callable[[bytes], Any], after: Callable[[bytes], Any], key: bytes, found: dict[str, int]) -> None:
    was, is_ = before(key), after(key)
    for name, decision in is_.items():
        change = (decision.verdict is Verdict.DELIVER) - (was[name].verdict is Verdict.DELIVER)
        if change:
            found[name] = found.get(name, 0) + change
