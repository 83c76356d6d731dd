"""Deletion and suppression in the console: asked for, confirmed, carried out, and everything about one person."""

import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from harness import wait_until
from harness.api import Api
from harness.seat import Seat

ANN = "ann-4f81c7"


def ask(owner: Seat, what: str, *ids: str) -> None:
    owner.go("/people/regulations/new")
    owner.page.get_by_role("radio", name=re.compile(f"^{what} [A-Z]")).check()
    owner.page.get_by_label("Ids, one a line").fill("\n".join(ids))
    owner.page.get_by_label("Why").fill("their letter of May")
    owner.press("Go on")


def test_somebody_is_deleted_only_by_who_types_the_id(owner: Seat, api: Api) -> None:
    for number in range(3):
        api.track(f"m-{number}", userId=ANN)
    owner.go("/people/regulations")
    owner.sees("Nobody has asked yet")
    assert owner.violations() == []
    ask(owner, "Suppress and delete", ANN)
    owner.sees("This cannot be taken back")
    assert owner.violations() == []
    delete = owner.page.get_by_role("button", name="Suppress and delete")
    expect(delete).to_be_disabled()
    owner.page.get_by_label(f"Type {ANN} to go on").fill(ANN)
    delete.click()
    owner.sees("3 events erased")
    owner.sees("who it was about is known to nobody here any more")
    expect(owner.page.get_by_role("row", name=re.compile("Warehouse"))).to_contain_text("It is deleted there.")
    assert owner.violations() == []
    assert api.data("/events")["events"] == []
    owner.go("/audit")
    owner.sees("Regulation Finished")
    expect(owner.page.get_by_text(ANN)).to_have_count(0)


def test_the_server_asks_for_the_id_too(owner: Seat, api: Api) -> None:
    ask(owner, "Delete", ANN)
    owner.expected_error = "400"
    owner.page.evaluate("document.querySelector('button[disabled]').disabled = false")
    owner.press("Delete")
    owner.sees(f"type `{ANN}` to go on")
    assert api.data("/regulations")["regulations"] == []


def test_who_is_suppressed_and_no_longer(owner: Seat, api: Api) -> None:
    ask(owner, "Suppress", ANN, "ben-90aa31")
    owner.press("Suppress")
    owner.sees("2 people are suppressed from now on.")
    api.track("m-1", userId=ANN)
    assert api.data("/events")["events"] == []
    owner.press("2 ids are suppressed")
    owner.page.get_by_label("Is this id suppressed?").fill(ANN)
    owner.press("Look")
    owner.page.get_by_role("button", name=f"Unsuppress {ANN}").click()
    owner.sees("One person is no longer suppressed.")
    api.track("m-2", userId=ANN)
    assert len(api.data("/events")["events"]) == 1


@pytest.mark.parametrize("seat_of", ["owner", "member"])
def test_everything_about_a_person_is_downloaded(
    seat_of: str, request: pytest.FixtureRequest, api: Api, tmp_path: Path
) -> None:
    somebody: Seat = request.getfixturevalue(seat_of)
    api.track("m-1", userId=ANN)
    somebody.go("/people/regulations")
    somebody.page.get_by_label("User id or anonymous id").fill(ANN)
    with somebody.page.expect_download() as download:
        somebody.press("Download everything")
    archive = tmp_path / "person.zip"
    download.value.save_as(archive)
    assert b"m-1" in zipfile.ZipFile(archive).read("events.jsonl")
    wait_until(lambda: api.data("/audit-trail")["entries"][0]["action"] == "Person Exported", "it is on record")
