"""Searching the log by time: what came long ago is found without looking at all that came later."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from assent.app.services import event_search
from assent.app.services.event_search import Searcher, Wanted
from assent.app.services.fates import Fates
from assent.delivery.in_force import InForce
from assent.domain.record import Record
from assent.domain.workspace import Version, Workspace
from assent.engine.policy import Policy
from assent.log.sqlite import SqliteLog
from assent.store.accounts import Accounts
from assent.store.database import open_database
from assent.store.ledger import Ledger
from assent.store.versions import Versions
from assent.testing import a_record

EVENTS = 6_000


@pytest.fixture
def fates(tmp_path: Path) -> Iterator[Fates]:
    """Of a workspace without destinations."""
    engine = open_database(f"sqlite:///{tmp_path / 'state.db'}")
    in_force = InForce(Version(0, Workspace(), 0, ""), Policy(Workspace()))
    yield Fates(Accounts(engine), Versions(engine), lambda: in_force, Ledger(engine))
    engine.dispose()


async def searched(log: SqliteLog, fates: Fates, wanted: Wanted, limit: int = 1_000) -> list[list[int]]:
    """The times of what each page found."""
    pages, before, looking = [], log.head, Searcher(log, fates)
    while True:
        page = await looking.search(wanted, limit, before)
        pages.append([one.record.received_at for one in page.found])
        if page.before is None:
            return pages
        before = page.before


def test_a_time_is_looked_for_where_it_is(tmp_path: Path, fates: Fates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_search, "MOST_SCANNED", 2_000)

    async def go() -> None:
        log = SqliteLog(tmp_path / "log.db")
        for first in range(0, EVENTS, 300):
            await log.append([a_record(f"m-{at}", at=at) for at in range(first, first + 300)], [])
        wanted = list(range(1_000, 1_250))[::-1]
        assert await searched(log, fates, Wanted(since=1_000, until=1_250)) == [wanted]
        assert await searched(log, fates, Wanted(since=1_000, until=1_250), limit=100) == [
            wanted[:100],
            wanted[100:200],
            wanted[200:],
        ]
        oldest = list(range(40))[::-1]
        assert await searched(log, fates, Wanted(until=40)) == [oldest]
        newest = list(range(EVENTS - 40, EVENTS))[::-1]
        assert await searched(log, fates, Wanted(since=EVENTS - 40)) == [newest]
        every = [at for page in await searched(log, fates, Wanted(), limit=700) for at in page]
        assert every == list(range(EVENTS))[::-1]
        await log.close()

    asyncio.run(go())


class TrimmedMeanwhile(SqliteLog):
    """A log that is trimmed just before it is read."""

    async def read(self, offset: int, limit: int) -> Sequence[Record]:
        await self.trim(350, 350)
        return await super().read(offset, limit)


def test_what_a_trim_leaves_is_found_all_the_same(tmp_path: Path, fates: Fates) -> None:
    async def go() -> None:
        log = TrimmedMeanwhile(tmp_path / "log.db")
        for first in range(0, 600, 100):
            await log.append([a_record(f"m-{at}", at=at) for at in range(first, first + 100)], [])
        assert await searched(log, fates, Wanted()) == [list(range(350, 600))[::-1]]
        assert log.start == 350
        await log.close()

    asyncio.run(go())


@pytest.mark.parametrize("text", ['CAFÉ "z', "caf\\u00e9", "Tested", '"x": "caf', '"x":"caf', "c:\\dir"])
def test_a_text_is_found_however_it_is_escaped(text: str) -> None:
    escaped = rb'{"event": "Tested", "properties": {"x": "Caf\u00e9 \"Z\" C:\\dir"}}'
    record = msgspec.structs.replace(a_record("m-1"), body=escaped)
    assert Wanted(text=text).wants(record)
    assert not Wanted(text=f"{text}?").wants(record)
