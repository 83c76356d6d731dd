"""Settings, workspace file and retention: the file in force, another in its place, and how long events are kept."""

from typing import Any

import pytest
import yaml
from playwright.sync_api import expect

from assent.app.services.workspaces import change
from assent.app.wiring import now
from assent.app.workspace_file import dump
from assent.engine.edit import change_category
from harness import wait_until
from harness.api import GRANTED, NO_ADVERTISING, Api
from harness.seat import Seat

SECRET = "whsec-never-shown-again"


@pytest.fixture
def workspace(workspace: dict[str, Any]) -> dict[str, Any]:
    """With a destination that has a secret."""
    settings = {"url": "http://127.0.0.1:9/hook", "secret": SECRET}
    hook = {"id": "hook", "connector": "webhook", "enabled": False, "settings": settings}
    return {**workspace, "destinations": [*workspace["destinations"], hook]}


def in_force(api: Api) -> str:
    return dump(api.server.stores.current().workspace)


def test_the_file_is_downloaded_and_taken_back_unchanged(owner: Seat, api: Api) -> None:
    owner.go("/settings/file")
    assert SECRET not in owner.page.content()
    with owner.page.expect_download() as download:
        owner.press("Download")
    assert download.value.suggested_filename == "workspace-1.yaml"
    text = download.value.path().read_text()
    assert text == in_force(api)
    assert SECRET not in text
    owner.page.get_by_label("Or its text").fill(text)
    owner.press("Show what it would change")
    owner.sees("None: the file says what is in force, version 1.")


def test_a_file_is_looked_at_and_then_put_into_force(owner: Seat, api: Api, tmp_path: Any) -> None:
    api.track("m-1", preferences=GRANTED)
    api.track("m-2", preferences=NO_ADVERTISING)
    api.wait_for("m-2", warehouse="delivered")
    document = yaml.safe_load(in_force(api))
    document["consent"]["categories"][1]["name"] = "Werbung"
    document["consent"]["categories"][0]["enabled"] = False
    file = tmp_path / "other.yaml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True))

    owner.go("/settings/file")
    owner.page.get_by_label("A file of yours").set_input_files(file)
    owner.press("Show what it would change")
    owner.sees("name: nothing → Werbung")
    expect(owner.page.get_by_role("row", name="warehouse 0 2")).to_be_visible()
    assert api.server.stores.versions.current_number() == 1
    owner.page.get_by_label("Why").fill("as legal asked")
    owner.press("Put into force")
    owner.sees("Version 2 is in force.")
    version = api.server.stores.current()
    assert (version.author, version.comment) == ("olivia@example.com", "as legal asked")
    assert version.workspace.categories[1].name == "Werbung"
    wait_until(lambda: api.server.in_force.number == 2, "the server follows at once", seconds=0.4)


def test_mistakes_are_named_with_their_lines_and_nothing_is_lost(owner: Seat, api: Api) -> None:
    owner.expected_error = "400"
    text = "workspace: Shop\nsources:\n  - {id: a b, write_key: k}\ndestinations:\n  - {id: d, conector: webhook}\n"
    owner.go("/settings/file")
    owner.page.get_by_label("Or its text").fill(text)
    owner.press("Show what it would change")
    owner.sees("things are wrong in the file")
    mistakes = owner.page.locator("#mistakes li").all_inner_texts()
    assert any(one.startswith("Line 3: sources[0].id") for one in mistakes), mistakes
    assert any(one.startswith("Line 5: destinations[0]") for one in mistakes), mistakes
    expect(owner.page.get_by_label("Or its text")).to_have_value(text)
    assert api.server.stores.versions.current_number() == 1


def test_what_somebody_else_changed_meanwhile_is_shown_and_nothing_is_lost(owner: Seat, api: Api) -> None:
    owner.go("/settings/file")
    owner.page.get_by_label("Or its text").fill(in_force(api).replace("name: Analytics", "name: Statistics"))
    owner.press("Show what it would change")
    owner.sees("name: Analytics → Statistics")
    change(api.server.stores, change_category("advertising", name="Ads"), author="ann@example.com", at=now())
    owner.expected_error = "409"
    owner.page.get_by_label("Why").fill("mine")
    owner.press("Put into force")
    owner.sees("Somebody else was faster")
    overtaken = owner.page.get_by_role("alert")
    expect(overtaken).to_contain_text("advertising")
    expect(overtaken).to_contain_text("nothing → Ads")
    owner.sees("name: Ads → nothing")  # what it would undo
    expect(owner.page.get_by_label("Why")).to_have_value("mine")
    owner.press("Put into force")
    owner.sees("Version 3 is in force.")


def test_a_member_looks_and_changes_nothing(member: Seat, api: Api) -> None:
    member.go("/settings/file")
    member.page.get_by_label("Or its text").fill(in_force(api).replace("name: Analytics", "name: Statistics"))
    member.press("Show what it would change")
    member.sees("Only a Workspace Owner may put it into force.")
    expect(member.page.get_by_role("button", name="Put into force")).to_have_count(0)


def test_retention_says_what_is_in_force_and_since_when(owner: Seat, api: Api) -> None:
    owner.go("/settings/retention")
    owner.sees("there is none yet")
    api.track("m-1")
    owner.go("/settings/retention")
    owner.sees("7 days after they came in")
    expect(owner.page.locator("dd", has=owner.page.locator("time"))).to_have_count(1)
    expect(owner.page.locator("dd").nth(1)).to_have_text("1")
    owner.sees("ASSENT_KEEP_DAYS=30")
