"""Fixtures of the console's tests: a server in this process, and people who are signed in at it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from assent.app.services.people import invite
from assent.app.services.sign_in import welcome_link
from assent.app.wiring import now
from harness.api import Api, a_workspace, running_api
from harness.browser import running_browser
from harness.seat import Seat


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture
def workspace() -> dict[str, Any]:
    """The workspace document that the server begins with; a module with other wants has a fixture of its own."""
    return a_workspace(warehouse="blackhole", pixel="blackhole")


@pytest.fixture
def api(tmp_path: Path, workspace: dict[str, Any]) -> Iterator[Api]:
    """The server, and the management API to see what really came of what was done in the console."""
    with running_api(tmp_path, workspace) as api:
        yield api


@pytest.fixture
def seat(browser: Browser, api: Api) -> Iterator[Callable[..., Seat]]:
    """Gives a fresh browser at the console, nobody signed in; keywords are those of a browser context."""
    with ExitStack() as stack:
        seats = []

        def take(**options: Any) -> Seat:
            seats.append(Seat(stack.enter_context(browser.new_context(**options)), api.url))
            return seats[-1]

        yield take
        for one in seats:
            one.assert_undisturbed()


@pytest.fixture
def owner(seat: Callable[..., Seat], api: Api) -> Seat:
    """The first owner, olivia@example.com, signed in."""
    link = welcome_link(api.server.stores, at=now())
    assert link is not None
    owner = seat()
    owner.join(link, "olivia@example.com", "Olivia Owner")
    return owner


@pytest.fixture
def member(seat: Callable[..., Seat], api: Api, owner: Seat) -> Seat:
    """max@example.com, a member, signed in."""
    link = invite(api.server.stores, "max@example.com", "member", author="olivia@example.com", at=now())
    member = seat()
    member.join(link, "max@example.com", "Max Member")
    return member
