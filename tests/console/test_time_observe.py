"""Observing in the console: nobody can overlook it, nobody begins it by mistake; and the shadow, live."""

from playwright.sync_api import expect

from harness.api import GRANTED, NO_ADVERTISING, Api
from harness.seat import Seat

BANNER = "Observing: consent is decided and counted, but NOT enforced. Everything flows."


def test_an_owner_observes_everybody_sees_it_and_it_ends(owner: Seat, api: Api) -> None:
    owner.go("/observe")
    owner.sees("Consent is enforced.")
    begin = owner.page.get_by_role("button", name="Stop enforcing consent")
    expect(begin).to_be_disabled()
    owner.page.get_by_label("Why").fill("a dry run")
    owner.page.get_by_label("Type observe to go on").fill("observe")
    assert owner.violations() == []
    begin.click()
    owner.sees("Consent is no longer enforced.")
    owner.sees(BANNER)
    owner.sees("olivia@example.com began to observe")
    api.track("m-1", preferences=NO_ADVERTISING)
    api.wait_for("m-1", pixel="delivered")
    owner.go("/events/m-1")
    owner.sees(BANNER)
    owner.sees("Delivered although the person refused a category that this destination needs")
    owner.go("/observe")
    owner.sees("this many would have been withheld if consent were enforced")
    assert owner.violations() == []
    for path in ("/delivery", "/privacy/consent", "/settings/people", "/account"):
        owner.go(path)
        owner.sees(BANNER)
    owner.go("/observe")
    owner.press("Enforce consent")
    owner.sees("Consent is enforced again")
    expect(owner.page.get_by_text(BANNER)).to_have_count(0)
    api.track("m-2", preferences=NO_ADVERTISING)
    api.wait_for("m-2", pixel="withheld")


def test_a_member_sees_it_and_cannot_begin(member: Seat, api: Api) -> None:
    member.go("/observe")
    member.sees("A Workspace Owner can change this")
    expect(member.page.get_by_label("Why")).to_have_count(0)
    assert not api.server.in_force.version.workspace.observe


def test_a_draft_shadows_live_events(owner: Seat, api: Api) -> None:
    found = api.owner.post("/drafts", json={"name": "No ads"}).json()["data"]
    found["workspace"]["consent"]["categories"][1]["enabled"] = False
    api.owner.put(f"/drafts/{found['id']}", json=found["workspace"])
    owner.go(f"/drafts/{found['id']}")
    owner.press("Make it the shadow")
    owner.sees("It has decided as the version in force on every event so far")
    api.track("m-1", preferences=GRANTED)
    owner.sees("newly withhold")  # by itself
    owner.sees("Category switched off")
    api.wait_for("m-1", pixel="delivered")
    assert owner.violations() == []
    owner.go("/observe")
    owner.sees("The shadow: No ads")
    owner.sees("newly withhold")
    owner.press("No ads")
    owner.press("End the shadow")
    owner.sees("It is the shadow no longer")
