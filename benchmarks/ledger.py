"""The ledger with many people: how fast it is filled, somebody is found, events are read, and one is stamped."""

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec

from assent.app.services.ledger_import import import_rows
from assent.app.wiring import Stores, open_stores
from assent.delivery.hearing import Hearing
from assent.delivery.known_consent import KnownConsent
from assent.domain.receipt import Method, Preference, Statement, Subject
from assent.domain.record import Record
from assent.domain.workspace import Consent, RuleOverrides, Workspace
from assent.engine.accept import Arrival, OneEvent
from assent.engine.policy import Policy
from benchmarks.table import table

PEOPLE: Final = int(os.environ.get("LEDGER_PEOPLE", "1000000"))
"""Fewer than a million take less than half an hour, and show less."""

_ANSWERS_EACH: Final = 5
_NEWS: Final = 0.05
_READ: Final = 200_000
_A_PAGE: Final = 2_000
_A_WORKERS_PAGE: Final = 500
_GROUP: Final = 5_000
_LOOKED_UP: Final = 5_000
_NOON: Final = 1_767_268_800_000
_MAPPING: Final = {"id": "userId", "ads": "category:ads", "stats": "category:stats"}


def run() -> str:
    with TemporaryDirectory() as directory:
        stores = open_stores(Path(directory))
        chance = random.Random(5)
        imported = _seconds(lambda: _import(stores))
        filled = _seconds(lambda: _fill(stores, chance))
        size = sum(one.stat().st_size for one in Path(directory).iterdir())
        p50, p99 = _look_up(stores, chance)
        read = _READ / _seconds(lambda: _hear(stores, list(_pages(chance))))
        cold, warm = _stamp(stores, chance)
        stores.engine.dispose()
    rows = [
        (f"import {PEOPLE:,} rows", f"{imported:,.0f} s", f"{PEOPLE / imported:,.0f} a second"),
        (
            f"{(_ANSWERS_EACH - 1) * PEOPLE:,} more receipts",
            f"{filled:,.0f} s",
            f"{(_ANSWERS_EACH - 1) * PEOPLE / filled:,.0f} a second",
        ),
        ("on disk", f"{size / 1e9:.1f} GB", f"{size / (_ANSWERS_EACH * PEOPLE):,.0f} bytes a receipt"),
        ("find a person", f"p50 {p50:.2f} ms", f"p99 {p99:.2f} ms"),
        ("read the log, 5 % with news", "", f"{read:,.0f} events a second"),
        ("stamp an event", f"{cold:.1f} us anybody", f"{warm:.1f} us asked for lately"),
    ]
    return table(
        "The consent ledger",
        (f"{PEOPLE:,} people, {_ANSWERS_EACH * PEOPLE:,} receipts", "", ""),
        rows,
        f"On the embedded store, in one thread. The {_READ:,} events that are read are of random people; those without "
        "news repeat what their device said. To find a person is one transaction that reads what is known by an id. "
        f"Stamping is measured per event in pages of {_A_WORKERS_PAGE}, as a worker reads them.",
    )


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _import(stores: Stores) -> None:
    rows = ({"id": f"user-{number}", "ads": "yes", "stats": "no"} for number in range(PEOPLE))
    import_rows(stores, rows, _MAPPING, source="benchmark", at=_NOON)


def _fill(stores: Stores, chance: random.Random) -> None:
    """Everybody answers four times more, in any order; each has a device."""
    for turn in range(1, _ANSWERS_EACH):
        for first in range(0, PEOPLE, _GROUP):
            stores.ledger.add(
                [_statement(turn, number, chance) for number in range(first, min(first + _GROUP, PEOPLE))]
            )


def _statement(turn: int, number: int, chance: random.Random) -> Statement:
    answers = {one: chance.choice((Preference.GRANTED, Preference.DENIED)) for one in ("ads", "stats")}
    at = _NOON + turn * 1_000
    subject = Subject(f"user-{number}", f"device-{number}")
    return Statement(subject, answers, Method.EVENT, "web", at, at, _body(number, answers["ads"] is Preference.GRANTED))


def _look_up(stores: Stores, chance: random.Random) -> tuple[float, float]:
    times = []
    for _ in range(_LOOKED_UP):
        number = chance.randrange(PEOPLE)
        subject = chance.choice((Subject(f"user-{number}"), Subject(None, f"device-{number}")))
        times.append(1000 * _seconds(lambda subject=subject: stores.ledger.profile(subject)))  # type: ignore[misc]
    times.sort()
    return times[len(times) // 2], times[len(times) * 99 // 100]


def _body(number: int, ads: bool | None) -> bytes:
    event: dict[str, Any] = {
        "event": "Order Completed",
        "messageId": f"m-{number}",
        "userId": f"user-{number}",
        "anonymousId": f"device-{number}",
        "properties": {"product_id": "507f1f77bcf86cd799439011", "price": 49.9, "currency": "EUR"},
    }
    if ads is not None:
        event["context"] = {"consent": {"categoryPreferences": {"ads": ads, "stats": True}}}
    return msgspec.json.encode(event)


def _record(number: int, ads: bool | None) -> Record:
    arrival = Arrival("web", enabled=True, received_at=_NOON + 10_000, new_id=str)
    (record,), _ = OneEvent(_body(number, ads), "track").accept(arrival)
    return record


def _pages(chance: random.Random) -> Iterator[list[Record]]:
    """Of the people who come by, each says something once and repeats it, so that one in twenty events is news."""
    visitors = [chance.randrange(PEOPLE) for _ in range(int(_READ * _NEWS))]
    said = {number: chance.random() < 0.5 for number in visitors}
    events = [_record(number, said[number]) for number in chance.choices(visitors, k=_READ)]
    for first in range(0, _READ, _A_PAGE):
        yield events[first : first + _A_PAGE]


def _hear(stores: Stores, pages: list[list[Record]]) -> None:
    hearing, at = Hearing(stores.ledger), stores.ledger.state().position
    for page in pages:
        hearing.take_in(page, at, at)
        at += len(page)


def _stamp(stores: Stores, chance: random.Random) -> tuple[float, float]:
    policy = Policy(Workspace(consent=Consent(rules=RuleOverrides(unstamped_events="stamp"))))
    known = KnownConsent(stores.ledger)
    end = stores.ledger.state().position
    numbers = [chance.randrange(PEOPLE) for _ in range(20_000)]
    records = [(end + at, _record(number, None)) for at, number in enumerate(numbers)]

    def stamp_all() -> None:
        for first in range(0, len(records), _A_WORKERS_PAGE):
            page = records[first : first + _A_WORKERS_PAGE]
            found = known.look(page, then=True, now=False)
            for offset, record in page:
                if found.stamp(policy, offset, record) is None:
                    raise AssertionError("everybody is known")

    return tuple(1e6 * _seconds(stamp_all) / len(records) for _ in range(2))  # type: ignore[return-value]
