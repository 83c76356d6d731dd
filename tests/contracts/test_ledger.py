"""The contract of the ledger: a chain that shows every change, and profiles that follow from it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import DATABASES
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from assent.domain.errors import Conflict, InvalidInput, NotFound
from assent.domain.receipt import Method, Preference, Profile, Statement, Subject
from assent.store.database import open_database, purge, rewrite
from assent.store.ledger import Ledger, ReadOn

GRANTED, DENIED, UNKNOWN, _CONFLICT = Preference
KEY = b"a key of the data directory"


@pytest.fixture(params=DATABASES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(DATABASES[request.param](tmp_path))
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    return Ledger(engine)


def said(
    at: int,
    preferences: dict[str, Preference],
    *,
    user: str | None = None,
    device: str | None = None,
    offset: int | None = None,
) -> Statement:
    evidence = f'{{"of": "{user} {device}", "at": {at}}}'.encode()
    return Statement(Subject(user, device), preferences, Method.API, "crm", at, at, evidence, offset=offset)


def test_a_receipt_keeps_everything(ledger: Ledger) -> None:
    [written] = ledger.add([said(5, {"ads": DENIED, "odd": UNKNOWN}, user="ann", device="b1")])
    assert ledger.receipt(written.id) == written
    assert written.said.evidence == b'{"of": "ann b1", "at": 5}'
    assert ledger.receipts(5) == [written]
    with pytest.raises(NotFound, match="rcp_none"):
        ledger.receipt("rcp_none")


def test_the_chain_holds_and_names_the_first_link_that_does_not(ledger: Ledger, engine: Engine) -> None:
    written = ledger.add([said(at, {"ads": GRANTED}, user=f"u{at}") for at in range(1, 6)])
    assert ledger.verify() is None
    with engine.begin() as connection:
        connection.execute(text("UPDATE receipts SET occurred_at = 99 WHERE number = 3"))
    broken = ledger.verify()
    assert broken is not None
    assert (broken.number, broken.id) == (3, written[2].id)


@pytest.mark.parametrize(
    ("change", "number", "why"),
    [
        ('UPDATE receipts SET preferences = \'{"ads":"granted"}\' WHERE number = 2', 2, "not what it said"),
        ("UPDATE receipts SET user_id = 'somebody else' WHERE number = 2", 2, "its ids"),
        ("DELETE FROM receipts WHERE number = 2", 3, "receipt 2 is missing"),
        ("DELETE FROM receipts WHERE number = 4", 4, "the newest receipts are gone"),
    ],
)
def test_no_change_goes_unnoticed(ledger: Ledger, engine: Engine, change: str, number: int, why: str) -> None:
    ledger.add([said(at, {"ads": DENIED}, user=f"u{at}") for at in range(1, 5)])
    with engine.begin() as connection:
        connection.exec_driver_sql(change)
    broken = ledger.verify()
    assert broken is not None
    assert broken.number == number
    assert why in broken.why


def test_the_cursor_moves_with_what_it_read_and_only_once(ledger: Ledger) -> None:
    ledger.read_on([said(1, {"ads": GRANTED}, user="ann", offset=0)], ReadOn(0, 10, 1, 0))
    assert ledger.state().position == 10
    with pytest.raises(Conflict):
        ledger.read_on([said(1, {"ads": GRANTED}, user="ann", offset=0)], ReadOn(0, 10, 1, 0))
    assert len(ledger.receipts(10)) == 1


def test_an_idempotency_key_writes_once(ledger: Ledger) -> None:
    first = ledger.add([said(1, {"ads": GRANTED}, user="ann")], key="k1", at=1)
    assert ledger.add([said(1, {"ads": GRANTED}, user="ann")], key="k1", at=2) == first
    assert len(ledger.receipts(10)) == 1
    with pytest.raises(InvalidInput, match="idempotency key"):
        ledger.add([said(1, {"ads": DENIED}, user="ben")], key="k1", at=3)


def test_a_person_is_found_by_any_id(ledger: Ledger) -> None:
    ledger.add([said(1, {"ads": DENIED}, device="b1"), said(2, {"stats": GRANTED}, user="ann", device="b1")])
    by_user, by_device = ledger.profile(Subject("ann")), ledger.profile(Subject(None, "b1"))
    assert by_user is not None
    assert by_user == by_device
    assert by_user.preferences() == {"ads": DENIED, "stats": GRANTED}
    assert ledger.subject("ann") == Subject("ann")
    assert ledger.subject("b1") == Subject(None, "b1")
    assert ledger.subject("nobody") is None
    assert ledger.people(5) == ["ann"]
    assert ledger.people(5, "b") == ["b1"]
    assert [one.said.occurred_at for one in ledger.history(Subject("ann"), 10)] == [2, 1]


def test_what_was_known_when_an_event_came_in_stays_known(ledger: Ledger) -> None:
    ledger.read_on([said(1, {"ads": DENIED}, device="b1", offset=3)], ReadOn(0, 5, 1, 0))
    ledger.read_on([said(2, {"ads": GRANTED}, user="ann", device="b1", offset=7)], ReadOn(5, 10, 2, 0))
    ledger.add([said(3, {"ads": DENIED}, user="ann")])

    def known(subject: Subject, offset: int) -> dict[str, Preference] | None:
        profile = ledger.profile_as_of(subject, offset)
        return profile.preferences() if profile is not None else None

    for subject in (Subject("ann"), Subject(None, "b1")):
        assert known(subject, 9) == {"ads": GRANTED}
        assert known(subject, 10) == {"ads": DENIED}
    assert known(Subject("ann"), 6) is None
    assert known(Subject(None, "b1"), 6) == {"ads": DENIED}
    assert known(Subject(None, "b1"), 2) is None


def test_people_are_counted_by_their_answers(ledger: Ledger) -> None:
    ledger.add([said(1, {"ads": GRANTED}, user="ann"), said(1, {"ads": DENIED}, device="b1")])
    assert ledger.shares() == {"ads": {GRANTED: 1, DENIED: 1}}
    ledger.add([said(2, {"ads": DENIED}, user="ann", device="b1")])
    assert ledger.shares() == {"ads": {DENIED: 1}}
    assert ledger.state().people == 1


def test_a_forgotten_person_leaves_a_chain_that_holds(ledger: Ledger, engine: Engine, tmp_path: Path) -> None:
    ledger.add([said(1, {"ads": GRANTED}, user="ann-to-forget"), said(2, {"ads": DENIED}, device="browser-to-forget")])
    ledger.add([said(3, {"ads": DENIED}, user="ann-to-forget", device="browser-to-forget")])
    for at in range(100):
        device = f"browser-to-forget-{at}"
        ledger.add([said(at, {"ads": DENIED, f"c{at}": GRANTED}, user="ann-to-forget", device=device)])
        ledger.add([said(at, {"ads": GRANTED}, user=f"somebody-{at}")])
    ledger.add([said(999, {"ads": DENIED}, user="ann-to-forget", device="browser-to-forget")])
    ledger.add([said(4, {"ads": DENIED}, user="ben")])
    forgotten = ledger.forget(["ann-to-forget"], KEY)
    assert (forgotten.receipts, forgotten.profiles, forgotten.identities) == (104, 102, 101)
    assert ledger.verify() is None
    assert ledger.profile(Subject("ann-to-forget")) is None
    assert ledger.shares() == {"ads": {DENIED: 1, GRANTED: 100}}
    [_ben, newest, *_older] = ledger.receipts(10)
    assert newest.is_forgotten
    assert newest.said.preferences == {"ads": DENIED}
    assert newest.said.evidence == b""
    rewrite(engine)
    assert purge(engine)
    everything = b"".join(one.read_bytes() for one in tmp_path.iterdir())
    assert b"to-forget" not in everything
    assert b"ben" in everything
    before = profiles_of(ledger)
    ledger.rebuild()
    assert profiles_of(ledger) == before


def test_whoever_shared_a_device_with_the_forgotten_stays(ledger: Ledger) -> None:
    ledger.add([said(1, {"ads": DENIED}, user="ann", device="b1"), said(2, {"ads": GRANTED}, user="ben", device="b1")])
    ledger.forget(["ann"], KEY)
    ben = ledger.profile(Subject("ben"))
    assert ben is not None
    assert ben.preferences() == {"ads": GRANTED}
    assert ledger.users_of("b1") == ["ben"]
    before = profiles_of(ledger)
    ledger.rebuild()
    assert profiles_of(ledger) == before


def profiles_of(ledger: Ledger) -> dict[str, Profile | None]:
    found: dict[str, Profile | None] = {f"u{one}": ledger.profile(Subject(one)) for one in ("ann", "ben")}
    return found | {f"a{one}": ledger.profile(Subject(None, one)) for one in ("b1", "b2")}


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.builds(
            said,
            st.integers(1, 5),
            st.dictionaries(st.sampled_from(["ads", "stats"]), st.sampled_from([GRANTED, DENIED, UNKNOWN])),
            user=st.sampled_from([None, "ann", "ben"]),
            device=st.sampled_from(["b1", "b2"]),
        ),
        max_size=8,
    ),
    st.integers(1, 8),
)
def test_profiles_are_a_function_of_the_receipts_alone(
    tmp_path_factory: pytest.TempPathFactory, heard: list[Statement], at_once: int
) -> None:
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('rebuilt') / 'state.db'}")
    ledger = Ledger(engine)
    for at in range(0, len(heard), at_once):
        ledger.add(heard[at : at + at_once])
    before = profiles_of(ledger), ledger.shares(), ledger.state().people
    ledger.rebuild()
    assert (profiles_of(ledger), ledger.shares(), ledger.state().people) == before
    assert ledger.verify() is None
    engine.dispose()
