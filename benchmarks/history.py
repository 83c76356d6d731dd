"""A data directory with a history: events of four weeks, delivered, as if a server had run all the time.

It shortcuts HTTP and the workers, which would take hours: events go into the log in big groups, and what the workers
would have counted is written in bulk. Log, tables, policy and routing keys are the real ones.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Table, insert

from assent.app.services.workspaces import apply
from assent.app.wiring import Stores, now, open_log, open_stores
from assent.app.workspace_file import workspace_of
from assent.domain.decision import Decision, Verdict
from assent.domain.outcome import Attempt, Span, State
from assent.domain.record import Discard, DiscardCode, Record
from assent.domain.workspace import Workspace
from assent.engine.accept import Arrival, OneEvent
from assent.engine.policy import Policy
from assent.store.accounts import Settlement
from assent.store.tables import counters, day_counters, event_counters, event_day_counters, hour_counters
from benchmarks.samples import CATEGORIES

DAYS: Final = 28
SOURCES: Final = ("web", "app", "server")
DESTINATIONS: Final = ("analytics", "ads", "crm", "lake", "chat", "partner")
MESSAGE_ID: Final = "history-%012d"
_NAMES: Final = 20
_GROUP: Final = 5_000
_ROWS: Final = 20_000
_FAILED: Final = 5_000
_MINUTE_MS: Final = 60_000


class _Kind(NamedTuple):
    """Events with one routing key and one name; `head` and `tail` are their JSON before and after the message id."""

    name: str
    key: bytes
    head: bytes
    tail: bytes
    decisions: tuple[tuple[str, State, str], ...]


def make_history(data: Path, events: int, keys: int) -> Stores:
    """Fill a fresh data directory with `events` of `keys` distinct routing keys; its stores stay open."""
    stores = open_stores(data)
    started = now() - DAYS * 24 * 3600 * 1000
    workspace = workspace_of(_workspace())
    version = apply(stores, workspace, author="benchmark", at=started, comment="the first")
    kinds = list(_kinds(version.workspace, keys))
    for one in DESTINATIONS:
        stores.accounts.open(one, 0)
    counts = asyncio.run(_fill_log(data, kinds, events, started))
    with stores.engine.begin() as connection:
        _write_counters(connection, kinds, counts)
    for one in DESTINATIONS:
        # The cursor and the span, without counts, which are there already.
        stores.accounts.settle(Settlement(one, now() // _MINUTE_MS, {}, _failed(one, events), Span(one, 0, events, 1)))
    return stores


def _workspace() -> dict[str, Any]:
    """Six destinations, one of which is in two categories and one in none."""
    members = {category: list(DESTINATIONS[index : index + 2]) for index, category in enumerate(CATEGORIES[:4])}
    return {
        "workspace": "Benchmark",
        "consent": {
            "categories": [
                {"id": one, "name": f"Purpose {one}", "destinations": [name for name in ids if name != "partner"]}
                for one, ids in members.items()
            ]
        },
        "sources": [{"id": one, "write_key": f"{one}-key"} for one in SOURCES],
        "destinations": [{"id": one, "connector": "blackhole"} for one in DESTINATIONS],
    }


def _kinds(workspace: Workspace, keys: int) -> Iterator[_Kind]:
    """The first 300 routing keys as real traffic has them: 64 combinations of answers, with five integrations objects.

    Beyond them, what clients may do: integrations objects of their own, and in one of ten a category that nobody
    defined.
    """
    policy = Policy(workspace)
    arrival = Arrival("web", enabled=True, received_at=0, new_id=str)
    objects: list[dict[str, bool]] = [{}, {"ads": False}, {"All": False, "lake": True}, {"chat": False}, {"crm": True}]
    for number in range(keys):
        consent = {one: bool(number >> index & 1) for index, one in enumerate(CATEGORIES)}
        odd = number // 64 >= len(objects)
        if odd and number % 10 == 0:
            consent[f"undefined-{number}"] = True
        named = {f"Integration {bit}": bool(number >> bit & 1) for bit in range(6, 15)}
        event = {
            "type": "track",
            "event": f"Event Number {number % _NAMES}",
            "messageId": "*",
            "userId": f"user-{number}",
            "context": {"consent": {"categoryPreferences": consent}} if number % 20 else {},
            "integrations": named if odd else objects[number // 64],
            "properties": {"product_id": "507f1f77bcf86cd799439011", "price": 49.9, "currency": "EUR"},
        }
        body = json.dumps(event, separators=(",", ":")).encode()
        (record,), _ = OneEvent(body, "track").accept(arrival)
        head, tail = body.split(b"*")
        decisions = tuple((name, *_account(one)) for name, one in policy.decide_key(record.routing_key).items())
        yield _Kind(record.event, record.routing_key, head, tail, decisions)


def _account(decision: Decision) -> tuple[State, str]:
    return State.DELIVERED if decision.verdict is Verdict.DELIVER else State.WITHHELD, decision.reason


async def _fill_log(data: Path, kinds: list[_Kind], events: int, started: int) -> Counter[tuple[int, str, int]]:
    """Append the events; how many there were by minute, source and kind."""
    chance = random.Random(7)
    weights = [1 / (number + 3) for number in range(len(kinds))]
    counts: Counter[tuple[int, str, int]] = Counter()
    step = DAYS * 24 * 3600 * 1000 / events
    log = open_log(data)
    for first in range(0, events, _GROUP):
        records = []
        size = min(_GROUP, events - first)
        chosen = chance.choices(range(len(kinds)), weights, k=size)
        sources = chance.choices(SOURCES, (5, 3, 1), k=size)
        for number, which, source in zip(range(first, first + size), chosen, sources, strict=True):
            kind, at, id_ = kinds[which], int(started + number * step), MESSAGE_ID % number
            body = b"%b%b%b" % (kind.head, id_.encode(), kind.tail)
            records.append(Record(source, at, "track", id_, kind.key, body, event=kind.name))
            counts[at // _MINUTE_MS, source, which] += 1
        discards = [
            Discard(source, records[0].received_at, code, b'{"event":"Nobody"}')
            for source in SOURCES
            for code in (DiscardCode.NO_USER_ANON_ID, DiscardCode.EVENT_NOT_DEFINED)
        ]
        await log.append(records, discards)
    await log.close()
    return counts


def _write_counters(connection: Connection, kinds: list[_Kind], counts: Counter[tuple[int, str, int]]) -> None:
    by_account: dict[tuple[Table, int], Counter[tuple[Any, ...]]] = {
        (counters, 1): Counter(),
        (hour_counters, 60): Counter(),
        (day_counters, 24 * 60): Counter(),
    }
    by_name: dict[tuple[Table, int], Counter[tuple[Any, ...]]] = {
        (event_counters, 60): Counter(),
        (event_day_counters, 24 * 60): Counter(),
    }
    for (minute, source, which), events in counts.items():
        kind = kinds[which]
        for destination, state, reason in kind.decisions:
            for (_table, minutes), found in by_account.items():
                found[destination, minute // minutes, source, state, reason] += events
            for (_table, minutes), found in by_name.items():
                found[destination, minute // minutes, source, kind.name, state, reason] += events
    for (table, _minutes), found in by_account.items():
        _insert(connection, table, ("source", "state", "reason"), found)
    for (table, _minutes), found in by_name.items():
        _insert(connection, table, ("source", "event", "state", "reason"), found)


def _insert(connection: Connection, table: Table, keys: tuple[str, ...], counts: Counter[tuple[Any, ...]]) -> None:
    unit = next(one for one in ("minute", "hour", "day") if one in table.c)
    names = ("destination", unit, *keys)
    rows = iter(sorted(counts.items(), key=lambda one: one[0][1]))
    while some := list(islice(rows, _ROWS)):
        connection.execute(
            insert(table), [{**dict(zip(names, key, strict=True)), "events": events} for key, events in some]
        )


def _failed(destination: str, events: int) -> list[Attempt]:
    """The failures that are kept to be looked at: many at one destination."""
    if destination != "crm":
        return []
    decision = Decision(Verdict.DELIVER, "consented", ("C0003",))  # type: ignore[arg-type]
    return [
        Attempt(
            destination,
            offset,
            "web",
            MESSAGE_ID % offset,
            State.FAILED,
            decision,
            version=1,
            tried=1,
            first_at=now(),
            due_at=now(),
            answer="answered 422: no such field",
            http_status=422,
            settled_at=now(),
        )
        for offset in range(max(0, events - _FAILED), events)
    ]
