"""What if: every decision follows what one clicks or writes, and says what it was before."""

import json
import re

import httpx
from playwright.sync_api import Locator, expect

from harness.api import GRANTED, NO_ADVERTISING, Api
from harness.seat import Seat


def outcome(seat: Seat, title: str) -> Locator:
    return seat.page.locator(".outcome").filter(has=seat.page.get_by_role("heading", name=title))


def summary(seat: Seat) -> Locator:
    return seat.page.locator("#outcomes [role=status]")


def event(seat: Seat) -> Locator:
    return seat.page.get_by_label("The event")


def answer(seat: Seat, category: str, value: str) -> Locator:
    return seat.page.get_by_role("group", name=category).get_by_label(value)


def test_every_decision_follows_what_is_clicked(owner: Seat, api: Api) -> None:
    api.track("m-1", "Order Completed", preferences=NO_ADVERTISING)
    api.wait_for("m-1", warehouse="delivered", pixel="withheld")
    owner.go("/events/m-1")
    owner.press("What if it had said otherwise?")
    expect(outcome(owner, "Pixel")).to_contain_text("Category denied: advertising")
    expect(summary(owner)).to_have_text(re.compile("2 destinations"))
    expect(answer(owner, "advertising", "Denied")).to_be_checked()

    answer(owner, "advertising", "Granted").check()
    expect(summary(owner)).to_have_text("1 of 2 decision differs from the event as it was.")
    expect(outcome(owner, "Pixel")).to_contain_text("It was withheld: Category denied")
    expect(outcome(owner, "Warehouse")).not_to_contain_text("It was")
    expect(answer(owner, "advertising", "Granted")).to_be_focused()
    written = json.loads(event(owner).input_value())
    assert written["context"]["consent"]["categoryPreferences"] == GRANTED
    assert written["messageId"] == "m-1"

    owner.page.get_by_label("None").check()
    expect(outcome(owner, "Pixel")).to_contain_text("No consent object")
    expect(outcome(owner, "Pixel")).to_contain_text("no_consent: deliver")
    assert "consent" not in json.loads(event(owner).input_value())["context"]

    answer(owner, "Analytics", "Denied").focus()
    owner.page.keyboard.press("Space")
    expect(outcome(owner, "Warehouse")).to_contain_text("Category denied")
    expect(owner.page.get_by_label("A consent object")).to_be_checked()
    expect(outcome(owner, "Pixel")).to_contain_text("Category not named")

    owner.press("As it was")
    expect(outcome(owner, "Warehouse")).not_to_contain_text("It was")
    expect(event(owner)).to_have_value(re.compile('"advertising": false'))
    assert owner.violations() == []
    # Nothing of this was stored or sent.
    assert api.data("/events")["events"][0]["messageId"] == "m-1"
    assert len(api.data("/events")["events"]) == 1


def test_what_is_written_is_what_the_controls_say(owner: Seat) -> None:
    owner.go("/what-if")
    event(owner).fill('{"context": {"consent": {"categoryPreferences": {"Advertising": true, "analytics": "yes"}}}}')
    owner.sees("Ids are case-sensitive.")
    expect(owner.page.locator(".stranger")).to_contain_text("Advertising")
    expect(answer(owner, "advertising", "Not named")).to_be_checked()
    owner.sees("What the event says here is not true or false")
    expect(outcome(owner, "Warehouse")).to_contain_text("Consent unreadable")

    broken = '{"type": "track",\n "context" {}}'
    event(owner).fill(broken)
    owner.sees(re.compile(r"this is not JSON: .*line 2 column 12"))
    expect(event(owner)).to_have_value(broken)
    expect(outcome(owner, "Warehouse")).to_have_count(0)
    expect(owner.page.get_by_label("None")).to_be_disabled()
    event(owner).fill("[]")
    owner.sees("an event is a JSON object")

    event(owner).fill("{}")
    expect(outcome(owner, "Warehouse")).to_contain_text("No consent object")
    owner.press("Compare with this from now on")
    expect(summary(owner)).to_have_text(re.compile("2 destinations"))
    expect(event(owner)).to_have_value("{}")
    answer(owner, "Analytics", "Granted").check()
    expect(outcome(owner, "Warehouse")).to_contain_text("It was delivered: No consent object")


def test_an_earlier_version_decides_as_it_did(owner: Seat, api: Api) -> None:
    workspace = api.data("/workspace")["workspace"]
    workspace["consent"]["rules"] = {"no_consent": "withhold"}
    workspace["destinations"].append({"id": "newcomer", "name": "Newcomer", "connector": "blackhole"})
    assert api.put(workspace) == 2
    owner.go("/what-if")
    event(owner).fill('{"type": "track"}')
    owner.press("Compare with this from now on")
    expect(outcome(owner, "Pixel")).to_contain_text("no_consent: withhold")
    expect(outcome(owner, "Newcomer")).to_have_count(1)
    owner.page.get_by_label("Decided by").select_option("Version 1")
    expect(outcome(owner, "Pixel")).to_contain_text("no_consent: deliver")
    expect(outcome(owner, "Pixel")).to_contain_text("It was withheld: No consent object")
    expect(outcome(owner, "Newcomer")).to_have_count(0)


def test_it_decides_as_the_api_does(owner: Seat, api: Api) -> None:
    for preferences in (GRANTED, NO_ADVERTISING, {"analytics": 1}, {}):
        body = {"context": {"consent": {"categoryPreferences": preferences}}, "integrations": {"Pixel": False}}
        owner.go("/what-if")
        event(owner).fill(json.dumps(body))
        for one in api.owner.post("/decisions", json=body).json()["data"]["decisions"]:
            expect(outcome(owner, one["name"])).to_contain_text(one["title"])


def test_a_member_may_try_too_and_without_scripts(member: Seat, api: Api) -> None:
    member.go("/what-if")
    answer(member, "advertising", "Granted").check()
    expect(summary(member)).to_have_text(re.compile("1 of 2"))

    [session] = [one["value"] for one in member.context.cookies() if one["name"] == "assent_session"]
    with httpx.Client(base_url=api.url, cookies={"assent_session": session}) as plain:
        plain.get("/what-if")
        form = {"event": "{", "version": "1", "original": "{}", "original_version": "1"}
        answered = plain.post("/what-if", data={**form, "_csrf_token": plain.cookies["assent_form"]})
        assert answered.status_code == 400
        assert "this is not JSON" in answered.text
        answered = plain.post("/what-if", data={**form, "event": "{}", "_csrf_token": plain.cookies["assent_form"]})
        assert answered.status_code == 200
        assert "No consent object" in answered.text
        del form["version"]
        assert plain.post("/what-if", data={**form, "_csrf_token": plain.cookies["assent_form"]}).status_code == 400
