"""Sources in the console: adding one, its key and its code, and what happens to those who send with it."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from harness import wait_until
from harness.api import WRITE_KEY, Api, a_workspace
from harness.seat import Seat


@pytest.fixture
def workspace() -> dict[str, Any]:
    return a_workspace(warehouse="blackhole")


def answer_to(api: Api, write_key: str, event: str = "Tested") -> int:
    """What the gateway answers to an event with this key."""
    body = {"userId": "u-1", "event": event}
    return httpx.post(f"{api.url}/v1/track", json=body, auth=(write_key, "")).status_code


def key_of(owner: Seat) -> str:
    return owner.page.locator("#write-key").inner_text()


def test_from_a_new_source_to_its_first_event_and_a_new_key(owner: Seat, api: Api) -> None:
    owner.go("/connections/sources")
    owner.press("Add a source")
    owner.page.get_by_label("Name").fill("Bücher & mehr")
    owner.press("Add the source")
    expect(owner.page).to_have_url(f"{owner.url}/connections/sources/bucher-mehr")
    owner.sees("Bücher & mehr is there")
    first = key_of(owner)
    assert re.fullmatch(r"[\w-]{32}", first)
    assert answer_to(api, first) == 200

    owner.page.reload()
    expect(owner.page.locator(".figures div", has_text="Events, last 24 h").locator("dd")).to_have_text("1")

    owner.press("Rotate the key")
    owner.sees("answered 401 from then on")
    owner.page.get_by_role("dialog").get_by_role("button", name="Rotate the key").click()
    owner.sees("The write key is new")
    second = key_of(owner)
    assert second != first
    assert (answer_to(api, first), answer_to(api, second)) == (401, 200)
    trail = [one.happening.action for one in api.server.stores.trail.entries(2)]
    assert trail == ["Source Write Key Rotated", "Source Created"]


def test_the_code_has_this_servers_address_and_this_key(owner: Seat, api: Api) -> None:
    owner.go("/connections/sources/website")
    owner.page.locator("summary", has_text="segment-analytics-python").click()
    samples = owner.page.locator(".sample pre")
    expect(samples.nth(4)).to_be_visible()
    texts = samples.all_text_contents()
    assert len(texts) == 7
    assert texts[0] == f'<script src="{api.url}/assent.js" data-write-key="website-key"></script>'
    assert all("website-key" in one and api.url in one for one in texts[:6])
    assert "categoryPreferences" in texts[3]
    owner.press("code without consent")
    owner.sees("This code sends events without consent")
    assert "categoryPreferences" not in samples.all_text_contents()[2]


def test_the_key_is_copied(seat: Callable[..., Seat], owner: Seat) -> None:
    owner.context.grant_permissions(["clipboard-read", "clipboard-write"])
    owner.go("/connections/sources/website")
    owner.page.locator("[data-copy=write-key]").click()
    owner.sees("Copied")
    assert owner.page.evaluate("navigator.clipboard.readText()") == "website-key"


def test_what_a_disabled_source_sends_is_discarded(owner: Seat, api: Api) -> None:
    owner.go("/connections/sources/website")
    owner.press("Disable")
    owner.page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    owner.sees("This source is disabled")
    assert answer_to(api, "website-key") == 200
    assert [one["code"] for one in api.data("/discards")["discards"]] == ["source_disabled"]
    owner.press("Enable")
    owner.sees("It is enabled")
    before = api.server.log.head
    assert answer_to(api, "website-key") == 200
    assert api.server.log.head == before + 1


def test_deleting_needs_the_id_typed_here_and_at_the_server(owner: Seat, api: Api) -> None:
    owner.go("/connections/sources/app")
    owner.press("Delete")
    dialog = owner.page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Delete")).to_be_disabled()
    dialog.get_by_label("Type app to go on").fill("web")
    expect(dialog.get_by_role("button", name="Delete")).to_be_disabled()
    owner.expected_error = "400"
    dialog.get_by_role("button", name="Delete").evaluate("button => { button.disabled = false }")
    dialog.get_by_role("button", name="Delete").click()
    owner.sees("to delete the source, type its id: `app`")
    owner.press("Delete")
    owner.page.get_by_role("dialog").get_by_label("Type app to go on").fill("app")
    owner.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(owner.page).to_have_url(f"{owner.url}/connections/sources")
    owner.sees("The source app is deleted")
    assert answer_to(api, "app-key") == 401


def test_mistakes_are_said_beside_their_field_and_nothing_typed_is_lost(owner: Seat) -> None:
    owner.expected_error = "400|409"
    owner.go("/connections/sources/new")
    owner.page.locator("summary").click()
    owner.page.get_by_label("Name").fill("Shop")
    owner.page.get_by_label("Id").fill("no id")
    owner.page.get_by_label("Write key").fill("mine")
    owner.press("Add the source")
    field = owner.page.get_by_label("Id")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(owner.page.locator("#hint-id")).to_contain_text("is no id")
    expect(owner.page.get_by_label("Name")).to_have_value("Shop")
    expect(owner.page.get_by_label("Write key")).to_have_value("mine")
    field.fill("website")
    owner.press("Add the source")
    expect(owner.page.locator("#hint-id")).to_contain_text("there is a source `website` already")
    field.fill("shop")
    owner.page.get_by_label("Write key").fill("website-key")
    owner.press("Add the source")
    expect(owner.page.locator("#hint-write_key")).to_contain_text("already used")


def test_what_somebody_else_changed_is_shown_before_it_is_sent_again(owner: Seat, api: Api) -> None:
    owner.go("/connections/sources/website")
    owner.page.get_by_role("textbox", name="Name").fill("My shop")
    assert api.owner.patch("/sources/website", json={"name": "Their shop"}).status_code == 200
    owner.expected_error = "409"
    owner.press("Save the name")
    owner.sees("olivia put version")
    owner.sees(re.compile("Their shop"))
    expect(owner.page.get_by_role("textbox", name="Name")).to_have_value("My shop")
    owner.press("Save the name")
    owner.sees("The name is changed")
    assert api.data("/sources/website")["name"] == "My shop"


def test_a_name_is_text_whatever_is_in_it(owner: Seat, api: Api) -> None:
    evil = "<img src=x onerror=alert(1)>'\"</script>"
    assert api.owner.post("/sources", json={"id": "evil", "name": evil}).status_code == 200
    dialogs: list[str] = []
    owner.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for path in ("/connections/sources", "/connections/sources/evil"):
        owner.go(path)
        owner.sees(evil)
        assert owner.page.locator("img[src=x]").count() == 0
    assert dialogs == []


def test_a_member_reads_and_changes_nothing(member: Seat, api: Api) -> None:
    member.go("/connections/sources/website")
    member.sees("website-key")
    for button in ("Rotate the key", "Disable", "Delete", "Save the name"):
        expect(member.page.get_by_role("button", name=button)).to_have_count(0)
    before = api.server.in_force.number
    cookies = {one["name"]: one["value"] for one in member.context.cookies()}
    with httpx.Client(base_url=api.url, cookies=cookies) as client:
        client.get("/connections/sources")
        token = client.cookies["assent_form"]
        for path in ("/new", "/website", "/website/rotate", "/website/disable", "/website/enable", "/website/delete"):
            form = {"_csrf_token": token, "version": str(before), "name": "x", "typed": "website"}
            assert client.post(f"/connections/sources{path}", data=form).status_code == 403, path
    assert api.server.stores.current().number == before


@pytest.mark.parametrize("options", [{}, {"viewport": {"width": 375, "height": 740}, "color_scheme": "dark"}])
def test_everybody_can_use_these_pages(owner: Seat, seat: Callable[..., Seat], options: dict[str, Any]) -> None:
    here = seat(**options)
    here.context.add_cookies(owner.context.cookies())
    for path in ("/connections/sources", "/connections/sources/new", "/connections/sources/website"):
        here.go(path)
        assert here.violations() == [], path
        assert not here.is_too_wide(), path


def test_an_empty_workspace_says_what_to_do_first(owner: Seat, api: Api) -> None:
    api.put({})
    owner.go("/connections/sources")
    owner.sees("Let your first events in")
    owner.press("Add a source")
    expect(owner.page).to_have_url(f"{owner.url}/connections/sources/new")


def test_pages_without_a_consent_tool_are_counted_where_somebody_sees_it(owner: Seat, api: Api) -> None:
    warning = "Pages without a consent tool"
    owner.go("/connections/sources/website")
    expect(owner.page.get_by_text(warning)).to_have_count(0)

    report = {"series": [{"type": "Counter", "metric": "assent.no_consent_tool", "value": 1, "tags": {}}]}
    for key in (WRITE_KEY, WRITE_KEY, "of-nobody"):
        assert httpx.post(f"{api.url}/v1/m", json={**report, "writeKey": key}).status_code == 200
    wait_until(lambda: api.server.stores.pages.without_tool(0) == {"website": 2}, "the pages are written down")
    owner.page.reload()
    owner.sees(warning)
    owner.sees("On 2 pages in the last 24 hours")
    [found] = [one for one in api.data("/warnings")["warnings"] if one["kind"] == "no_consent_tool"]
    assert "2 pages of the source" in found["message"]
    assert found["page"] == "/connections/sources/website"
    assert not owner.violations()
