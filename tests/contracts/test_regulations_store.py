"""The contract of regulations at rest: who is suppressed, who is known by name and how long, and what is taken out."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from databases import DATABASES
from sqlalchemy import Engine, select

from assent.domain.decision import Decision, Reason, Verdict
from assent.domain.errors import NotFound
from assent.domain.outcome import Attempt, Span, State
from assent.domain.regulation import Regulation, RegulationStatus, RegulationType, SubjectId, SubjectType, Told
from assent.domain.trail import Happening
from assent.engine.person import People
from assent.engine.suppression import Digests
from assent.store.accounts import Accounts, Settlement
from assent.store.counting import Account
from assent.store.database import open_database
from assent.store.erasure import erase_attempts, erase_texts
from assent.store.regulations import Regulations
from assent.store.tables import event_counters, event_day_counters, regulated
from assent.store.trail import Trail

ANN, BEN = SubjectId(SubjectType.USER_ID, "ann-77"), SubjectId(SubjectType.USER_ID, "ben-88")
SENT = Decision(Verdict.DELIVER, Reason.CONSENTED)


@pytest.fixture(params=DATABASES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(DATABASES[request.param](tmp_path))
    yield engine
    engine.dispose()


@pytest.fixture
def regulations(engine: Engine) -> Regulations:
    return Regulations(engine, Digests(b"a key"))


def ask(
    regulations: Regulations, id_: str, type_: RegulationType, *subjects: SubjectId, at: int = 1, why: str = ""
) -> Regulation:
    status = RegulationStatus.INITIALIZED if type_.deletes else RegulationStatus.FINISHED
    made = Regulation(id_, type_, SubjectType.USER_ID, len(subjects), status, "olivia", why, at)
    regulations.add(made, subjects, at=at)
    return made


def names_known(engine: Engine) -> Sequence[str | None]:
    with engine.connect() as connection:
        return connection.scalars(select(regulated.c.id).order_by(regulated.c.regulation)).all()


def test_who_is_suppressed_is_until_they_are_not(regulations: Regulations) -> None:
    ask(regulations, "reg_1", RegulationType.SUPPRESS_ONLY, ANN, BEN)
    assert len(regulations.suppressed_digests()[SubjectType.USER_ID]) == 2
    assert {one.id for one in regulations.suppressed(10)} == {"ann-77", "ben-88"}
    ask(regulations, "reg_2", RegulationType.SUPPRESS_ONLY, ANN, at=2)  # once more changes nothing
    found = regulations.suppression(ANN)
    assert found is not None
    assert found.regulation == "reg_1"
    ask(regulations, "reg_3", RegulationType.UNSUPPRESS, ANN, at=3)
    assert regulations.suppression(ANN) is None
    assert [one.id for one in regulations.suppressed(10)] == ["ben-88"]
    assert [one.id for one in regulations.about([ANN])] == ["reg_3", "reg_2", "reg_1"]
    assert [one.id for one in regulations.all(1, after=1)] == ["reg_2"]


def test_ids_are_known_only_as_long_as_a_deletion_needs_them(regulations: Regulations, engine: Engine) -> None:
    ask(regulations, "reg_1", RegulationType.SUPPRESS_ONLY, ANN)
    first = ask(regulations, "reg_2", RegulationType.SUPPRESS_WITH_DELETE, ANN)
    second = ask(regulations, "reg_3", RegulationType.DELETE_ONLY, ANN)
    assert list(names_known(engine)) == [None, "ann-77", "ann-77"]
    assert list(regulations.subjects(first)) == [ANN]
    regulations.forget_ids(first)
    assert list(names_known(engine)) == [None, None, "ann-77"], "the other deletion still needs it"
    found = regulations.suppression(ANN)
    assert found is not None
    assert found.id is None
    regulations.finish(msgspec.structs.replace(first, status=RegulationStatus.FINISHED, finished_at=9), at=9)
    assert [one.id for one in regulations.open()] == ["reg_3"]
    regulations.forget_ids(second)
    assert list(names_known(engine)) == [None, None, None]
    assert regulations.purge()


def test_how_far_it_is_leaves_why_alone(regulations: Regulations, engine: Engine) -> None:
    made = ask(regulations, "reg_1", RegulationType.DELETE_ONLY, ANN, why="ann-77 wrote")
    erase_texts(engine, People([ANN]))
    regulations.change(msgspec.structs.replace(made, position=7, status=RegulationStatus.RUNNING))
    kept = regulations.get("reg_1")
    assert (kept.why, kept.position, kept.status) == ("[deleted] wrote", 7, RegulationStatus.RUNNING)
    with pytest.raises(NotFound, match="no regulation `reg_2`"):
        regulations.get("reg_2")


def test_what_a_destination_said_is_kept_once(regulations: Regulations) -> None:
    ask(regulations, "reg_1", RegulationType.DELETE_ONLY, ANN)
    waiting = Told("crm", RegulationStatus.INITIALIZED)
    regulations.tell("reg_1", [waiting, Told("ads", RegulationStatus.NOT_SUPPORTED)])
    regulations.tell("reg_1", [msgspec.structs.replace(waiting, status=RegulationStatus.FINISHED, tried=2)])
    regulations.tell("reg_1", [])
    assert [(one.destination, one.status, one.tried) for one in regulations.told("reg_1")] == [
        ("ads", RegulationStatus.NOT_SUPPORTED, 0),
        ("crm", RegulationStatus.FINISHED, 2),
    ]


def test_attempts_say_nothing_of_erased_events(engine: Engine) -> None:
    accounts = Accounts(engine)
    accounts.open("crm", 0)
    tried = [
        Attempt("crm", offset, "web", f"m{offset}", State.FAILED, SENT, 1, 1, 0, 0, answer=f"no {offset}", settled_at=0)
        for offset in range(3)
    ]
    accounts.settle(Settlement("crm", 0, {}, tried, Span("crm", 0, 3, 1)))
    erase_attempts(engine, [1])
    kept = [(one.message_id, one.answer, one.state) for one in accounts.attempts()]
    assert kept == [("m0", "no 0", State.FAILED), ("", "", State.FAILED), ("m2", "no 2", State.FAILED)]


def test_people_are_taken_out_of_texts_and_of_names_of_events(engine: Engine) -> None:
    trail, accounts = Trail(engine), Accounts(engine)
    trail.add([Happening("Noted", "note", "n", {"of": "ann-77"}, {"of": "ben-88", "n": 7})], at=1, author="ann-77")
    accounts.open("crm", 0)
    counts = {
        Account("web", State.DELIVERED, Reason.CONSENTED, name): 2 for name in ("Hello ann-77", "Bye ann-77", "Hi")
    }
    accounts.settle(Settlement("crm", 0, counts, (), Span("crm", 0, 6, 1)))
    erase_texts(engine, People([ANN]))
    [entry] = trail.entries(10)
    assert (entry.happening.before, entry.happening.after) == ({"of": "[deleted]"}, {"of": "ben-88", "n": 7})
    assert entry.author == "ann-77", "whoever uses the console is another matter"
    for table in (event_counters, event_day_counters):
        with engine.connect() as connection:
            found = {row.event: row.events for row in connection.execute(select(table))}
        assert found == {"": 4, "Hi": 2}, table.name
