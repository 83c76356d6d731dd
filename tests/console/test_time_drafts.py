"""Drafts in the console: collected on the usual pages, tried on real events, put into force together, and undone."""

import pytest
from playwright.sync_api import expect

from harness.api import GRANTED, NO_ADVERTISING, Api
from harness.seat import Seat


@pytest.fixture
def draft(api: Api) -> str:
    """A draft in which advertising is switched off; its id."""
    found = api.owner.post("/drafts", json={"name": "Stricter"}).json()["data"]
    found["workspace"]["consent"]["categories"][1]["enabled"] = False
    api.owner.put(f"/drafts/{found['id']}", json=found["workspace"])
    return str(found["id"])


def test_edits_are_collected_tried_put_into_force_and_undone(owner: Seat, api: Api) -> None:
    api.track("m-1", preferences=GRANTED)
    api.track("m-2", preferences=NO_ADVERTISING)
    api.wait_for("m-1", pixel="delivered")
    owner.go("/drafts")
    owner.page.get_by_label("What is it for?").fill("Less for Pixel")
    owner.press("Begin a draft")
    owner.sees("Nothing yet")
    assert owner.violations() == []

    owner.go("/privacy/consent/mapping")
    owner.page.get_by_label("pixel needs Advertising").or_(owner.page.get_by_label("Pixel needs advertising")).uncheck()
    owner.press("Add to draft")
    owner.sees("It is added to the draft Less for Pixel")
    owner.sees("Pixel leaves advertising")
    owner.go("/connections/destinations/warehouse")
    owner.press("Hold")
    owner.sees("2 events, this many would have gone elsewhere")
    owner.press("Add to draft")
    owner.sees("It is added to the draft Less for Pixel")
    owner.sees("1 newly withheld")
    owner.sees("2 newly held")
    owner.sees("Withheld: Destination unmapped")
    expect(owner.page.get_by_role("link", name="m-1").first).to_have_attribute("href", "/events/m-1")
    owner.page.get_by_label("Of which events").select_option("Of the last 7 days")
    owner.sees("of the last 7 days, every one of them")
    assert owner.violations() == []
    assert api.server.in_force.number == 1, "a draft is not in force"

    owner.page.get_by_text("Take something out").click()
    owner.press("Take out the destination warehouse")
    owner.sees("It is no longer in the draft")
    owner.page.get_by_label("Why").fill("Pixel was not wanted")
    owner.press("Put the draft into force")
    owner.sees("The draft is in force, as version 2")
    version = api.server.stores.versions.get(2)
    assert (version.author, version.comment) == ("olivia@example.com", "Pixel was not wanted")
    assert not version.workspace.destinations[0].held
    api.track("m-3", preferences=GRANTED)
    api.wait_for("m-3", pixel="withheld")

    owner.go("/versions/1/restore")
    owner.page.get_by_label("Why").fill("it was, after all")
    owner.press("Make version 1 current again")
    owner.sees("Version 3 is in force")
    api.track("m-4", preferences=GRANTED)
    api.wait_for("m-4", pixel="delivered")


def test_what_both_changed_is_said_in_words(owner: Seat, api: Api, draft: str) -> None:
    workspace = api.data("/workspace")["workspace"]
    workspace["consent"]["categories"][1] |= {"name": "Adverts", "enabled": True, "held": True}
    api.put(workspace)
    owner.go(f"/drafts/{draft}")
    owner.sees("Version 2 is in force by now")
    owner.press("Put the draft into force")
    owner.sees("as version 3")
    category = api.server.in_force.version.workspace.categories[1]
    assert (category.name, category.enabled, category.held) == ("Adverts", False, True)


def test_a_conflict_leaves_the_draft_and_says_what_both_did(owner: Seat, api: Api, draft: str) -> None:
    found = api.data(f"/drafts/{draft}")
    found["workspace"]["consent"]["categories"][1]["name"] = "Ads"
    api.owner.put(f"/drafts/{draft}", json=found["workspace"])
    workspace = api.data("/workspace")["workspace"]
    workspace["consent"]["categories"][1]["name"] = "Adverts"
    api.put(workspace)
    owner.go(f"/drafts/{draft}")
    owner.sees("It cannot be put into force as it is")
    owner.expected_error = "409"
    owner.press("Put the draft into force")
    owner.sees("in force: advertising is called Adverts")
    assert api.server.in_force.number == 2
    owner.page.get_by_text("Take something out").click()
    owner.press("Take out the category advertising")
    owner.sees("It is no longer in the draft")


def test_a_draft_is_edited_as_a_file_renamed_and_discarded(owner: Seat, api: Api, draft: str) -> None:
    owner.go(f"/drafts/{draft}")
    owner.press("Edit as a file")
    text = owner.page.get_by_label("Workspace file")
    text.fill(text.input_value().replace("enabled: false", "held: true"))
    assert owner.violations() == []
    owner.press("Save the draft")
    owner.sees("advertising is held")
    owner.press("Edit as a file")
    owner.expected_error = "400"
    text.fill("consent: [")
    owner.press("Save the draft")
    owner.sees("The draft was not changed")
    owner.go(f"/drafts/{draft}")
    owner.page.get_by_label("What it is for").fill("Held")
    owner.press("Rename the draft")
    expect(owner.page.get_by_role("heading", level=1)).to_have_text("Held")
    owner.press("Discard")
    owner.press("Discard the draft")
    owner.sees("The draft Held is discarded")
    assert api.data("/drafts")["drafts"] == []


def test_a_member_reads_and_tries(member: Seat, api: Api, draft: str) -> None:
    api.track("m-1", preferences=GRANTED)
    member.go(f"/drafts/{draft}")
    member.sees("1 newly withheld")
    expect(member.page.get_by_role("button", name="Put the draft into force")).to_have_count(0)
    expect(member.page.get_by_role("button", name="Take out")).to_have_count(0)
