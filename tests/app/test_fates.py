"""The fates of many events at once are those of each by itself, over versions, attempts and who came and went."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import event as sql

from assent.app.services.fates import Fates
from assent.delivery.in_force import InForce
from assent.domain.decision import Decision, Reason, Verdict
from assent.domain.outcome import Attempt, Span, State
from assent.domain.workspace import Category, Consent, Destination, Workspace
from assent.engine.policy import Policy
from assent.log.interface import Found
from assent.store.accounts import Accounts, Settlement
from assent.store.database import open_database
from assent.store.versions import Versions
from assent.testing import a_record

EVENTS = 40
FIRST = Workspace(
    consent=Consent(categories=(Category("ad", destinations=("crm", "ads", "gone")),)),
    destinations=(Destination("crm"), Destination("ads"), Destination("gone")),
)
SECOND = replace(
    FIRST,
    consent=Consent(categories=(Category("ad", enabled=False, destinations=("crm",)),)),
    destinations=(Destination("crm"), Destination("ads"), Destination("new")),
)


class Rig:
    """Accounts of forty events: two versions, one destination that was removed and one that came, attempts, and what is
    still unread."""

    def __init__(self, directory: Path) -> None:
        self.engine = open_database(f"sqlite:///{directory / 'state.db'}")
        self.accounts, versions = Accounts(self.engine), Versions(self.engine)
        versions.save(FIRST, after=0, at=1, author="a")
        newest = versions.save(SECOND, after=1, at=2, author="a")
        self.fates = Fates(self.accounts, versions, lambda: InForce(newest, Policy(newest.workspace)))
        for name in ("crm", "ads", "gone"):
            self.accounts.open(name, 0)
        self._read("crm", 0, 15, 1)
        self._read("crm", 15, 30, 2)
        self._read("ads", 0, 20, 1, attempted=(3, 4, 17))
        self._read("gone", 0, 10, 1)
        self.accounts.remove("gone", 12)
        self.accounts.open("new", 25)
        self._read("new", 25, 40, 2, attempted=(39,))
        self.found = [
            Found(number, a_record(f"m-{number}", context={"consent": {"categoryPreferences": {"ad": number % 3 > 0}}}))
            for number in range(EVENTS)
        ]

    def _read(self, name: str, start: int, end: int, version: int, attempted: tuple[int, ...] = ()) -> None:
        decision = Decision(Verdict.DELIVER, Reason.CONSENTED, ("ad",))
        attempts = [
            Attempt(name, offset, "web", f"m-{offset}", State.RETRYING, decision, version, 1, 0, 9)
            for offset in attempted
        ]
        self.accounts.settle(Settlement(name, 0, {}, attempts, Span(name, start, end, version)))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.engine.dispose()


def test_the_fates_of_many_are_those_of_each(rig: Rig) -> None:
    at_once = rig.fates.between(0, EVENTS)
    alone = [rig.fates.between(one.offset, one.offset + 1).of(one) for one in rig.found]
    # In any order, because what is alike is worked out once.
    assert [at_once.of(one) for one in reversed(rig.found)][::-1] == alone

    def states(name: str) -> str:
        by_name = [{one.destination: one for one in fates} for fates in alone]
        return "".join((str(one[name].state or "-") if name in one else " ")[0] for one in by_name)

    # The first letters: delivered, withheld, retrying, unread, or never its to read; blank where it is not shown.
    assert states("crm") == "wddwddwddwddwdd" + "w" * 15 + "u" * 10
    assert states("gone") == "wddwddwddw" + "uu" + " " * 28
    assert states("new") == "-" * 25 + "w" * 14 + "r"


def test_few_questions_are_asked_for_many_events(rig: Rig) -> None:
    asked: list[str] = []
    sql.listen(rig.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
    at_once = rig.fates.between(0, EVENTS)
    for one in rig.found:
        at_once.of(one)
    selects = [one for one in asked if one.startswith("SELECT")]
    # Cursors, spans, readings, attempts, and the version that is no longer in force.
    assert len(selects) == 5, selects
