"""Backfills and sending again in the console."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from harness import wait_until
from harness.api import GRANTED, NO_ADVERTISING, Api, Receiver, a_workspace, receiving
from harness.seat import Seat


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def workspace(receiver: Receiver) -> dict[str, Any]:
    return a_workspace(warehouse="blackhole", pixel="blackhole", picky=f"{receiver.url}/refuse")


def mistake(api: Api, events: int) -> None:
    """`pixel` is in no category while events come in: `events` of Ann's, who agrees, and one of Bob's. Then that is
    mended, and Bob has refused meanwhile."""
    workspace = api.data("/workspace")["workspace"]
    mapped = workspace["consent"]["categories"][1]["destinations"]
    workspace["consent"]["categories"][1]["destinations"] = []
    api.put(workspace)
    consent = {"consent": {"categoryPreferences": GRANTED}}
    said = [{"type": "track", "event": "Bought", "messageId": f"a-{n}", "userId": "ann"} for n in range(events)]
    for start in range(0, events, 400):
        api.send("batch", {"batch": [{**one, "context": consent} for one in said[start : start + 400]]})
    api.track("b-1", preferences=GRANTED, userId="bob")
    api.wait_for("b-1", pixel="withheld")
    workspace["consent"]["categories"][1]["destinations"] = mapped
    api.put(workspace)
    api.track("b-2", preferences=NO_ADVERTISING, userId="bob")
    api.wait_for("b-2", pixel="withheld")


def choose(seat: Seat, *destinations: str) -> None:
    seat.go("/backfills/new")
    for one in destinations:
        seat.page.get_by_label(one, exact=True).check()
    seat.press("Count what it would send")


def test_a_backfill_is_counted_started_and_watched(owner: Seat, api: Api) -> None:
    mistake(api, 400)
    owner.go("/backfills")
    owner.sees("Send what a mistake withheld")
    choose(owner, "Pixel")
    owner.sees("400 would be sent")
    owner.sees("1 not: refused since")
    owner.sees("1 not: withheld now too")
    expect(owner.page.get_by_role("row", name="Destination unmapped")).to_contain_text("401")
    expect(owner.page.get_by_role("link", name="a-0", exact=True)).to_have_attribute("href", "/events/a-0")
    assert owner.violations() == []

    owner.page.get_by_label("Why these events are sent after all").fill("Pixel was in no category")
    owner.page.get_by_label("At most so many events a second").fill("100")
    owner.press("Start the backfill")
    bar = owner.page.get_by_role("progressbar")
    expect(bar).to_be_visible()
    seen = {bar.get_attribute("value")}
    owner.press("Pause")
    owner.sees("The backfill is paused")
    seen.add(bar.get_attribute("value"))
    assert owner.violations() == []
    [job] = api.data("/backfills")["backfills"]
    assert (job["state"], job["author"], job["why"]) == ("paused", "olivia@example.com", "Pixel was in no category")
    owner.press("Resume")
    owner.sees("400 delivered")  # without loading the page again
    owner.sees("1 refused since")
    expect(owner.page.get_by_text("Done", exact=True)).to_be_visible()
    expect(owner.page.get_by_role("button", name="Pause")).to_have_count(0)
    api.wait_for("a-399", pixel="delivered")
    assert api.fates("b-1")["pixel"]["reason"] == "subject_revoked"


def test_a_backfill_is_cancelled(owner: Seat, api: Api) -> None:
    mistake(api, 300)
    choose(owner, "Pixel")
    owner.page.get_by_label("Why these events are sent after all").fill("x")
    owner.page.get_by_label("At most so many events a second").fill("20")
    owner.press("Start the backfill")
    owner.press("Cancel")
    owner.sees("The backfill is cancelled")
    [job] = api.data("/backfills")["backfills"]
    assert job["state"] == "cancelled"
    assert job["delivered"] < 300
    owner.go("/backfills")
    owner.sees("Cancelled")
    assert owner.violations() == []


def test_what_cannot_be_backfilled_is_said_beside_its_field(owner: Seat, api: Api) -> None:
    owner.expected_error = "400"
    choose(owner)
    owner.sees("choose a destination")
    owner.go("/backfills/new")
    owner.page.get_by_label("Pixel", exact=True).check()
    owner.page.get_by_label("From (UTC)").fill("2100-01-01T00:00")
    owner.press("Count what it would send")
    owner.sees("the time must begin before it ends")
    expect(owner.page.get_by_label("Pixel", exact=True)).to_be_checked()
    mistake(api, 1)
    choose(owner, "Pixel")
    owner.page.get_by_label("Why these events are sent after all").fill("my reason")
    owner.page.get_by_label("At most so many events a second").fill("many")
    owner.press("Start the backfill")
    owner.sees("a speed is a number of events a second")
    expect(owner.page.get_by_label("Why these events are sent after all")).to_have_value("my reason")
    assert api.data("/backfills")["backfills"] == []


def test_a_later_grant_comes_with_a_warning(owner: Seat, api: Api) -> None:
    api.put({**api.data("/workspace")["workspace"], "backfill_later_grants": True})
    choose(owner, "Pixel")
    owner.sees("have your lawyer's yes before you start")


def test_a_member_counts_and_does_not_start(member: Seat, api: Api) -> None:
    mistake(api, 1)
    choose(member, "Pixel")
    member.sees("1 would be sent")
    expect(member.page.get_by_role("button", name="Start the backfill")).to_have_count(0)
    assert refused(member, "/backfills", destinations="pixel", why="mine") == 403
    assert refused(member, "/failed/send-again", all="yes") == 403
    assert api.data("/backfills")["backfills"] == []


def refused(seat: Seat, path: str, **fields: str) -> int:
    token = seat.page.locator("[name=_csrf_token]").first.input_value()
    return seat.page.request.post(f"{seat.url}{path}", form={**fields, "_csrf_token": token}).status


def test_failed_events_are_sent_again_from_the_console(owner: Seat, api: Api, receiver: Receiver) -> None:
    owner.go("/failed")
    owner.sees("Nothing has failed")
    for number in range(3):
        api.track(f"m-{number}", preferences=GRANTED)
    api.wait_for("m-2", picky="failed")
    wait_until(lambda: api.fates("m-0")["picky"]["state"] == "failed", "all have failed")
    owner.go("/failed")
    owner.sees("no such field")
    assert owner.violations() == []
    owner.expected_error = "400"
    owner.press("Send the ticked ones again")
    owner.sees("tick the events to send again")

    mended = api.data("/workspace")["workspace"]
    [picky] = [one for one in mended["destinations"] if one["id"] == "picky"]
    picky["settings"]["url"] = f"{receiver.url}/take"
    api.put(mended)
    owner.page.get_by_role("checkbox", name="m-1 at picky").check()
    owner.press("Send the ticked ones again")
    owner.sees("1 event is sent again")
    owner.sees("1 delivered")
    api.wait_for("m-1", picky="delivered")
    assert api.fates("m-0")["picky"]["state"] == "failed"
    assert owner.violations() == []

    owner.go("/failed?destination=picky&answer=such")
    owner.sees("2 events match")
    owner.press("Send all 2 again")
    owner.sees("2 events are sent again")
    owner.sees("2 delivered")
    owner.go("/failed")
    owner.sees("Nothing has failed")


def test_the_list_of_failed_events_is_filtered(owner: Seat, api: Api) -> None:
    api.track("m-1", preferences=GRANTED)
    api.wait_for("m-1", picky="failed")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    for query in ("destination=pixel", "answer=teapot", "status=500", f"since={tomorrow}"):
        owner.go(f"/failed?{query}")
        owner.sees("No failed event is like that")
    owner.go(f"/failed?destination=picky&answer=no+such&status=422&until={tomorrow}")
    owner.sees("1 event matches")
    owner.expected_error = "400"
    owner.go("/failed?status=soon")
    owner.sees("a status is a number such as 422")
