"""The delivery overview in a browser."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from harness import wait_until
from harness.api import GRANTED, NO_ADVERTISING, Api, Receiver, a_workspace, receiving
from harness.seat import Seat

TROUBLE = '</script><b title="x">=SUM(1)'


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def workspace(receiver: Receiver) -> dict[str, Any]:
    return a_workspace(warehouse="blackhole", pixel="blackhole", picky=f"{receiver.url}/refuse")


@pytest.fixture
def busy(api: Api) -> Api:
    """Where five events and a discard came in."""
    for number in range(3):
        api.track(f"granted-{number}", preferences=GRANTED, userId=f"u-{number}")
    api.track("denied", preferences=NO_ADVERTISING, userId="u-3")
    api.track("trouble", TROUBLE, preferences=NO_ADVERTISING, userId="u-4")
    api.send("track", {"messageId": "nobody", "event": TROUBLE})
    wait_until(
        lambda: sum(one["events"] for one in api.data("/delivery", groupBy="")["settled"]) == 15, "all came to rest"
    )
    return api


def step(seat: Seat, name: str) -> Any:
    return seat.page.locator(f'[data-step="{name}"]')


def test_an_empty_workspace_says_what_to_do_next(owner: Seat) -> None:
    owner.go("/delivery")
    owner.sees("Nothing in the last 24 hours")
    owner.press("Show 14 days")
    owner.sees("Nothing was delivered yet")
    expect(owner.page.get_by_role("link", name="Connect a source")).to_have_attribute("href", "/connections/sources")
    owner.sees("Right now")


def test_the_page_shows_what_happened(owner: Seat, busy: Api) -> None:
    del busy
    owner.go("/delivery")
    for name, events in {"received": 6, "failed_on_ingest": 1, "withheld_at_destination": 2, "failed": 5}.items():
        expect(step(owner, name).locator(".step-count")).to_have_text(str(events))
        expect(step(owner, name)).to_contain_text("no events before")
    expect(step(owner, "delivered")).to_contain_text("Successful delivery")
    expect(owner.page.locator('[data-chart="series"][data-drawn]')).to_be_visible()
    expect(owner.page.locator('[data-chart="sankey"][data-drawn]')).to_be_visible()
    table = owner.page.get_by_role("region", name="How events flow", exact=True)
    owner.page.get_by_text("The same as a table").nth(1).click()
    expect(table.get_by_role("row", name="Pixel Withheld Withheld 2")).to_be_visible()
    expect(owner.page.get_by_role("region", name="Where each destination stands")).to_contain_text("no such field")


def test_filters_and_windows_stay_with_each_other(owner: Seat, busy: Api) -> None:
    del busy
    owner.go("/delivery?window=1h&by=destination")
    owner.page.get_by_label("Destination", exact=True).select_option("pixel")
    owner.press("Show")
    expect(step(owner, "delivered").locator(".step-count")).to_have_text("3")
    owner.press("7 days")
    expect(step(owner, "delivered").locator(".step-count")).to_have_text("3")
    rows = owner.page.get_by_role("region", name="Deliveries by destination").locator("tbody tr")
    expect(rows).to_have_count(1)
    owner.press("Source")
    expect(owner.page).to_have_url(re.compile("window=7d&by=source&destination=pixel"))
    owner.page.get_by_label("Source", exact=True).select_option("app")
    owner.press("Show")
    owner.sees("Nothing in the last 7 days")


def test_a_reason_leads_to_samples_and_these_to_events(owner: Seat, busy: Api) -> None:
    del busy
    owner.go("/delivery")
    row = owner.page.get_by_role("row", name="Category denied")
    row.get_by_role("link", name="Withheld").click()
    shown = owner.page.locator("#samples")
    expect(shown).to_contain_text("Newest of withheld: Category denied")
    expect(shown.locator("tbody tr")).to_have_count(2)
    address = shown.get_by_role("link", name="Tested").get_attribute("href") or ""
    assert address.startswith("/events/denied?source=website&receivedAt=")
    expect(owner.page).to_have_url(f"{owner.url}/delivery")

    owner.page.get_by_role("row", name="Consented").get_by_role("link", name="Failed").click()
    expect(shown).to_contain_text("no such field")
    owner.page.get_by_role("row", name="No subject").get_by_role("link", name="Discarded").click()
    expect(shown).to_contain_text('"messageId": "nobody"'.replace(": ", ":"))


def test_what_a_stranger_chose_stays_text(owner: Seat, busy: Api) -> None:
    del busy
    owner.go("/delivery?by=event")
    expect(owner.page.get_by_role("rowheader", name=TROUBLE)).to_be_visible()
    cookies = {one["name"]: one["value"] for one in owner.context.cookies()}
    with httpx.Client(base_url=owner.url, cookies={"assent_session": cookies["assent_session"]}) as client:
        answer = client.get("/delivery.csv", params={"by": "event", "window": "10m"})
    assert answer.headers["content-disposition"] == 'attachment; filename="delivery-10m-by-event.csv"'
    assert {row["title"] for row in csv.DictReader(answer.text.splitlines())} == {"Tested", TROUBLE}


def test_titles_in_charts_cannot_end_their_script(owner: Seat, busy: Api, workspace: dict[str, Any]) -> None:
    workspace["sources"][0]["name"] = "</script><script>alert(1)</script>"
    busy.put(workspace)
    owner.go("/delivery")
    expect(owner.page.locator('[data-chart="sankey"][data-drawn]')).to_be_visible()
    data = owner.page.evaluate("JSON.parse(document.getElementById('flow-data').textContent)")
    assert workspace["sources"][0]["name"] in {one["title"] for one in data["nodes"]}
    owner.sees("this is as version 2 decides it")


def test_everybody_can_use_it(owner: Seat, member: Seat, busy: Api, tmp_path: Path) -> None:
    del busy, tmp_path
    for scheme in ("light", "dark"):
        owner.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        for width in (1440, 375):
            owner.page.set_viewport_size({"width": width, "height": 800})
            for path in ("/delivery", "/delivery?by=event", "/delivery/samples?outcome=failed"):
                owner.go(path)
                if "samples" not in path:
                    expect(owner.page.locator('[data-chart="sankey"][data-drawn]')).to_be_attached()
                assert owner.violations() == []
                assert not owner.is_too_wide(), path
    member.go("/delivery")
    expect(step(member, "received").locator(".step-count")).to_have_text("6")


@pytest.mark.parametrize("query", ["window=2h", "by=colour"])
def test_what_there_is_not_is_said(owner: Seat, query: str) -> None:
    owner.expected_error = "400"
    owner.go(f"/delivery?{query}")
    owner.sees("That cannot be used")
