"""The contract of users, sessions, invitations and the lock-out: who may come in, and who no longer."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from databases import DATABASES
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from assent.domain.errors import AssentError, Conflict, NotFound
from assent.domain.trail import Happening
from assent.domain.user import User
from assent.store.database import open_database
from assent.store.invitations import Invitations
from assent.store.lockout import FREE_TRIES, Lockout, wait_after
from assent.store.sessions import IDLE, LIFETIME, Sessions
from assent.store.trail import Trail, TrailFilter
from assent.store.users import Users

DAY = 86_400_000
ANN, BOB = "ann@example.com", "bob@example.com"


@pytest.fixture(params=DATABASES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(DATABASES[request.param](tmp_path))
    yield engine
    engine.dispose()


@pytest.fixture
def users(engine: Engine) -> Users:
    return Users(engine)


@pytest.fixture
def ann(users: Users) -> User:
    return users.add(ANN, "Ann", "owner", "hash-1", at=1)


@pytest.fixture
def bob(users: Users, ann: User) -> User:
    return users.add(BOB, "Bob", "member", None, at=2)


def actions(engine: Engine) -> list[tuple[str, str, str]]:
    """What is on the trail, oldest first: who, did what, to whom."""
    entries = Trail(engine).entries(100)
    return [(one.author, one.happening.action, one.happening.id) for one in reversed(entries)]


def at_once(*calls: Callable[[], object]) -> list[object]:
    """What each of several calls at the same time came to: its result, or its error."""

    def outcome(call: Callable[[], object]) -> object:
        try:
            return call()
        except AssentError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(outcome, calls))


# -------------------------------------------------------------------------------------------- users


def test_users_are_found_by_address_however_it_is_written(users: Users, ann: User, bob: User) -> None:
    assert users.all() == [ann, bob]
    assert users.with_email("ANN@Example.com") == users.get(ann.id) == ann
    assert users.with_email("nobody@example.com") is None
    assert (users.password(ann.id), users.password(bob.id), users.password("nobody")) == ("hash-1", None, None)
    with pytest.raises(Conflict):
        users.add("Ann@Example.com", "Another Ann", "member", None, at=3)
    with pytest.raises(NotFound):
        users.get("usr_nobody")


def test_the_last_owner_stays_and_stays_owner(users: Users, ann: User, bob: User) -> None:
    for change in (
        lambda: users.remove(ann.id, at=3, author=ANN),
        lambda: users.set_role(ann.id, "member", at=3, author=ANN),
    ):
        with pytest.raises(Conflict, match="last owner"):
            change()
    assert users.set_role(bob.id, "owner", at=3, author=ANN).role == "owner"
    assert users.remove(ann.id, at=4, author=BOB) == ann
    with pytest.raises(Conflict, match="last owner"):
        users.remove(bob.id, at=5, author=BOB)
    assert users.have_owner()


def test_of_two_owners_who_go_at_once_one_stays(users: Users, ann: User, bob: User) -> None:
    users.set_role(bob.id, "owner", at=3, author=ANN)
    outcomes = at_once(
        lambda: users.remove(ann.id, at=4, author=ANN), lambda: users.set_role(bob.id, "member", at=4, author=BOB)
    )
    assert [type(one) for one in outcomes].count(Conflict) == 1
    assert users.have_owner()


def test_every_change_of_a_user_is_on_the_trail(engine: Engine, users: Users, ann: User, bob: User) -> None:
    users.set_role(bob.id, "owner", at=3, author=ANN)
    users.set_role(bob.id, "owner", at=3, author=ANN)  # changes nothing
    users.set_password(bob.id, "hash-2", at=4, author=BOB)
    users.rehash(bob.id, "hash-2", "hash-3")
    users.remove(bob.id, at=5, author=ANN)
    assert actions(engine) == [
        (ANN, "User Added", ANN),
        (BOB, "User Added", BOB),
        (ANN, "Role Changed", BOB),
        (BOB, "Password Changed", BOB),
        (ANN, "User Removed", BOB),
    ]
    changed = Trail(engine).entries(1, TrailFilter(action="Role Changed"))[0].happening
    assert (changed.before, changed.after) == ({"role": "member"}, {"role": "owner"})
    assert "hash" not in repr(Trail(engine).entries(100))


def test_a_hash_is_renewed_only_while_the_password_is_the_same(users: Users, ann: User) -> None:
    users.rehash(ann.id, "hash-0", "hash-2")
    assert users.password(ann.id) == "hash-1"
    users.rehash(ann.id, "hash-1", "hash-2")
    assert users.password(ann.id) == "hash-2"


# -------------------------------------------------------------------------------------------- sessions


def test_a_session_ends_when_it_is_old_or_unused(engine: Engine, ann: User) -> None:
    sessions = Sessions(engine)
    text = sessions.open(ann.id, at=0)
    idle, lifetime = IDLE // timedelta(milliseconds=1), LIFETIME // timedelta(milliseconds=1)
    for at in range(0, lifetime, idle - 1):
        session = sessions.find(text, at=at)
        assert session is not None, at
        assert session.user == ann
    assert sessions.find(text, at=lifetime) is None

    unused = sessions.open(ann.id, at=0)
    assert sessions.find(unused, at=idle - 1) is not None
    unused = sessions.open(ann.id, at=0)
    assert sessions.find(unused, at=idle) is None
    assert sessions.find("never one", at=0) is None


def test_a_session_speaks_with_the_role_of_now(engine: Engine, users: Users, ann: User, bob: User) -> None:
    sessions = Sessions(engine)
    text = sessions.open(bob.id, at=3)
    users.set_role(bob.id, "owner", at=4, author=ANN)
    session = sessions.find(text, at=5)
    assert session is not None
    assert session.user.role == "owner"


@pytest.mark.parametrize("end", ["close", "remove", "password"])
def test_sessions_end_at_once(engine: Engine, users: Users, bob: User, ann: User, end: str) -> None:
    sessions = Sessions(engine)
    text, others = sessions.open(bob.id, at=3), sessions.open(ann.id, at=3)
    if end == "close":
        sessions.close(text)
    elif end == "remove":
        users.remove(bob.id, at=4, author=ANN)
    else:
        users.set_password(bob.id, "hash-2", at=4, author=BOB)
    assert sessions.find(text, at=5) is None
    assert sessions.find(others, at=5) is not None


def test_a_notice_is_given_once(engine: Engine, ann: User) -> None:
    sessions = Sessions(engine)
    text = sessions.open(ann.id, at=0)
    assert sessions.take_notice(text) is None
    sessions.leave_notice(text, "done")
    assert (sessions.take_notice(text), sessions.take_notice(text)) == ("done", None)


def test_no_session_and_no_link_is_in_the_files(engine: Engine, ann: User, tmp_path: Path) -> None:
    session = Sessions(engine).open(ann.id, at=0)
    link = Invitations(engine).create("eve@example.com", "member", invited_by=ANN, at=0, expires_at=DAY)
    engine.dispose()
    for file in tmp_path.iterdir():
        assert session.encode() not in file.read_bytes()
        assert link.encode() not in file.read_bytes()


# -------------------------------------------------------------------------------------------- invitations


@pytest.fixture
def invitations(engine: Engine) -> Invitations:
    return Invitations(engine)


def invite(invitations: Invitations, email: str | None = "eve@example.com", at: int = 10) -> str:
    return invitations.create(email, "member", invited_by=ANN, at=at, expires_at=at + DAY)


def follow(invitations: Invitations, link: str, email: str = "", at: int = 20) -> User:
    return invitations.follow(link, email=email, name="Eve", password="hash-9", at=at)


def test_a_link_makes_a_user_once(engine: Engine, users: Users, ann: User, invitations: Invitations) -> None:
    link = invite(invitations, "Eve@Example.com")
    (shown,) = invitations.open(at=11)
    assert (shown.email, shown.role, shown.invited_by, shown.is_for_password) == (
        "eve@example.com",
        "member",
        ANN,
        False,
    )
    eve = follow(invitations, link, email="another@example.com")
    assert (eve.email, eve.name, eve.role) == ("eve@example.com", "Eve", "member")
    assert users.password(eve.id) == "hash-9"
    assert invitations.open(at=21) == []
    for again in (lambda: follow(invitations, link), lambda: invitations.find(link, at=21)):
        with pytest.raises(NotFound):
            again()
    assert actions(engine)[1:] == [
        (ANN, "User Invited", "eve@example.com"),
        ("eve@example.com", "User Added", "eve@example.com"),
    ]


def test_of_two_who_follow_a_link_at_once_one_comes_in(users: Users, ann: User, invitations: Invitations) -> None:
    link = invite(invitations)
    outcomes = at_once(*[lambda: follow(invitations, link)] * 4)
    assert [type(one) for one in outcomes].count(User) == 1
    assert [type(one) for one in outcomes].count(NotFound) == 3
    assert len(users.all()) == 2


def test_a_link_ends(invitations: Invitations, ann: User) -> None:
    link = invite(invitations, at=10)
    assert invitations.find(link, at=10 + DAY - 1).email == "eve@example.com"
    for late in (lambda: invitations.find(link, at=10 + DAY), lambda: follow(invitations, link, at=10 + DAY)):
        with pytest.raises(NotFound):
            late()
    assert invitations.open(at=10 + DAY) == []


def test_a_new_link_for_an_address_ends_the_one_before(invitations: Invitations, ann: User) -> None:
    first, second = invite(invitations), invite(invitations, "EVE@example.com")
    with pytest.raises(NotFound):
        invitations.find(first, at=11)
    assert follow(invitations, second).email == "eve@example.com"


def test_a_link_is_withdrawn(engine: Engine, invitations: Invitations, ann: User) -> None:
    link = invite(invitations)
    (shown,) = invitations.open(at=11)
    assert invitations.withdraw(shown.id, at=12, author=BOB) == shown
    with pytest.raises(NotFound):
        follow(invitations, link)
    with pytest.raises(NotFound):
        invitations.withdraw(shown.id, at=13, author=BOB)
    assert actions(engine)[-1] == (BOB, "Invitation Withdrawn", "eve@example.com")


def test_a_link_for_a_user_gives_a_new_password_and_nothing_else(
    engine: Engine, users: Users, ann: User, bob: User, invitations: Invitations
) -> None:
    session = Sessions(engine).open(bob.id, at=3)
    link = invitations.create(BOB, "owner", invited_by=ANN, at=10, expires_at=10 + DAY)
    assert invitations.find(link, at=11).is_for_password
    assert invitations.open(at=11)[0].is_for_password
    assert invitations.follow(link, email="", name="Not Bob", password="hash-9", at=12) == bob
    assert (users.get(bob.id), users.password(bob.id)) == (bob, "hash-9")
    assert Sessions(engine).find(session, at=13) is None
    assert actions(engine)[2:] == [(ANN, "Password Link Created", BOB), (BOB, "Password Changed", BOB)]


def test_a_link_for_a_password_makes_no_user_of_who_was_removed(
    users: Users, ann: User, bob: User, invitations: Invitations
) -> None:
    link = invite(invitations, BOB)
    users.remove(bob.id, at=11, author=ANN)
    with pytest.raises(NotFound):
        follow(invitations, link)
    assert users.all() == [ann]


def test_an_invitation_gives_no_password_to_who_became_a_user_another_way(
    users: Users, ann: User, invitations: Invitations
) -> None:
    link = invite(invitations)
    eve = users.add("eve@example.com", "Eve", "member", None, at=11)
    with pytest.raises(NotFound):
        follow(invitations, link)
    assert users.password(eve.id) is None


def test_the_first_link_makes_one_owner_only(users: Users, invitations: Invitations) -> None:
    link = invitations.create(None, "owner", invited_by="assent serve", at=1, expires_at=DAY)
    assert invitations.open(at=2) == []
    users.add(ANN, "Ann", "owner", "hash-1", at=3)
    with pytest.raises(Conflict, match="an owner already"):
        follow(invitations, link, email=BOB)
    assert [one.email for one in users.all()] == [ANN]


# -------------------------------------------------------------------------------------------- the lock-out


def test_a_few_tries_are_free_and_then_each_waits_longer(engine: Engine) -> None:
    lockout = Lockout(engine)
    assert [lockout.begin(ANN, at=0) for _ in range(FREE_TRIES)] == [timedelta()] * FREE_TRIES
    assert lockout.begin("Ann@Example.com ", at=1_000) == timedelta(seconds=4)
    assert lockout.begin(ANN, at=4_999) == timedelta(milliseconds=1)
    assert lockout.begin(ANN, at=5_000) == timedelta()
    assert lockout.begin(ANN, at=5_000) == timedelta(seconds=10)
    assert lockout.begin(BOB, at=5_000) == timedelta()


def test_many_tries_at_once_are_no_more_than_one_after_another(engine: Engine) -> None:
    lockout = Lockout(engine)
    outcomes = at_once(*[lambda: lockout.begin(ANN, at=0)] * 12)
    assert outcomes.count(timedelta()) == FREE_TRIES


def test_who_gets_in_begins_anew_and_so_does_who_waits_long(engine: Engine) -> None:
    lockout = Lockout(engine)
    for key in (ANN, BOB):
        for _ in range(FREE_TRIES):
            lockout.begin(key, at=0)
    lockout.succeeded(ANN)
    assert lockout.begin(ANN, at=1) == timedelta()
    assert lockout.begin(BOB, at=1) > timedelta()
    hours = 7 * 3_600_000
    assert [lockout.begin(BOB, at=hours) for _ in range(FREE_TRIES)] == [timedelta()] * FREE_TRIES


def test_a_clock_that_was_set_back_locks_nobody_out_for_long(engine: Engine) -> None:
    lockout = Lockout(engine)
    for _ in range(FREE_TRIES):
        lockout.begin(ANN, at=10 * DAY)
    assert lockout.begin(ANN, at=0) == timedelta(seconds=5)


def test_ever_other_addresses_do_not_fill_the_disk(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assent.store.lockout.MOST_REMEMBERED", 20)
    lockout = Lockout(engine)
    for _ in range(FREE_TRIES):
        lockout.begin(ANN, at=5_000)
    for number in range(100):
        lockout.begin(f"nobody-{number}@example.com", at=number)
    with engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT count(*) FROM sign_in_failures").scalar()
    assert kept is not None
    assert 10 <= kept <= 20
    assert lockout.begin(ANN, at=5_001) > timedelta(), "what was tried last is remembered"


@given(st.integers(0, 10_000))
def test_waits_grow_up_to_a_bound(count: int) -> None:
    assert wait_after(count) <= wait_after(count + 1) <= timedelta(minutes=15)
    assert (wait_after(count) == timedelta()) == (count < FREE_TRIES)


# -------------------------------------------------------------------------------------------- the trail


def test_the_trail_gives_what_matches_newest_first_and_page_by_page(engine: Engine) -> None:
    trail = Trail(engine)
    for number in range(10):
        happening = Happening(
            "Source Created" if number % 2 else "Source Deleted", "source", f"s{number}", None, {"n": number}
        )
        trail.add([happening], at=number, author=ANN if number < 5 else BOB)
    assert [one.at for one in trail.entries(3)] == [9, 8, 7]
    assert [one.at for one in trail.entries(3, before=trail.entries(3)[-1].number)] == [6, 5, 4]
    assert [one.at for one in trail.entries(9, TrailFilter(author=ANN, action="Source Created"))] == [3, 1]
    assert [one.at for one in trail.entries(9, TrailFilter(since=3, until=6))] == [5, 4, 3]
    assert trail.entries(9, TrailFilter(kind="category")) == []
    assert trail.entries(1)[0].happening.after == {"n": 9}
    assert (trail.authors(), trail.kinds(), trail.actions()) == (
        [ANN, BOB],
        ["source"],
        ["Source Created", "Source Deleted"],
    )
