"""assent.js in Chromium: one script tag, twelve consent tools, and what a person's answer sends to whom."""

import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pytest
from playwright.sync_api import Browser, Route

from harness import Server, Wire, assert_accounts_balance, assert_delivered_as_decided, running_server, wait_until
from harness.visitor import Visitor
from harness.website import Site, snippet

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
                "signals": [*(f"{tool.name}:{tool.ads}" for tool in TOOLS), "gpc"],
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


def test_accepting_sends_what_waited_and_the_page_once(visitor: Visitor, server: Server, wire: Wire) -> None:
    visitor.open("tool.html", tool="onetrust")
    visitor.run("void analytics.track('Before The Answer')")
    say(visitor, ONETRUST, ads=True, stats=False)
    wait_for_stamps(wire, ("page", True, False), ("Before The Answer", True, False), (UPDATE, True, False))
    assert_delivered_as_decided(server, wire.events())


def test_a_refusal_goes_on_record_once_and_stays_on_the_next_visit(
    visitor: Visitor, server: Server, wire: Wire
) -> None:
    for _ in range(2):
        visitor.open("tool.html", tool="onetrust")
        has_looked(visitor)
        say(visitor, ONETRUST, ads=False, stats=False)
        has_looked(visitor)
    wait_for_stamps(wire, (UPDATE, False, False))
    [update] = wire.events()
    assert update["anonymousId"]
    assert "page" not in update["context"]
    assert_delivered_as_decided(server, wire.events())
    wait_until(lambda: server.delivered("crm"), "who is told of changes has the refusal")


def test_who_refuses_later_is_stopped_in_the_browser_too_and_keeps_the_id(
    visitor: Visitor, server: Server, wire: Wire
) -> None:
    visitor.open("tool.html", tool="onetrust")
    say(visitor, ONETRUST, ads=True, stats=True)
    loads_analytics(visitor)
    say(visitor, ONETRUST, ads=False, stats=False)
    has_looked(visitor)
    visitor.run("void analytics.track('After The Refusal')")
    wait_for_stamps(wire, ("page", True, True), (UPDATE, True, True), (UPDATE, False, False))
    # On the next visit everything is loaded anew, and a change of mind is the same person's.
    visitor.open("tool.html", tool="onetrust")
    has_looked(visitor)
    say(visitor, ONETRUST, ads=False, stats=True)
    wait_until(lambda: len(sent(wire)) >= 4, lambda: f"four are sent: {sent(wire)}")
    assert stamps(sent(wire))[3:] == [(UPDATE, False, True)]
    assert len({one["anonymousId"] for one in wire.events()}) == 1
    assert_delivered_as_decided(server, wire.events())


def test_where_nobody_is_asked_the_defaults_hold_and_are_nobodys_answer(
    visitor: Visitor, server: Server, wire: Wire
) -> None:
    visitor.page.add_init_script("window.hasNoBanner = true; document.cookie = 'OptanonConsent=groups=C0002%3A1'")
    visitor.open("tool.html", tool="onetrust")
    wait_for_stamps(wire, ("page", False, True))
    assert_delivered_as_decided(server, wire.events())


TRAPS: Final = {
    "usercentrics with some services of a category": (
        """window.__ucCmp = {isInitialized: async () => true, getConsentDetails: async () => ({
          consent: {type: 'EXPLICIT'},
          categories: {marketing: {state: 'SOME_ACCEPTED'}, functional: {state: 'ALL_ACCEPTED'}}})}""",
        (None, True),
    ),
    "usercentrics version 2, with some services of a category": (
        """const service = (categorySlug, status) => ({categorySlug, consent: {status}})
        window.UC_UI = {isInitialized: () => true, isConsentRequired: () => false, getServicesBaseInfo: () =>
          [service('marketing', true), service('marketing', false), service('functional', true)]}""",
        (None, True),
    ),
    "trustarc with the highest bucket instead of a list": (
        "window.truste = {cma: {callApi: () => ({source: 'asserted', consentDecision: 2})}}",
        (False, True),
    ),
    "iubenda in its older form": (
        "window._iub = {cs: {consent: {timestamp: '2026-01-01', consent: true}}}",
        (True, True),
    ),
    "osano that says yes to opting out": (
        """document.cookie = 'osano_consentmanager=x'
        window.Osano = {cm: {addEventListener() {}, getConsent: () => (
          {ESSENTIAL: 'ACCEPT', ANALYTICS: 'ACCEPT', MARKETING: 'DENY', OPT_OUT: 'ACCEPT'})}}""",
        (False, True),
    ),
    "onetrust while it asks anew": (
        """document.cookie = 'OptanonConsent=groups=C0002%3A1&AwaitingReconsent=true'
        window.OnetrustActiveGroups = ',C0002,C0004,'
        window.OneTrust = {IsAlertBoxClosed: () => true, OnConsentChanged() {}, GetDomainData: () => (
          {Groups: [{CustomGroupId: 'C0002'}, {CustomGroupId: 'C0004'}], ConsentModel: {Name: 'opt-in'}})}""",
        None,
    ),
    "cookiebot that takes going on for a yes": (
        "window.Cookiebot = {hasResponse: true, consent: {method: 'implied', marketing: true, statistics: true}}",
        None,
    ),
    "a tool that fails": ("window.OneTrust = {GetDomainData() { throw Error() }}; OnetrustActiveGroups = ''", None),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_what_a_tool_leaves_open_stays_open(trap: str, visitor: Visitor, server: Server, wire: Wire) -> None:
    script, expected = TRAPS[trap]
    visitor.page.add_init_script(script)
    visitor.open("tool.html")
    if expected is None:
        visitor.page.wait_for_timeout(150)
        assert wire.posts() == []
    else:
        wait_for_stamps(wire, ("page", *expected), (UPDATE, *expected))
        assert_delivered_as_decided(server, wire.events())


OPT_OUT: Final = {"data-consent-model": "opt-out", "data-wait": "200"}


def test_a_page_whose_tool_never_loads_sends_nothing_under_opt_in_and_is_counted(
    visitor: Visitor, server: Server, wire: Wire
) -> None:
    visitor.open("tool.html", tag={"data-wait": "200"})
    visitor.run("void analytics.track('Into The Void')")
    wait_until(lambda: [one for one in wire.requests if one.path == "/v1/m"], "the page reports it")
    visitor.page.wait_for_timeout(300)
    assert wire.posts() == []
    # The tool comes at last: late is not never.
    visitor.run("standIn('onetrust')")
    visitor.page.wait_for_function("banner", timeout=2_000)
    say(visitor, ONETRUST, ads=True, stats=True)
    wait_for_stamps(wire, ("page", True, True), ("Into The Void", True, True), (UPDATE, True, True))
    assert len([one for one in wire.requests if one.path == "/v1/m" and one.method == "POST"]) == 1


def test_a_page_whose_tool_never_loads_sends_events_that_grant_nothing_under_opt_out(
    visitor: Visitor, server: Server, wire: Wire
) -> None:
    visitor.open("tool.html", tag=OPT_OUT)
    visitor.run("void analytics.track('Unknown')")
    wait_until(lambda: len(sent(wire)) >= 2, lambda: f"two are sent: {sent(wire)}")
    assert sorted(sent(wire), key=str) == [("Unknown", {}), ("page", {})]
    assert_delivered_as_decided(server, wire.events())
    assert not any(server.delivered(one) for one in ("facebook", "amplitude", "crm", "slack"))


def test_under_opt_out_the_defaults_hold_until_somebody_refuses(visitor: Visitor, server: Server, wire: Wire) -> None:
    visitor.page.add_init_script("localStorage.osano ??= JSON.stringify({ANALYTICS: 'ACCEPT', MARKETING: 'ACCEPT'})")
    visitor.open("tool.html", tool="osano", tag=OPT_OUT)
    wait_for_stamps(wire, ("page", True, True))
    osano = next(one for one in TOOLS if one.name == "osano")
    say(visitor, osano, ads=False, stats=False)
    has_looked(visitor)
    visitor.run("void analytics.track('After The Refusal')")
    wait_for_stamps(wire, ("page", True, True), (UPDATE, False, False))
    visitor.open("tool.html", tool="osano", tag=OPT_OUT)  # the next visit: nothing at all
    has_looked(visitor)
    assert len(sent(wire)) == 2
    assert_delivered_as_decided(server, wire.events())


@pytest.mark.parametrize(("region", "is_sent"), [("US-CA", True), ("us", True), ("FR", False), ("USX", False)])
def test_the_region_says_whether_the_defaults_hold(region: str, is_sent: bool, visitor: Visitor, wire: Wire) -> None:
    tag = {"data-region": region, "data-opt-out-regions": "US, AU"}
    visitor.page.add_init_script(
        "localStorage.osano ??= JSON.stringify({ESSENTIAL: 'ACCEPT', ANALYTICS: 'ACCEPT', MARKETING: 'DENY'})"
    )
    visitor.open("tool.html", tool="osano", tag=tag)
    if is_sent:
        wait_for_stamps(wire, ("page", False, True))
    else:
        visitor.page.wait_for_timeout(200)
        assert wire.posts() == []


def test_the_browsers_own_signal_refuses_what_it_is_a_signal_of(visitor: Visitor, server: Server, wire: Wire) -> None:
    visitor.page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    visitor.open("tool.html", tool="onetrust")
    say(visitor, ONETRUST, ads=True, stats=True)
    wait_for_stamps(wire, ("page", False, True), (UPDATE, False, True))
    assert_delivered_as_decided(server, wire.events())


DEVICE_MODE: Final = """window.amplitudePlugin = () => ({
  name: 'Amplitude', type: 'destination', version: '1', isLoaded: () => true, load: () => Promise.resolve(),
  track: (context) => { (window.got ??= []).push(context.event.event); return context },
})"""


def test_a_device_mode_integration_gets_only_what_its_categories_allow(
    visitor: Visitor, site: Site, wire: Wire
) -> None:
    """Also after a change of mind, under opt-in, where the published wrapper would let it go on."""
    site.pages["/amplitude.js"] = DEVICE_MODE
    plugin = {"name": "Amplitude", "creationName": "Amplitude", "libraryName": "amplitudePlugin", "settings": {}}

    def with_plugin(route: Route) -> None:
        answer = route.fetch()
        settings = {**answer.json(), "remotePlugins": [{**plugin, "url": f"{site.url}/amplitude.js"}]}
        route.fulfill(response=answer, json=settings)

    visitor.page.route("**/settings", with_plugin)
    visitor.open("tool.html", tool="onetrust")
    say(visitor, ONETRUST, ads=True, stats=True)
    loads_analytics(visitor)
    visitor.run("analytics.track('Granted').then(() => {})")
    say(visitor, ONETRUST, ads=True, stats=False)
    has_looked(visitor)
    visitor.run("analytics.track('Refused').then(() => {})")
    wait_until(lambda: len(sent(wire)) >= 5, lambda: f"five are sent: {sent(wire)}")
    assert visitor.run("got") == [UPDATE, "Granted"]


@pytest.mark.parametrize("kind", ["npm", "snippet"])
def test_a_page_that_has_analytics_wraps_it(
    kind: str, visitor: Visitor, site: Site, server: Server, wire: Wire
) -> None:
    visitor.open("tool.html", tool="onetrust", own="yes")
    if kind == "snippet":
        site.pages["/snippet.js"] = snippet(wire.host, later=True)
        visitor.page.add_script_tag(url=f"{site.url}/snippet.js")
        load = "assent.withAssent({writeKey: 'web-key'})(analytics).load('web-key')"
    else:
        visitor.run(f"window.analytics = {{_cdn: '{wire.url}'}}")
        visitor.page.add_script_tag(url=f"{site.url}/node_modules/@segment/analytics-next/dist/umd/index.js")
        load = (
            "window.analytics = new AnalyticsNext.AnalyticsBrowser(), assent.withAssent({writeKey: 'web-key'})"
            f"(analytics).load({{writeKey: 'web-key', cdnURL: '{wire.url}'}})"
        )
    visitor.run(f"void ({load})")
    visitor.run("void analytics.track('Before The Answer')")
    has_looked(visitor)
    assert wire.posts() == []
    say(visitor, ONETRUST, ads=True, stats=False)
    expected = [("Before The Answer", True, False), (UPDATE, True, False)]
    wait_for_stamps(wire, *expected, *([("page", True, False)] if kind == "snippet" else []))
    assert_delivered_as_decided(server, wire.events())


def test_another_address_is_another_page_of_a_single_page_app(visitor: Visitor, wire: Wire) -> None:
    visitor.open("tool.html", tool="onetrust", tag={"data-single-page": ""})
    say(visitor, ONETRUST, ads=True, stats=True)
    loads_analytics(visitor)
    visitor.run("history.pushState({}, '', '/cart')")
    visitor.run("history.replaceState({}, '', '/cart?step=2')")  # the same page
    wait_until(lambda: len(sent(wire)) >= 3, lambda: f"three are sent: {sent(wire)}")
    pages = [one["context"]["page"]["path"] for one in wire.events() if one["type"] == "page"]
    assert pages == ["/tool.html", "/cart"]


def test_the_panel_says_what_the_tool_reports_and_who_would_get_events(visitor: Visitor, wire: Wire) -> None:
    visitor.open("tool.html", tool="onetrust", query="?debug")
    say(visitor, ONETRUST, ads=False, stats=True)
    panel = visitor.page.get_by_role("region", name="Consent, as Assent sees it")
    for text in (
        "Assent: OneTrust, opt-in, answered",
        "C0004 \u201cTargeting\u201d: refused, the workspace has it as ads",
        "C0002 \u201cPerformance\u201d: granted, the workspace has it as stats",
        "C0001 \u201cStrictly Necessary\u201d: granted, unknown to the workspace",
        "Amplitude: gets it, needs any of stats",
        "Facebook Conversions API: withheld, needs any of ads",
        "Slack: withheld, it is in no category",
    ):
        panel.get_by_text(text).wait_for(timeout=2_000)


def test_an_unknown_key_sends_nothing_and_says_so(visitor: Visitor, wire: Wire) -> None:
    visitor.expected_error = "no source has this write key|404"
    visitor.open("tool.html", tool="onetrust", tag={"data-write-key": "of-somebody-else"}, own="yes")
    say(visitor, ONETRUST, ads=True, stats=True)
    visitor.page.wait_for_timeout(100)
    assert wire.posts() == []
