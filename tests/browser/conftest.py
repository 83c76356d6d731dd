"""Fixtures of the browser tests: a server, the wire before it, a web site on another port, and a visitor of it."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import Browser

from harness import Server, Wire, assert_accounts_balance, node_modules, running_server
from harness.browser import running_browser
from harness.visitor import Visitor
from harness.website import Site, running_site

WORKSPACE: Final[dict[str, Any]] = {
    "workspace": "Shop",
    "consent": {
        "preset": "segment-beta",
        "categories": [
            {"id": "advertising", "name": "Advertising", "destinations": ["facebook", "google-ads", "crm"]},
            {"id": "analytics", "name": "Analytics", "destinations": ["facebook", "amplitude"]},
        ],
    },
    "sources": [{"id": "src_web", "name": "Web", "write_key": "web-key"}],
    "destinations": [
        {"id": "facebook", "integration": "Facebook Conversions API"},
        {"id": "google-ads", "integration": "Google Ads"},
        {"id": "amplitude", "integration": "Amplitude"},
        {"id": "slack", "integration": "Slack"},
        {"id": "crm", "integration": "CRM", "receives_consent_updates": True},
    ],
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with running_site(node_modules()) as site:
        yield site


@pytest.fixture(scope="module")
def server_with(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Server]]:
    """The server whose workspace has a preset; started when it is first asked for."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def server_with(preset: str) -> Server:
            workspace = {**WORKSPACE, "consent": {**WORKSPACE["consent"], "preset": preset}}
            server = stack.enter_context(running_server(workspace, tmp_path_factory.mktemp(preset)))
            stack.callback(_stop_and_audit, server)
            return server

        yield server_with


def _stop_and_audit(server: Server) -> None:
    server.stop()
    assert_accounts_balance(server)


@pytest.fixture
def preset() -> str:
    return "segment-beta"


@pytest.fixture
def server(server_with: Callable[[str], Server], preset: str) -> Iterator[Server]:
    server = server_with(preset)
    server.begin_anew()
    yield server
    server.print_output()


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    with Wire(server.port) as wire:
        yield wire


@pytest.fixture
def visitor(browser: Browser, site: Site, wire: Wire) -> Iterator[Visitor]:
    with browser.new_context() as context:
        visitor = Visitor(context, site.url, wire.url)
        yield visitor
        visitor.assert_undisturbed()
