"""The ledger with many people: how fast it is filled, somebody is found, events are read, and one is stamped."""

import gc
import os
import random
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import msgspec

from assent.app.services.ledger_import import import_rows
from assent.app.wiring import Stores, open_stores
from assent.delivery.hearing import Hearing
from assent.delivery.known_consent import REMEMBERED, KnownConsent
from assent.domain.receipt import Method, Preference, Statement, Subject
from assent.domain.record import Record
from assent.domain.workspace import Consent, RuleOverrides, Workspace
from assent.engine.accept import Arrival, OneEvent
from assent.engine.policy import Policy
from benchmarks.table import table

PEOPLE: Final = int(os.environ.get("LEDGER_PEOPLE", "1000000"))
"""Fewer than a million take less time, and show less."""

_ANSWERS_EACH: Final = 5
_NEWS: Final = 0.05
_READ: Final = 200_000
_A_PAGE: Final = 2_000
_A_WORKERS_PAGE: Final = 500
_GROUP: Final = 2_500
_LOOKED_UP: Final = 5_000
_STAMPED: Final = 20_000
_NOON: Final = 1_767_268_800_000
_MAPPING: Final = {"id": "userId", "ads": "category:ads", "stats": "category:stats"}


def run() -> str:
    more = (_ANSWERS_EACH - 1) * PEOPLE
    with TemporaryDirectory() as directory:
        stores = open_stores(Path(directory))
        chance = random.Random(5)
        imported = _taken(lambda: _import(stores))
        filled = _taken(lambda: _fill(stores, chance))
        size = sum(one.stat().st_size for one in Path(directory).iterdir())
        found = _look_up(stores, chance)
        pages = list(_pages(chance))
        read = _taken(lambda: _hear(stores, pages))
        cold, warm = _stamp(stores, chance)
        remembered = _bytes_a_person(stores, chance)
        stores.engine.dispose()
    rows = [
        (f"import {PEOPLE:,} rows", f"{imported.seconds:,.0f} s", *imported.each(PEOPLE)),
        (f"{more:,} more receipts, by person", f"{filled.seconds:,.0f} s", *filled.each(more)),
        ("on disk", f"{size / 1e9:.1f} GB", f"{size / (_ANSWERS_EACH * PEOPLE):,.0f} bytes a receipt", ""),
        ("find a person", f"p50 {_at(found, 50):.2f} ms", f"p99 {_at(found, 99):.2f} ms", _cpu_of(found)),
        ("read the log, 5 % with news", f"{read.seconds:,.0f} s", *read.each(_READ)),
        ("stamp an event about anybody", "", *cold.each(_STAMPED)),
        ("stamp an event about somebody asked for lately", "", *warm.each(_STAMPED)),
        (
            "remember who was asked for",
            f"{remembered:,.0f} bytes a person",
            f"{REMEMBERED * remembered / 1e6:,.0f} MB at most",
            "",
        ),
    ]
    return table(
        "The consent ledger",
        (f"{PEOPLE:,} people, {_ANSWERS_EACH * PEOPLE:,} receipts", "", "", "CPU"),
        rows,
        f"On the embedded store, in one thread. The {_READ:,} events that are read are of random people; those without "
        "news repeat what their device said. To find a person is one transaction that reads what is known by an id. "
        f"Stamping is measured per event in pages of {_A_WORKERS_PAGE}, as a worker reads them. The time of the CPU "
        "says what is left when nothing else runs on the machine, and the disk is fast.",
    )


class _Taken(NamedTuple):
    """How long something took, and how much of that it was computing."""

    seconds: float
    cpu: float

    def each(self, times: int) -> tuple[str, str]:
        return f"{times / self.seconds:,.0f} a second", f"{1e6 * self.cpu / times:,.1f} us"


def _taken(work: Callable[[], object]) -> _Taken:
    started, cpu = time.perf_counter(), time.process_time()
    work()
    return _Taken(time.perf_counter() - started, time.process_time() - cpu)


def _at(taken: Sequence[_Taken], percent: int) -> float:
    """Milliseconds of the slowest but the slowest few."""
    return 1e3 * sorted(one.seconds for one in taken)[len(taken) * percent // 100]


def _cpu_of(taken: Sequence[_Taken]) -> str:
    return f"p99 {1e3 * sorted(one.cpu for one in taken)[len(taken) * 99 // 100]:.2f} ms"


def _import(stores: Stores) -> None:
    rows = ({"id": f"user-{number}", "ads": "yes", "stats": "no"} for number in range(PEOPLE))
    import_rows(stores, rows, _MAPPING, source="benchmark", at=_NOON)


def _fill(stores: Stores, chance: random.Random) -> None:
    """Everybody answers four times more, each on a device. To have it done in minutes, the answers of some thousands
    come together."""
    for first in range(0, PEOPLE, _GROUP):
        some = range(first, min(first + _GROUP, PEOPLE))
        stores.ledger.add([_statement(turn, one, chance) for turn in range(1, _ANSWERS_EACH) for one in some])


def _statement(turn: int, number: int, chance: random.Random) -> Statement:
    answers = {one: chance.choice((Preference.GRANTED, Preference.DENIED)) for one in ("ads", "stats")}
    at = _NOON + turn * 1_000
    subject = Subject(f"user-{number}", f"device-{number}")
    return Statement(subject, answers, Method.EVENT, "web", at, at, _body(number, answers["ads"] is Preference.GRANTED))


def _look_up(stores: Stores, chance: random.Random) -> list[_Taken]:
    taken = []
    for _ in range(_LOOKED_UP):
        number = chance.randrange(PEOPLE)
        subject = chance.choice((Subject(f"user-{number}"), Subject(None, f"device-{number}")))
        taken.append(_taken(partial(stores.ledger.profile, subject)))
    return taken


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


def _stamp(stores: Stores, chance: random.Random) -> tuple[_Taken, _Taken]:
    policy = Policy(Workspace(consent=Consent(rules=RuleOverrides(unstamped_events="stamp"))))
    known = KnownConsent(stores.ledger)
    end = stores.ledger.state().position
    records = [(end + at, _record(chance.randrange(PEOPLE), None)) for at in range(_STAMPED)]

    def stamp_all() -> None:
        for first in range(0, len(records), _A_WORKERS_PAGE):
            page = records[first : first + _A_WORKERS_PAGE]
            found = known.look(page, then=True, now=False)
            for offset, record in page:
                if found.stamp(policy, offset, record) is None:
                    raise AssertionError("everybody is known")

    return _taken(stamp_all), _taken(stamp_all)


def _bytes_a_person(stores: Stores, chance: random.Random) -> float:
    """How much memory it takes to have somebody's consent at hand."""
    end = stores.ledger.state().position
    people = chance.sample(range(PEOPLE), min(PEOPLE, _A_PAGE))
    events = [(end, _record(number, None)) for number in people]
    known = KnownConsent(stores.ledger)
    tracemalloc.start()
    known.look(events, then=True, now=False)
    gc.collect()
    remembered, _most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return remembered / len(people)
