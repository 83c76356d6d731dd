"""Holding in the console: events pile up, everybody sees it, and on release they arrive."""

from typing import Any

import pytest
from playwright.sync_api import expect

from harness.api import GRANTED, Api
from harness.seat import Seat


def row(seat: Seat, region: str, name: str) -> Any:
    return seat.page.get_by_role("region", name=region).get_by_role("row").filter(has_text=name)


@pytest.mark.parametrize(
    ("kind", "id_", "name", "banner"),
    [
        ("workspace", "", "the whole workspace", "The workspace is held: nothing is delivered"),
        ("source", "website", "website", "Held: the source website"),
        ("category", "advertising", "advertising", "Held: the category advertising"),
        ("destination", "pixel", "Pixel", "Held: the destination Pixel"),
    ],
)
def test_what_is_held_piles_up_and_arrives_on_release(
    owner: Seat, api: Api, kind: str, id_: str, name: str, banner: str
) -> None:
    owner.go(f"/holds/change?kind={kind}&id={id_}")
    owner.sees("Holding is not the same as switching enforcement off")
    owner.page.get_by_label("Why").fill("a campaign is being mended")
    owner.press(f"Hold {name}")
    owner.sees(banner)
    owner.sees("by olivia@example.com: a campaign is being mended")
    for number in range(3):
        api.track(f"m-{number}", preferences=GRANTED)
    expect(row(owner, "What waits, by destination", "Pixel")).to_contain_text("3")
    assert owner.violations() == []
    assert api.fates("m-0")["pixel"]["state"] in ("held", "unread")

    owner.go("/versions")
    owner.sees(banner)

    owner.go("/holds")
    owner.page.get_by_role("link", name="Release").first.click()
    owner.press(f"Release {name}")
    owner.sees("is released.")
    for number in range(3):
        api.wait_for(f"m-{number}", pixel="delivered")
    expect(row(owner, "What waits, by destination", "Pixel").get_by_role("cell").first).to_have_text("0")
    expect(owner.page.get_by_text(banner)).to_have_count(0)
    actions = [(one.happening.action, one.author, one.comment) for one in api.server.stores.trail.entries(9)]
    [held] = [one for one in actions if one[0].endswith(" Held")]
    assert held[1:] == ("olivia@example.com", "a campaign is being mended")


def test_a_hold_on_top_of_what_somebody_else_changed_says_what(owner: Seat, api: Api) -> None:
    owner.go("/holds/change?kind=source&id=website")
    workspace = api.data("/workspace")["workspace"]
    workspace["consent"]["categories"][1]["destinations"] = []
    api.put(workspace)
    owner.expected_error = "409"
    owner.press("Hold website")
    owner.sees("Pixel leaves advertising")
    assert not api.server.in_force.version.workspace.sources[0].held
    owner.press("Hold website")
    owner.sees("website is held.")
    assert api.server.in_force.version.workspace.sources[0].held


def test_a_member_sees_what_is_held_and_changes_nothing(member: Seat, api: Api) -> None:
    api.owner.post("/workspace/hold", json={"kind": "source", "id": "website", "comment": "wait"})
    member.go("/holds")
    member.sees("by olivia: wait")
    expect(member.page.get_by_role("link", name="Release")).to_have_count(0)
    member.go("/holds/change?kind=source&id=website")
    expect(member.page.get_by_role("button", name="Release website")).to_have_count(0)
    member.go("/account")
    member.expected_error = "403"
    fields = {"kind": "source", "id": "website", "action": "release", "version": "2"}
    token = member.page.locator("[name=_csrf_token]").first.input_value()
    refused = member.page.request.post(f"{member.url}/holds/change", form={**fields, "_csrf_token": token})
    assert refused.status == 403
    assert api.server.in_force.version.workspace.sources[0].held


def test_nothing_that_is_not_there_is_held(owner: Seat) -> None:
    owner.expected_error = "404|400"
    owner.go("/holds/change?kind=source&id=%3Cscript%3Enowhere")
    owner.sees("There is no source")
    owner.go("/holds/change?kind=weather")
    owner.sees("That cannot be used")


def test_the_page_fits_a_phone(owner: Seat) -> None:
    owner.page.set_viewport_size({"width": 375, "height": 740})
    for path in ("/holds", "/holds/change?kind=workspace", "/versions", "/versions/1", "/failed", "/backfills/new"):
        owner.go(path)
        assert not owner.is_too_wide(), path
