"""Signing in as the console does it: hashes, the lock-out, and what happens at the same time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from assent.app.services.people import check_role, create_token, invite
from assent.app.services.sign_in import (
    change_password,
    check_email,
    hash_password,
    join,
    sign_in,
    welcome_link,
)
from assent.app.wiring import Stores, open_stores
from assent.domain.errors import AssentError, InvalidInput, TooManyTries, Unauthorized
from assent.domain.user import User

ANN, PASSWORD = "ann@example.com", "correct horse battery"


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    stores = open_stores(tmp_path)
    yield stores
    stores.engine.dispose()


@pytest.fixture
def ann(stores: Stores) -> User:
    return stores.users.add(ANN, "Ann", "owner", hash_password(PASSWORD), at=1)


def test_an_old_hash_is_renewed_as_somebody_signs_in_and_nobody_is_signed_out(stores: Stores) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=1024).hash("short")  # shorter than is allowed by now
    ann = stores.users.add(ANN, "Ann", "owner", cheap, at=1)
    elsewhere = stores.sessions.open(ann.id, at=2)
    assert sign_in(stores, ANN, "short", at=3)
    assert stores.users.password(ann.id) != cheap
    assert stores.sessions.find(elsewhere, at=4) is not None
    assert sign_in(stores, ANN, "short", at=5)


@pytest.mark.parametrize("password", ["", "wrong", f"{PASSWORD} ", PASSWORD.upper(), "x" * 5_000, "\x00", "żółć"])
def test_a_wrong_password_and_an_unknown_address_are_answered_alike(stores: Stores, ann: User, password: str) -> None:
    stores.users.add("nopassword@example.com", "N", "member", None, at=2)
    for email in (ANN, "nobody@example.com", "nopassword@example.com"):
        with pytest.raises(Unauthorized, match="the e-mail address or the password is wrong"):
            sign_in(stores, email, password, at=3)


def test_many_guesses_at_once_are_no_more_than_one_after_another(stores: Stores, ann: User) -> None:
    def guess(number: int) -> type[Exception]:
        with pytest.raises(AssentError) as refused:
            sign_in(stores, ANN, f"guess {number}", at=10)
        return refused.type

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(guess, range(10)))
    assert outcomes.count(Unauthorized) == 5
    assert outcomes.count(TooManyTries) == 5


def test_guessing_the_old_password_is_slowed_too(stores: Stores, ann: User) -> None:
    for _ in range(5):
        with pytest.raises(InvalidInput):
            change_password(stores, ann, "a guess", "a new and longer one", at=10)
    with pytest.raises(TooManyTries):
        change_password(stores, ann, PASSWORD, "a new and longer one", at=11)
    assert change_password(stores, ann, PASSWORD, "a new and longer one", at=60_000)
    assert sign_in(stores, ANN, "a new and longer one", at=60_001)


def test_a_new_password_that_is_none_leaves_the_old_one_and_the_sessions(stores: Stores, ann: User) -> None:
    session = sign_in(stores, ANN, PASSWORD, at=2)
    with pytest.raises(InvalidInput, match="at least 12"):
        change_password(stores, ann, PASSWORD, "short", at=3)
    with pytest.raises(InvalidInput, match="at most"):
        change_password(stores, ann, PASSWORD, "x" * 2_000, at=4)
    assert stores.sessions.find(session, at=5) is not None
    assert sign_in(stores, ANN, PASSWORD, at=6)


def test_two_who_follow_the_first_link_at_once_make_one_owner(stores: Stores) -> None:
    link = welcome_link(stores, at=1)
    assert link is not None

    def follow(email: str) -> object:
        try:
            return join(stores, link.removeprefix("/join/"), email=email, name="X", password=PASSWORD, at=2)
        except AssentError as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(follow, [ANN, "bob@example.com"]))
    assert sum(isinstance(one, str) for one in outcomes) == 1
    assert len(stores.users.all()) == 1
    assert welcome_link(stores, at=3) is None


@pytest.mark.parametrize(
    "email", ["", "ann", "@example.com", "ann@", "ann@localhost", "a b@example.com", f"{'a' * 250}@b.de"]
)
def test_what_is_no_address(email: str) -> None:
    with pytest.raises(InvalidInput, match="e-mail"):
        check_email(email)


@pytest.mark.parametrize("name", ["", "  ", "ann@example.com", "cli:root", "x" * 101, "a\nb"])
def test_what_is_no_name_of_a_token(stores: Stores, name: str) -> None:
    with pytest.raises(InvalidInput):
        create_token(stores, name, "member", author=ANN, at=1)
    assert stores.tokens.all() == []


@pytest.mark.parametrize("role", ["", "Owner", "boss"])
def test_what_is_no_role(role: str) -> None:
    with pytest.raises(InvalidInput, match="owner"):
        check_role(role)


def test_an_invitation_keeps_to_its_address(stores: Stores, ann: User) -> None:
    link = invite(stores, "Eve@Example.com ", "member", author=ANN, at=1)
    join(stores, link.removeprefix("/join/"), email="mallory@example.com", name="Eve", password=PASSWORD, at=2)
    assert stores.users.with_email("mallory@example.com") is None
    assert stores.users.with_email("eve@example.com") is not None
