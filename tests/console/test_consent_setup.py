"""The wizard: from an empty workspace to the first event that is withheld, by keyboard, a real page as the source."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from harness import node_modules
from harness.api import Api
from harness.seat import Seat
from harness.tools import node
from harness.website import Site, running_site

MOST_STOPS = 120
WRAPPED = """<!doctype html><html><head><title>Shop</title>
<script type="importmap">{"imports": {
  "@segment/analytics-consent-tools": "/node_modules/@segment/analytics-consent-tools/dist/esm/index.js",
  "@segment/analytics-generic-utils": "/node_modules/@segment/analytics-generic-utils/dist/esm/index.js"
}}</script>
<script>window.analytics = {_cdn: "HOST"}</script>
<script src="/node_modules/@segment/analytics-next/dist/umd/index.js"></script>
<script type="module">CODE</script></head><body>Shop</body></html>"""


@pytest.fixture
def workspace() -> dict[str, Any]:
    return {
        "workspace": "Shop",
        "sources": [
            {"id": "website", "name": "Web shop", "write_key": "website-key"},
            {"id": "app", "write_key": "app-key"},
        ],
        "destinations": [
            {"id": "pixel", "name": "Pixel", "connector": "blackhole"},
            {"id": "warehouse", "name": "Warehouse", "connector": "blackhole"},
        ],
    }


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_site(node_modules()) as site:
        yield site


def by_keyboard(seat: Seat, target: Locator, key: str = "Enter") -> None:
    """Go to it with Tab, as somebody without a mouse does, and press the key."""
    expect(target).to_be_visible()
    for _ in range(MOST_STOPS):
        if target.evaluate("one => one === document.activeElement"):
            seat.page.keyboard.press(key)
            return
        seat.page.keyboard.press("Tab")
    raise AssertionError(f"{target} is not reached with Tab")


def link(seat: Seat, name: str) -> Locator:
    return seat.page.get_by_role("link", name=name, exact=True)


def button(seat: Seat, name: str) -> Locator:
    return seat.page.get_by_role("button", name=name, exact=True)


def box(seat: Seat, name: str) -> Locator:
    return seat.page.get_by_role("checkbox", name=name)


def test_from_an_empty_workspace_to_the_first_withheld_event_by_keyboard(
    owner: Seat, api: Api, site: Site, browser: Browser
) -> None:
    owner.go("/privacy/consent")
    by_keyboard(owner, link(owner, "Get started"))
    owner.sees("A consent tool that asks people")
    owner.sees("Sources: Web shop, app.")
    by_keyboard(owner, link(owner, "Step 1: Create consent categories"))

    by_keyboard(owner, link(owner, "OneTrust"))
    owner.sees("Cookie Consent > Categorizations")
    by_keyboard(owner, box(owner, "Targeting C0004"), "Space")
    by_keyboard(owner, button(owner, "Add those ticked"))
    owner.sees("Created: Targeting.")
    field = owner.page.get_by_label("Name")
    by_keyboard(owner, field, "Shift")
    owner.page.keyboard.type("Statistics")
    owner.page.keyboard.press("Tab")
    owner.page.keyboard.type("stats")
    by_keyboard(owner, button(owner, "Add the category"))
    owner.sees("Created: Statistics.")
    by_keyboard(owner, link(owner, "Step 2: Map destinations"))

    expect(owner.page.locator(".is-unmapped")).to_have_count(2)
    by_keyboard(owner, button(owner, "Show both truth tables"))
    expect(owner.page.get_by_role("dialog")).to_contain_text("A destination in two categories")
    owner.page.keyboard.press("Escape")
    by_keyboard(owner, box(owner, "Pixel needs Targeting"), "Space")
    by_keyboard(owner, box(owner, "Warehouse needs Statistics"), "Space")
    expect(owner.page.locator(".is-unmapped")).to_have_count(0)
    owner.sees("Your data is immediately impacted")
    by_keyboard(owner, button(owner, "Save and go on"))
    owner.sees("Waiting for it.")
    assert api.data("/mapping")["mapping"] == {"C0004": ["pixel"], "stats": ["warehouse"]}

    code = owner.page.locator("#code-snippet").text_content()
    site.pages["/shop.html"] = (
        f"<!doctype html><html lang=en><head><title>Shop</title>{code}</head><body>Shop</body></html>"
    )
    with browser.new_context() as visitor:
        visitor.new_page().goto(f"{site.url}/shop.html")
        owner.sees("It is here")
    decisions = owner.page.locator(".decisions")
    expect(decisions).to_contain_text("Pixel")
    expect(decisions.get_by_text("Category denied")).to_have_count(2)
    owner.sees("Targeting: refused")
    (event,) = api.data("/events")["events"]
    assert event["event"] is None
    assert event["type"] == "page"
    fates = api.wait_for(event["messageId"], pixel="withheld", warehouse="withheld")
    assert fates["pixel"]["categories"] == ["C0004"]

    by_keyboard(owner, link(owner, "Go on to the review"))
    owner.sees("Pixel gets an event when the person granted Targeting.")
    rows = owner.page.get_by_role("region", name="Events by destination").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("Category denied 1")
    expect(owner.page.locator("#flows canvas")).to_be_visible()
    by_keyboard(owner, link(owner, "Finish"))
    owner.sees("Who gets what")


def test_the_code_of_every_library_has_this_servers_address_and_key(owner: Seat, api: Api) -> None:
    api.owner.post("/categories", json={"id": "ads"})
    owner.go("/privacy/consent/setup/sources?source=app")
    for id_ in ("snippet", "npm", "node", "python", "http"):
        code = owner.page.locator(f"#code-{id_}").text_content() or ""
        assert api.url in code, id_
        assert "app-key" in code, id_
        assert "website-key" not in code, id_
        assert "ads" in code, id_


def test_the_code_for_servers_runs_as_it_is_copied(owner: Seat, api: Api) -> None:
    api.owner.post("/categories", json={"id": "it's", "destinations": ["pixel"]})
    owner.go("/privacy/consent/setup/sources")
    code = {id_: owner.page.locator(f"#code-{id_}").text_content() or "" for id_ in ("node", "python", "http")}
    folder = node_modules().parent
    for command in (
        [node(), "--input-type=module", "-e", code["node"]],
        [sys.executable, "-c", code["python"]],
        ["bash", "-c", code["http"]],
    ):
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        assert run.returncode == 0, run.stderr
    events = [one["payload"] for one in api.data("/events")["events"]]
    assert len(events) == 3
    for event in events:
        assert event["context"]["consent"] == {"categoryPreferences": {"it's": False}}


def test_the_code_with_the_consent_wrapper_runs_too(owner: Seat, api: Api, site: Site, browser: Browser) -> None:
    api.owner.post("/categories", json={"id": "ads", "destinations": ["pixel"]})
    owner.go("/privacy/consent/setup/sources")
    code = owner.page.locator("#code-npm").text_content() or ""
    # No bundler here: the library comes as a script, which has to be told where its parts are, the wrapper by a map.
    bundled = code.replace(
        "import { AnalyticsBrowser } from '@segment/analytics-next'", "const { AnalyticsBrowser } = AnalyticsNext"
    )
    assert bundled != code
    granted = bundled.replace('{"ads": false}', '{"ads": true}')
    site.pages["/wrapped.html"] = WRAPPED.replace("HOST", api.url).replace("CODE", granted)
    with browser.new_context() as visitor:
        visitor.new_page().goto(f"{site.url}/wrapped.html")
        owner.sees("It is here")
    owner.sees("ads: granted")
    expect(owner.page.locator(".decisions li").first).to_contain_text("Consented")


def test_the_page_tells_of_events_without_consent_and_waits_on(owner: Seat, api: Api) -> None:
    api.owner.post("/categories", json={"id": "ads", "destinations": ["pixel"]})
    api.track("before", preferences={"ads": True})
    owner.go("/privacy/consent/setup/sources")
    owner.sees("Waiting for it.")
    for number in range(3):
        api.track(f"without-{number}")
    owner.sees("3 events came in since you opened this page, without a consent object.")
    api.track("with", "Order Completed", preferences={"ads": True, "other": False})
    owner.sees("It is here")
    owner.sees("Order Completed")
    expect(owner.page.locator(".decisions li").first).to_contain_text("Pixel Consented ads")
    expect(owner.page.locator(".decisions li").last).to_contain_text("Warehouse Destination unmapped")


def test_what_is_done_stays_done_when_they_come_back(owner: Seat) -> None:
    owner.go("/privacy/consent/setup/categories?tool=cookiebot")
    owner.press("Add all")
    owner.sees("Created: Necessary, Preferences, Statistics, Marketing.")
    owner.go("/privacy/consent/setup")
    steps = owner.page.get_by_role("navigation", name="Steps of the set-up")
    expect(steps.get_by_role("listitem").nth(1)).to_contain_text("(done)")
    expect(steps.get_by_role("listitem").nth(2)).not_to_contain_text("(done)")
    owner.go("/privacy/consent/setup/categories?tool=cookiebot")
    expect(owner.page.get_by_text("Here already")).to_have_count(4)


def test_a_wrong_id_is_said_beside_it_and_nothing_is_created(owner: Seat, api: Api) -> None:
    owner.expected_error = "400|409"
    owner.go("/privacy/consent/setup/categories")
    owner.page.get_by_label("Name").fill("Ads")
    owner.page.get_by_label("Id", exact=True).fill("my.ads")
    owner.press("Add the category")
    expect(owner.page.locator("#hint-id")).to_contain_text("contains `.`")
    expect(owner.page.get_by_label("Name")).to_have_value("Ads")
    assert api.data("/categories")["categories"] == []


@pytest.mark.parametrize("workspace", [{"workspace": "Empty"}])
def test_without_sources_and_destinations_the_wizard_says_what_to_do(owner: Seat, workspace: dict[str, Any]) -> None:
    del workspace
    owner.go("/privacy/consent/setup")
    owner.sees("There is no source yet")
    owner.go("/privacy/consent/setup/sources")
    expect(link(owner, "Add a source")).to_have_attribute("href", "/connections/sources/new")
    owner.go("/privacy/consent/setup/categories?tool=cookiebot")
    owner.press("Add all")
    owner.go("/privacy/consent/setup/destinations")
    expect(link(owner, "Add a destination")).to_have_attribute("href", "/connections/destinations")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_readable_for_all(seat: Callable[..., Seat], owner: Seat, api: Api, scheme: str) -> None:
    api.owner.post("/categories", json={"id": "ads", "name": "Advertising", "destinations": ["pixel"]})
    api.track("before", preferences={"ads": True})
    cookies = owner.context.storage_state()
    for width in (1440, 375):
        reader = seat(viewport={"width": width, "height": 800}, color_scheme=scheme, storage_state=cookies)
        for path in ("", "/categories?tool=onetrust", "/destinations", "/sources", "/review"):
            reader.go(f"/privacy/consent/setup{path}")
            if reader.page.locator("#impact").count():
                expect(reader.page.locator("#impact")).not_to_contain_text("Counting")
            assert reader.violations() == [], path
            assert not reader.is_too_wide(), path
