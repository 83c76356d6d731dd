"""`assent user` as whoever runs the server uses it, also when nobody can sign in any more."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assent.app.services.sign_in import join, sign_in
from assent.app.wiring import Stores, now, open_stores

ASSENT = str(Path(sys.executable).with_name("assent"))
PASSWORD = "correct horse battery"


def assent(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ASSENT, *arguments, "--data", data], capture_output=True, text=True, timeout=60)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    stores = open_stores(tmp_path)
    yield stores
    stores.engine.dispose()


def follow(stores: Stores, printed: str, password: str = PASSWORD) -> str:
    """Follow the link that a command printed; the session."""
    link = printed.strip().rpartition("/join/")[2]
    return join(stores, link, email="", name="Olivia", password=password, at=now())


def test_an_owner_is_made_without_anybody_who_could_invite(tmp_path: Path, stores: Stores) -> None:
    invited = assent(
        tmp_path, "user", "invite", "Olivia@example.com", "--role", "owner", "--url", "https://events.example.com/"
    )
    assert (invited.returncode, invited.stderr) == (0, "")
    assert invited.stdout.startswith("https://events.example.com/join/")
    follow(stores, invited.stdout)
    listed = assent(tmp_path, "user", "list").stdout.split()
    assert (listed[0], listed[1], listed[3]) == ("olivia@example.com", "owner", "Olivia")
    assert sign_in(stores, "olivia@example.com", PASSWORD, at=now())


def test_who_forgot_a_password_gets_a_link_for_another(tmp_path: Path, stores: Stores) -> None:
    follow(stores, assent(tmp_path, "user", "invite", "olivia@example.com", "--role", "owner").stdout)
    again = assent(tmp_path, "user", "invite", "olivia@example.com")
    assert again.returncode == 0
    assert "is a user already: this link sets a new password" in again.stderr
    follow(stores, again.stdout, "a new and longer one")
    assert sign_in(stores, "olivia@example.com", "a new and longer one", at=now())
    assert [(one.email, one.role) for one in stores.users.all()] == [("olivia@example.com", "owner")]


def test_a_user_is_removed_but_never_the_last_owner(tmp_path: Path, stores: Stores) -> None:
    olivia = stores.users.add("olivia@example.com", "Olivia", "owner", None, at=1)
    max_ = stores.users.add("max@example.com", "Max", "member", None, at=2)
    session = stores.sessions.open(max_.id, at=now())
    removed = assent(tmp_path, "user", "remove", "Max@example.com")
    assert (removed.returncode, removed.stdout) == (0, "max@example.com is no user any more.\n")
    assert stores.sessions.find(session, at=now()) is None
    last = assent(tmp_path, "user", "remove", "olivia@example.com")
    assert last.returncode == 1
    assert "is the last owner" in last.stderr
    assert stores.users.all() == [olivia]
    assert assent(tmp_path, "user", "remove", "max@example.com").returncode == 1
    (on_record,) = stores.trail.entries(1)
    assert (on_record.author[:4], on_record.happening.action) == ("cli:", "User Removed")


def test_what_is_no_address_is_refused(tmp_path: Path) -> None:
    refused = assent(tmp_path, "user", "invite", "olivia")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "write an e-mail address" in refused.stderr


@pytest.mark.parametrize(
    "option", [("--oidc-issuer", "https://id.example"), ("--oidc-issuer", "http://id.example", "--oidc-client-id", "a")]
)
def test_a_server_does_not_start_with_half_a_provider(tmp_path: Path, option: tuple[str, ...]) -> None:
    refused = assent(tmp_path / "data", "serve", "--port", "0", *option)
    assert refused.returncode == 2
    assert "ASSENT_OIDC_CLIENT_SECRET" in refused.stderr
    assert not (tmp_path / "data").exists()
