"""assent.js in Chromium: one script tag, twelve consent tools, and what a person's answer sends to whom."""

import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pytest
from playwright.sync_api import Browser

from harness import Server, Wire, assert_accounts_balance, assert_delivered_as_decided, running_server, wait_until
from harness.visitor import Visitor
from harness.website import Site

UPDATE: Final = "Segment Consent Preference Updated"


class Tool(NamedTuple):
    """A consent tool, and its ids for advertising and for statistics."""

    name: str
    ads: str
    stats: str

    def answers(self, *, ads: bool, stats: bool) -> str:
        return json.dumps({self.ads: ads, self.stats: stats})


TOOLS: Final = (
    Tool("onetrust", "C0004", "C0002"),
    Tool("cookiebot", "marketing", "statistics"),
    Tool("usercentrics", "marketing", "functional"),
    Tool("didomi", "create_ads_profile", "cookies"),
    Tool("trustarc", "3", "2"),
    Tool("ketch", "ads", "stats"),
    Tool("osano", "MARKETING", "ANALYTICS"),
    Tool("iubenda", "5", "4"),
    Tool("cookieyes", "advertisement", "analytics"),
    Tool("klaro", "shop-ads", "shop-stats"),
    Tool("termly", "advertising", "analytics"),
    Tool("sourcepoint", "aa11", "bb22"),
)
ONETRUST: Final = TOOLS[0]

WORKSPACE: Final[dict[str, Any]] = {
    "workspace": "Shop",
    "consent": {
        "preset": "segment-beta",
        "categories": [
            {
                "id": "ads",
                "destinations": ["facebook", "crm"],
                "signals": [f"{tool.name}:{tool.ads}" for tool in TOOLS],
            },
            {
                "id": "stats",
                "destinations": ["amplitude"],
                "signals": [f"{tool.name}:{tool.stats}" for tool in TOOLS],
            },
        ],
    },
    "sources": [{"id": "src_web", "name": "Web", "write_key": "web-key"}],
    "destinations": [
        {"id": "facebook", "integration": "Facebook Conversions API"},
        {"id": "amplitude", "integration": "Amplitude"},
        {"id": "crm", "integration": "CRM", "receives_consent_updates": True},
        {"id": "slack", "integration": "Slack"},
    ],
}

Sent = list[tuple[str, dict[str, bool]]]


@pytest.fixture(scope="module")
def the_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(WORKSPACE, tmp_path_factory.mktemp("weblib")) as server:
        yield server
        server.stop()
        assert_accounts_balance(server)


@pytest.fixture
def server(the_server: Server) -> Server:
    the_server.begin_anew()
    return the_server


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


def sent(wire: Wire) -> Sent:
    events = wire.events()
    return [(one.get("event") or one["type"], one["context"]["consent"]["categoryPreferences"]) for one in events]


def say(visitor: Visitor, tool: Tool, *, ads: bool, stats: bool) -> None:
    visitor.run(f"banner.save({tool.answers(ads=ads, stats=stats)})")


def has_looked(visitor: Visitor) -> None:
    """Return once the library has had its time to act on what happened."""
    visitor.page.wait_for_timeout(60)


def loads_analytics(visitor: Visitor) -> None:
    visitor.page.wait_for_function("window.analytics.initialized")


def stamps(sent: Sent) -> list[tuple[str, bool | None, bool | None]]:
    """Without the ids that the workspace has no category for."""
    return [(name, said.get("ads"), said.get("stats")) for name, said in sent]


def wait_for_stamps(wire: Wire, *expected: tuple[str, bool | None, bool | None]) -> None:
    wait_until(lambda: len(sent(wire)) >= len(expected), lambda: f"{expected} are sent: {sent(wire)}")
    assert sorted(stamps(sent(wire)), key=str) == sorted(expected, key=str)


@pytest.mark.parametrize("tool", TOOLS, ids=[one.name for one in TOOLS])
def test_what_a_person_tells_any_tool_is_what_the_destinations_go_by(
    tool: Tool, visitor: Visitor, server: Server, wire: Wire
) -> None:
    # It comes late, and nobody answers: nothing is sent.
    visitor.open("tool.html", tool=tool.name, late="150")
    visitor.page.wait_for_function("window.banner")
    visitor.run("void analytics.track('Before The Answer')")
    has_looked(visitor)
    assert wire.posts() == []

    # Refused: only that goes on record, and nothing that happened before.
    say(visitor, tool, ads=False, stats=False)
    wait_for_stamps(wire, (UPDATE, False, False))
    assert not visitor.run("document.cookie.includes('ajs_') || 'ajs_anonymous_id' in localStorage")

    # In part: from now on events are sent, and stamped.
    say(visitor, tool, ads=False, stats=True)
    loads_analytics(visitor)
    visitor.run("analytics.track('In Part').then(() => {})")
    wait_for_stamps(wire, (UPDATE, False, False), (UPDATE, False, True), ("In Part", False, True))

    # Accepted, and the banner opened again without another answer: one update.
    say(visitor, tool, ads=True, stats=True)
    has_looked(visitor)
    visitor.run("banner.reopen()")
    has_looked(visitor)
    visitor.run("analytics.track('All').then(() => {})")
    wait_until(lambda: len(sent(wire)) >= 5, lambda: f"five are sent: {sent(wire)}")
    assert sorted(stamps(sent(wire))[3:]) == [("All", True, True), (UPDATE, True, True)]

    # The next visit: it is known, and no change.
    visitor.open("tool.html", tool=tool.name)
    loads_analytics(visitor)
    visitor.run("analytics.track('Next Visit').then(() => {})")
    wait_until(lambda: len(sent(wire)) >= 7, lambda: f"seven are sent: {sent(wire)}")
    assert sorted(stamps(sent(wire))[5:]) == [("Next Visit", True, True), ("page", True, True)]

    assert_delivered_as_decided(server, wire.events())
    assert {one.get("event") for one in server.delivered("facebook")} == {UPDATE, "All", "Next Visit", None}
    assert len(server.delivered("crm")) == 6
