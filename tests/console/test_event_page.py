"""The page of one event: what it says of every destination is what happened there, and why."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from harness.api import GRANTED, NO_ADVERTISING, Api, Receiver, a_workspace, receiving, running_api
from harness.seat import Seat


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def api(tmp_path: Path, receiver: Receiver) -> Iterator[Api]:
    workspace = a_workspace(
        warehouse="blackhole", pixel="blackhole", picky=f"{receiver.url}/refuse", sick=f"{receiver.url}/down"
    )
    workspace["destinations"].append({"id": "lonely", "name": "Lonely", "connector": "blackhole"})
    workspace["consent"]["categories"][1]["destinations"].append("warehouse")
    with running_api(tmp_path, workspace) as api:
        yield api
        receiver.release()


def card(seat: Seat, title: str) -> Locator:
    return seat.page.get_by_role("article", name=title)


def test_it_says_why_at_every_destination(owner: Seat, api: Api) -> None:
    api.track("m-1", "Order Completed", preferences=NO_ADVERTISING)
    api.wait_for("m-1", warehouse="delivered", pixel="withheld", picky="failed", sick="retrying", lonely="withheld")
    owner.go("/events")
    owner.press("Order Completed")
    expect(owner.page.get_by_role("heading", level=1)).to_have_text("Order Completed")
    expect(owner.page.get_by_role("article")).to_have_count(5)

    pixel = card(owner, "Pixel")
    expect(pixel).to_contain_text("Category denied")
    expect(pixel).to_contain_text("The person refused a category that this destination needs.")
    expect(pixel).to_contain_text("Nothing to mend: this is the person's choice.")
    expect(pixel).to_contain_text("version 1 of the workspace, by test")
    expect(pixel.get_by_role("link")).to_have_count(0)

    expect(card(owner, "Warehouse")).to_contain_text("Analytics analytics")
    expect(card(owner, "Warehouse").get_by_role("link", name="several_categories: any")).to_be_visible()
    expect(card(owner, "Lonely").get_by_role("link", name="unmapped_destination: withhold")).to_be_visible()

    failed = card(owner, "picky")
    expect(failed).to_contain_text("Failed")
    expect(failed).to_contain_text("HTTP 422")
    expect(failed).to_contain_text("no such field")
    expect(failed).to_contain_text("The destination did not take it, for good.")
    expect(card(owner, "sick")).to_contain_text("closed for repairs")
    expect(card(owner, "sick")).to_contain_text("Next try at")
    assert owner.violations() == []


def test_the_payload_is_there_pretty_and_raw_and_by_keyboard(owner: Seat, api: Api) -> None:
    body: dict[str, Any] = {"messageId": "m-1", "event": "E", "userId": "u", "writeKey": "website-key"}
    api.send("track", body)
    owner.go("/events/m-1")
    owner.sees('"receivedAt"')
    owner.page.get_by_role("tab", name="As destinations see it").focus()
    owner.page.keyboard.press("ArrowRight")
    raw = owner.page.get_by_role("tabpanel", name="As it came in")
    expect(raw).to_be_visible()
    expect(raw).not_to_contain_text("receivedAt")
    expect(raw).to_contain_text('"messageId":"m-1"')
    expect(owner.page.get_by_text("website-key")).to_have_count(0)
    expect(owner.page.get_by_role("tabpanel", name="As destinations see it")).to_be_hidden()
    owner.context.grant_permissions(["clipboard-read", "clipboard-write"])
    raw.get_by_role("button", name="Copy").click()
    expect(raw.get_by_role("button")).to_have_text("Copied")
    assert '"messageId":"m-1"' in owner.page.evaluate("navigator.clipboard.readText()")


def test_what_decided_is_told_by_its_version_however_the_workspace_looks_now(owner: Seat, api: Api) -> None:
    api.track("m-1", preferences=GRANTED)
    api.wait_for("m-1", pixel="delivered")
    workspace = api.data("/workspace")["workspace"]
    workspace["consent"]["categories"][0]["name"] = "Measurement"
    workspace["destinations"] = [one for one in workspace["destinations"] if one["id"] != "pixel"]
    workspace["consent"]["categories"][1]["destinations"] = ["warehouse"]
    workspace["destinations"].append({"id": "newcomer", "connector": "blackhole"})
    api.put(workspace)
    owner.go("/events/m-1")
    expect(card(owner, "Warehouse")).to_contain_text("Analytics")
    expect(card(owner, "Warehouse")).to_contain_text("version 1 of the workspace")
    expect(card(owner, "pixel")).to_contain_text("Delivered")
    expect(card(owner, "newcomer")).to_contain_text("Not there yet")


@pytest.mark.parametrize("message_id", ["a/b//c", "100% sure?", "späti #1", "%2F", "a+b=&source=x"])
def test_a_message_id_may_hold_any_character(owner: Seat, api: Api, message_id: str) -> None:
    api.track(message_id, "Odd")
    owner.go("/events")
    owner.press("Odd")
    expect(owner.page.locator(".facts")).to_contain_text(message_id)
    address = owner.page.url.removeprefix(owner.url)
    owner.press("What if it had said otherwise?")
    expect(owner.page.get_by_label("The event")).to_contain_text(f'"messageId": "{message_id}"')
    owner.press("Sign out")
    owner.go(address)
    owner.page.get_by_label("E-mail address").fill("olivia@example.com")
    owner.page.get_by_label("Password").fill("correct horse battery")
    owner.press("Sign in")
    expect(owner.page).to_have_url(f"{owner.url}{address}")


def test_the_same_id_from_two_sources_is_two_pages(owner: Seat, api: Api) -> None:
    api.track("same", "From The Site")
    api.send("track", {"messageId": "same", "event": "From The App", "userId": "u"}, write_key="app-key")
    owner.go("/events")
    owner.press("From The Site")
    owner.sees("Others with the same message id")
    owner.page.get_by_role("link", name="From app").click()
    expect(owner.page.get_by_role("heading", level=1)).to_have_text("From The App")


def test_an_event_that_is_gone_says_how_long_events_are_kept(owner: Seat) -> None:
    owner.expected_error = "404"
    owner.go("/events/never-seen")
    owner.sees("This event is not here")
    owner.sees("Events are kept for 7 days")
