"""The audit trail: what is on it, finding something there, and taking it along as CSV."""

import csv
import io

import pytest
from playwright.sync_api import expect

from assent.app.services.workspaces import change
from assent.app.wiring import now
from assent.domain.trail import Happening
from assent.domain.workspace import RuleOverrides
from assent.engine.edit import change_category, change_destination, set_rules
from harness.api import Api
from harness.seat import Seat

OLIVIA = "olivia@example.com"


@pytest.fixture
def changed(owner: Seat, api: Api) -> Seat:
    """The owner, at a workspace where a few things were changed after each other."""
    stores = api.server.stores
    change(stores, change_category("analytics", name="Statistics"), author=OLIVIA, at=now(), comment="as legal asked")
    change(stores, change_destination("pixel", enabled=False), author="cli:max", at=now())
    change(stores, set_rules("strict", RuleOverrides()), author=OLIVIA, at=now())
    return owner


def titles(seat: Seat) -> list[str]:
    return seat.page.locator(".trail-title").all_inner_texts()


def test_every_change_is_there_newest_first_in_words(changed: Seat) -> None:
    changed.go("/audit")
    assert titles(changed)[:4] == [
        "Consent Rules Modified",
        "Destination Disabled pixel",
        "Consent Category Modified analytics",
        f"User Added {OLIVIA}",
    ]
    named = changed.page.locator(".trail > li", has_text="Consent Category Modified")
    expect(named.get_by_role("row", name="Name Analytics Statistics")).to_be_visible()
    expect(named).to_contain_text("as legal asked")
    expect(named).to_contain_text("version 2")
    rules = changed.page.locator(".trail > li", has_text="Consent Rules Modified")
    expect(rules.get_by_role("row", name="An event without consent is delivered is withheld")).to_be_visible()


def test_filters_narrow_and_the_address_keeps_them(changed: Seat) -> None:
    changed.go("/audit")
    changed.page.get_by_label("Who", exact=True).select_option(OLIVIA)
    changed.page.get_by_label("What", exact=True).select_option("Categories")
    changed.press("Filter")
    changed.sees("Show all")
    assert titles(changed) == ["Consent Category Modified analytics"]
    changed.page.reload()
    expect(changed.page.get_by_label("Who", exact=True)).to_have_value(OLIVIA)
    changed.go("/audit?who=cli:max")
    assert titles(changed) == ["Destination Disabled pixel"]
    changed.go("/audit?to=2020-01-01")
    changed.sees("Nothing matches")


def test_what_is_no_day_is_said(changed: Seat) -> None:
    changed.expected_error = "400"
    changed.go("/audit?from=yesterday")
    changed.sees("`yesterday` is no day")


def test_a_long_trail_has_pages(owner: Seat, api: Api) -> None:
    for number in range(60):
        api.server.stores.trail.add([Happening("Source Created", "source", f"s{number}")], at=now(), author=OLIVIA)
    owner.go("/audit?kind=source&who=olivia@example.com")
    assert titles(owner)[0] == "Source Created s59"
    assert len(titles(owner)) == 50
    owner.press("Older")
    expect(owner.page.locator(".trail-title").first).to_have_text("Source Created s9")
    assert titles(owner)[-1] == "Source Created s0"
    owner.press("Newest")
    expect(owner.page.locator(".trail-title").first).to_have_text("Source Created s59")


def test_the_csv_is_what_is_filtered_and_no_spreadsheet_runs_it(changed: Seat, api: Api) -> None:
    evil = Happening("Source Created", "source", "=HYPERLINK(0)", None, {"name": 'a "quoted", one\nand a line'})
    api.server.stores.trail.add([evil], at=now(), author="@SUM(1)")
    rows = list(csv.DictReader(io.StringIO(_download(changed, ""))))
    assert len(rows) == len(api.server.stores.trail.entries(1000))
    assert (rows[0]["id"], rows[0]["who"]) == ("'=HYPERLINK(0)", "'@SUM(1)")
    assert "quoted" in rows[0]["after"]
    assert rows[1]["action"] == "Consent Rules Modified"
    assert rows[1]["version"] == "4"
    some = list(csv.DictReader(io.StringIO(_download(changed, "?who=cli:max"))))
    assert [one["action"] for one in some] == ["Destination Disabled"]
    assert (some[0]["before"], some[0]["after"]) == ('{"enabled":true}', '{"enabled":false}')


def _download(seat: Seat, query: str) -> str:
    seat.go(f"/audit{query}")
    with seat.page.expect_download() as download:
        seat.page.get_by_role("link", name="CSV of").click()
    assert download.value.suggested_filename.endswith(".csv")
    return download.value.path().read_text()
