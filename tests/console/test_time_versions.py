"""Versions in the console: what a change meant, what an undo would change, and the undo."""

from typing import Any

from playwright.sync_api import expect

from harness import wait_until
from harness.api import GRANTED, Api
from harness.seat import Seat


def unmap_pixel(api: Api) -> None:
    """What somebody does by mistake: `pixel` leaves advertising."""
    workspace = api.data("/workspace")["workspace"]
    workspace["consent"]["categories"][1]["destinations"] = []
    api.put(workspace)


def rename(api: Api, name: str) -> None:
    workspace: dict[str, Any] = api.data("/workspace")["workspace"]
    api.put({**workspace, "workspace": name})


def test_an_edit_shows_its_impact_and_is_undone(owner: Seat, api: Api) -> None:
    api.track("m-1", preferences=GRANTED)
    api.wait_for("m-1", pixel="delivered")
    unmap_pixel(api)
    owner.go("/versions")
    owner.sees("Pixel leaves advertising")
    owner.press("Version 2")
    owner.sees("Pixel leaves advertising: 1 event a day would no longer reach it")
    assert owner.violations() == []

    api.track("m-2", preferences=GRANTED)
    api.wait_for("m-2", pixel="withheld")
    owner.go("/versions/1")
    owner.press("Make this version current again")
    owner.sees("Pixel joins advertising: 2 events more a day would reach it")
    owner.sees("2 newly delivered")
    owner.sees("Withheld: Destination unmapped")
    expect(owner.page.get_by_role("link", name="m-2")).to_have_attribute("href", "/events/m-2")
    assert owner.violations() == []
    owner.page.get_by_label("Why").fill("Pixel was never meant to leave")
    owner.press("Make version 1 current again")
    owner.sees("Version 3 is in force. It is version 1 again.")

    assert api.server.in_force.number == 3
    assert api.server.in_force.version.workspace == api.server.stores.versions.get(1).workspace
    newest = api.server.stores.versions.get(3)
    assert (newest.author, newest.comment) == ("olivia@example.com", "Pixel was never meant to leave")
    api.track("m-3", preferences=GRANTED)
    api.wait_for("m-3", pixel="delivered")


def test_whoever_is_second_sees_what_the_first_changed(owner: Seat, api: Api) -> None:
    unmap_pixel(api)
    owner.go("/versions/1/restore")
    rename(api, "Another shop")
    owner.expected_error = "409"
    owner.page.get_by_label("Why").fill("my reason")
    owner.press("Make version 1 current again")
    owner.sees("Somebody changed the workspace meanwhile")
    owner.sees("The workspace is called Another shop instead of Shop")
    assert api.server.in_force.number == 3
    expect(owner.page.get_by_label("Why")).to_have_value("my reason")
    owner.press("Make version 1 current again")
    owner.sees("Version 4 is in force")


def test_why_is_asked_for(owner: Seat, api: Api) -> None:
    unmap_pixel(api)
    owner.go("/versions/1/restore")
    owner.expected_error = "400"
    owner.page.get_by_label("Why").fill("  ")
    owner.press("Make version 1 current again")
    owner.sees("say why: it goes on the audit trail")
    assert api.server.in_force.number == 2


def test_versions_come_in_pages(owner: Seat, api: Api) -> None:
    for number in range(21):
        rename(api, f"Shop {number}")
    owner.go("/versions")
    expect(owner.page.get_by_role("heading", name="Version 22", exact=True)).to_be_visible()
    expect(owner.page.get_by_role("heading", level=2)).to_have_count(20)
    owner.press("Older")
    expect(owner.page.get_by_role("heading", level=2)).to_have_text(["Version 2", "Version 1"])


def test_a_member_reads_and_cannot_undo(member: Seat, api: Api) -> None:
    unmap_pixel(api)
    member.go("/versions/1/restore")
    member.sees("A Workspace Owner can put it into force")
    expect(member.page.get_by_role("button", name="Make version 1 current again")).to_have_count(0)
    member.go("/account")
    member.expected_error = "403"
    status = member.page.evaluate(_SEND, ["/versions/1/restore", {"version": "2", "comment": "mine"}])
    assert status == 403
    wait_until(lambda: api.server.in_force.number == 2, "nothing changed")


_SEND = """async ([path, fields]) => {
  const token = document.querySelector('[name=_csrf_token]').value
  const body = new URLSearchParams({...fields, _csrf_token: token})
  return (await fetch(path, {method: 'POST', body, redirect: 'manual'})).status
}"""
