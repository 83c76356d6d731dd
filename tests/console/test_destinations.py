"""Destinations in the console: the catalogue, the form of each, holding, testing, and what no page shows."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import expect

from harness import wait_until
from harness.api import GRANTED, NO_ADVERTISING, Api, Receiver, a_workspace, receiving
from harness.seat import Seat

SECRET: Final = "a-secret-that-nobody-sees"
HEADER: Final = "Bearer-of-nothing-at-all"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def workspace(receiver: Receiver) -> dict[str, Any]:
    hook = {"connector": "webhook", "settings": {"url": f"{receiver.url}/take", "secret": SECRET}}
    return a_workspace(warehouse="blackhole", pixel="blackhole", hook=hook)


def at(destination: str) -> str:
    return f"/connections/destinations/{destination}"


def tab_to(owner: Seat, name: str) -> None:
    """Press Tab until the field, link or button of this name has the focus."""
    for _ in range(60):
        owner.page.keyboard.press("Tab")
        focused = owner.page.evaluate(
            "(() => { const it = document.activeElement; const label = it.labels && it.labels[0];"
            " return it.getAttribute('aria-label') || (label ? label.innerText : it.innerText) })()"
        )
        if (focused or "").strip().rstrip("*").strip() == name:
            return
    raise AssertionError(f"Tab never comes to {name}")


def test_a_webhook_is_added_by_keyboard_alone_and_takes_a_signed_test_event(
    owner: Seat, api: Api, receiver: Receiver
) -> None:
    owner.go("/connections/destinations")
    tab_to(owner, "Add a destination")
    owner.page.keyboard.press("Enter")
    expect(owner.page.get_by_role("heading", name="Catalogue")).to_be_visible()
    tab_to(owner, "Add Webhook")
    owner.page.keyboard.press("Enter")
    expect(owner.page.locator("#field-name")).to_be_focused()
    owner.page.keyboard.type("Product analytics")
    for field, text in (
        ("URL", f"{receiver.url}/take"),
        ("Signing secret", "whsec_c2VjcmV0IQ=="),
        ("Headers: name", "X-Team"),
        ("Headers: value", HEADER),
    ):
        tab_to(owner, field)
        owner.page.keyboard.type(text)
    tab_to(owner, "Analytics\nanalytics")
    owner.page.keyboard.press("Space")
    owner.page.keyboard.press("Enter")
    owner.sees("Product analytics is there")
    expect(owner.page).to_have_url(f"{owner.url}{at('product-analytics')}")

    tab_to(owner, "Send a test event")
    owner.page.keyboard.press("Enter")
    owner.sees("The destination took the test event")
    headers, body = receiver.requests[-1]
    assert headers["x-team"] == HEADER
    assert headers["webhook-signature"].startswith("v1,")
    assert json.loads(body)["event"] == "Assent Test Event"
    found = api.data("/destinations/product-analytics")
    assert found["categories"] == ["analytics"]
    assert "Destination Tested" in [one.happening.action for one in api.server.stores.trail.entries(1)]


def test_held_events_pile_up_and_arrive_when_released(owner: Seat, api: Api, receiver: Receiver) -> None:
    owner.go(at("hook"))
    owner.page.get_by_role("link", name="Hold").click()
    owner.sees("Holding is not the same as switching enforcement off")
    owner.press("Hold hook")
    owner.sees("hook is held.")
    owner.go(at("hook"))
    owner.sees("This destination is held")
    for number in range(3):
        api.track(f"h-{number}", preferences=GRANTED)
    api.wait_for("h-2", warehouse="delivered", hook="unread")
    owner.page.reload()
    owner.sees(re.compile("3 wait, the oldest since"))
    assert receiver.requests == []
    owner.page.get_by_role("link", name="Release").click()
    owner.press("Release hook")
    owner.sees("hook is released.")
    api.wait_for("h-2", hook="delivered")
    assert [json.loads(body)["messageId"] for _, body in receiver.requests] == ["h-0", "h-1", "h-2"]
    actions = [one.happening.action for one in api.server.stores.trail.entries(2)]
    assert actions == ["Destination Released", "Destination Held"]


def test_a_change_says_what_it_would_have_meant_for_the_last_day(owner: Seat, api: Api) -> None:
    api.track("m-1", preferences=GRANTED)
    api.track("m-2", preferences=NO_ADVERTISING)
    api.wait_for("m-2", pixel="withheld")
    owner.go(at("pixel"))
    owner.page.get_by_label("Analytics").check()
    owner.sees("Of the 2 events of the last 24 hours,")
    owner.sees("1 would newly go to it (50 %)")
    owner.page.get_by_label("Of which events").select_option("Of the last 7 days")
    owner.sees("Of the 2 events of the last 7 days,")
    owner.page.get_by_label("Analytics").uncheck()
    owner.sees("Nothing is different from what is in force")
    owner.page.get_by_label("Analytics").check()
    owner.press("Save the categories")
    owner.sees("The categories are saved")
    assert api.data("/destinations/pixel")["categories"] == ["analytics", "advertising"]

    owner.press("Disable")
    owner.sees("2 would no longer go to it (100 %)")
    owner.page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    owner.sees("It is disabled")
    api.track("m-3", preferences=GRANTED)
    assert api.wait_for("m-3", pixel="withheld")["pixel"]["reason"] == "destination_disabled"
    owner.press("Enable")
    owner.sees(re.compile("3 would newly go to it"))
    owner.page.get_by_role("dialog").get_by_role("button", name="Enable").click()
    owner.sees("It is enabled")


def test_deleting_takes_it_out_of_its_categories(owner: Seat, api: Api) -> None:
    owner.go(at("pixel"))
    owner.press("Delete")
    dialog = owner.page.get_by_role("dialog")
    dialog.get_by_label("Type pixel to go on").fill("pixel")
    dialog.get_by_role("button", name="Delete").click()
    owner.sees("The destination pixel is deleted")
    workspace = api.data("/workspace")["workspace"]
    assert [one["id"] for one in workspace["destinations"]] == ["warehouse", "hook"]
    assert all("pixel" not in one.get("destinations", ()) for one in workspace["consent"]["categories"])


def test_a_secret_is_in_no_page_no_export_no_log_and_no_trail(
    owner: Seat, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    owner.expected_error = "400"
    owner.go("/connections/destinations/new?connector=webhook")
    owner.page.locator("#field-name").fill("Leaky")
    owner.page.get_by_label("URL").fill("ftp://nowhere.example")
    owner.page.get_by_label("Signing secret").fill(SECRET + "-2")
    owner.page.get_by_label("Headers: name").fill("Authorization")
    owner.page.get_by_label("Headers: value").fill(HEADER)
    owner.press("Add the destination")
    expect(owner.page.locator("#hint-url")).to_contain_text("not in the form it needs")
    expect(owner.page.get_by_label("URL")).to_have_value("ftp://nowhere.example")
    expect(owner.page.get_by_label("URL")).to_have_attribute("aria-invalid", "true")
    seen = [owner.page.content()]
    expect(owner.page.get_by_label("Signing secret")).to_have_value("")
    owner.page.get_by_label("URL").fill("http://127.0.0.1:9/nowhere")
    owner.page.get_by_label("Signing secret").fill(SECRET + "-2")
    owner.page.get_by_label("Headers: value").first.fill(HEADER)
    owner.press("Add the destination")
    owner.sees("Leaky is there")
    api.track("m-1", preferences=GRANTED)
    owner.press("Send a test event")
    owner.sees("The destination did not take the test event")
    expect(owner.page.get_by_label("Signing secret")).to_have_attribute("placeholder", "Saved; leave empty to keep it")
    seen.append(owner.page.content())
    for path in ("/connections/destinations", at("leaky"), at("hook")):
        owner.go(path)
        seen.append(owner.page.content())
    seen += [api.owner.get("/workspace/export").text, api.owner.get("/destinations/leaky").text]
    seen += [str(api.server.stores.trail.entries(100)), caplog.text]
    for text in seen:
        assert SECRET not in text
        assert HEADER not in text


def test_saving_settings_keeps_secrets_that_are_left_empty(owner: Seat, api: Api, receiver: Receiver) -> None:
    before = api.data("/destinations/hook")["settings"]["secret"]
    owner.go(at("hook"))
    owner.page.get_by_label("Timeout").fill("4.5")
    owner.page.locator("#field-name").fill("My hook")
    owner.press("Save the settings")
    owner.sees("The settings are saved")
    found = api.data("/destinations/hook")
    assert found["settings"] == {"url": f"{receiver.url}/take", "secret": before, "timeout": 4.5}
    assert found["name"] == "My hook"
    owner.page.get_by_label("Remove what is saved").check()
    owner.press("Save the settings")
    owner.sees("The settings are saved")
    wait_until(lambda: "secret" not in api.data("/destinations/hook")["settings"], "the secret is gone")


def test_rows_of_headers_come_and_go(owner: Seat, api: Api) -> None:
    owner.go(at("hook"))
    owner.page.get_by_label("Headers: name").fill("X-A")
    owner.page.get_by_label("Headers: value").fill("$HOME")
    owner.press("Another row")
    owner.page.get_by_label("Headers: name").nth(1).fill("X-B")
    owner.page.get_by_label("Headers: value").nth(1).fill("two words")
    owner.press("Save the settings")
    owner.sees("The settings are saved")
    headers = api.data("/destinations/hook")["settings"]["headers"]
    assert (headers["X-A"], headers["X-B"][:8]) == ("$HOME", "$stored:")
    owner.page.get_by_label("Remove this row").first.click()
    owner.press("Save the settings")
    owner.sees("The settings are saved")
    wait_until(lambda: [*api.data("/destinations/hook")["settings"]["headers"]] == ["X-B"], "one is left")


def test_what_somebody_else_changed_is_shown_and_nothing_is_lost(owner: Seat, api: Api) -> None:
    owner.go(at("hook"))
    owner.page.get_by_label("Timeout").fill("7")
    assert api.owner.patch("/destinations/pixel", json={"enabled": False}).status_code == 200
    owner.expected_error = "409"
    owner.press("Save the settings")
    owner.sees("olivia put version")
    owner.sees(re.compile("ixel is switched off"))
    expect(owner.page.get_by_label("Timeout")).to_have_value("7")
    owner.press("Save the settings")
    owner.sees("The settings are saved")
    assert api.data("/destinations/hook")["settings"]["timeout"] == 7
    assert not api.data("/destinations/pixel")["enabled"]


def test_names_and_answers_are_text_whatever_is_in_them(owner: Seat, api: Api) -> None:
    evil = "<img src=x onerror=alert(1)>'\"</script>"
    body = {"connector": "blackhole", "id": "evil", "name": evil, "integration": evil}
    assert api.owner.post("/destinations", json=body).status_code == 200
    for path in ("/connections/destinations", at("evil")):
        owner.go(path)
        owner.sees(evil)
        assert owner.page.locator("img[src=x]").count() == 0


def test_a_member_reads_and_changes_nothing(member: Seat, api: Api) -> None:
    member.go(at("hook"))
    expect(member.page.get_by_label("URL")).to_be_disabled()
    for button in ("Disable", "Delete", "Save the settings", "Save the categories", "Send a test event"):
        expect(member.page.get_by_role("button", name=button)).to_have_count(0)
    before = api.server.in_force.number
    cookies = {one["name"]: one["value"] for one in member.context.cookies()}
    paths = ["/new", "/hook"] + [f"/hook/{one}" for one in ("categories", "enable", "disable", "delete", "test")]
    with httpx.Client(base_url=f"{api.url}/connections/destinations", cookies=cookies) as client:
        client.get("")
        form = {"_csrf_token": client.cookies["assent_form"], "version": str(before), "typed": "hook", "name": "x"}
        for path in paths:
            assert client.post(path, data=form).status_code == 403, path
    assert api.server.stores.current().number == before


@pytest.mark.parametrize("options", [{}, {"viewport": {"width": 375, "height": 740}, "color_scheme": "dark"}])
def test_everybody_can_use_these_pages(owner: Seat, seat: Callable[..., Seat], options: dict[str, Any]) -> None:
    here = seat(**options)
    here.context.add_cookies(owner.context.cookies())
    for path in ("", "/catalogue", "/new?connector=webhook", "/hook"):
        here.go(f"/connections/destinations{path}")
        assert here.violations() == [], path
        assert not here.is_too_wide(), path
    here.press("Delete")
    here.sees(re.compile("nothing to measure this on"))
    assert here.violations() == []


def test_an_empty_workspace_says_what_to_do_first(owner: Seat, api: Api) -> None:
    api.put({})
    owner.go("/connections/destinations")
    owner.sees("Say who receives events")
    owner.press("Add a destination")
    expect(owner.page.get_by_role("heading", name="Webhook")).to_be_visible()
