"""The category finder in the wizard, and what a source and a category say about consent that is stated otherwise."""

from typing import Any

import pytest
from playwright.sync_api import expect

from harness.api import Api
from harness.seat import Seat

COOKIE = "OptanonConsent=consentId=5b1d&groups=C0001%3A1%2CC0004%3A{ads}"


@pytest.fixture
def workspace() -> dict[str, Any]:
    return {
        "consent": {"preset": "strict", "categories": [{"id": "C0001", "name": "Necessary"}]},
        "sources": [{"id": "website", "name": "Web shop", "write_key": "website-key"}],
        "destinations": [{"id": "pixel", "name": "Pixel", "connector": "blackhole"}],
    }


def test_from_a_pasted_cookie_to_an_event_that_forwards_it(owner: Seat, api: Api) -> None:
    owner.expected_error = "400"
    owner.go("/privacy/consent/setup/categories?tool=onetrust")
    owner.sees("OneTrust.GetDomainData().Groups.map")
    owner.page.get_by_label("What you copied").fill("hello")
    owner.page.get_by_role("button", name="Find the categories").click()
    owner.sees("nothing of a consent tool is in this")
    assert owner.page.get_by_label("What you copied").input_value() == "hello"

    owner.page.get_by_label("What you copied").fill(COOKIE.format(ads=0))
    owner.page.get_by_role("button", name="Find the categories").click()
    row = owner.page.get_by_role("row", name="C0004")
    expect(row).to_contain_text("Targeting")
    expect(row).to_contain_text("denied")
    expect(owner.page.get_by_role("row", name="C0001")).to_contain_text("Here already")
    assert owner.violations() == []
    owner.page.get_by_role("button", name="Create those ticked").click()
    owner.sees("tick the categories to create")
    owner.page.get_by_role("button", name="Create all of them").click()
    owner.sees("Created: Targeting.")
    assert [one["id"] for one in api.data("/categories")["categories"]] == ["C0001", "C0004"]

    owner.go("/privacy/consent/category?id=C0004")
    owner.page.get_by_text("What consent tools and standards call it").click()
    signals = owner.page.get_by_label("Signals, one a line")
    signals.fill("gcp\n")
    owner.page.get_by_label("Pixel").check()
    owner.page.get_by_role("button", name="Save").click()
    owner.sees("begins with no tool and a colon; did you mean")
    signals.fill(" gpc \n\ntcf:4")
    assert owner.violations() == []
    owner.page.get_by_role("button", name="Save").click()
    owner.sees("is saved, and in force")
    assert api.data("/categories/C0004")["signals"] == ["gpc", "tcf:4"]

    owner.go("/connections/sources/website")
    owner.page.get_by_label("The consent tool's cookies").check()
    owner.page.get_by_label("Global Privacy Control").check()
    assert owner.violations() == []
    owner.page.locator("section", has_text="How it states consent").get_by_role("button", name="Save").click()
    owner.sees("its events are read so from the next one on")
    assert api.data("/sources/website")["consentFrom"] == ["cookie", "gpc"]

    for message_id, consent in (
        ("granted", {"cookie": COOKIE.format(ads=1)}),
        ("refused", {"cookie": COOKIE.format(ads=0)}),
        ("signalled", {"cookie": COOKIE.format(ads=1), "gpc": True}),
    ):
        event = {"event": "Bought", "userId": "u-1", "messageId": message_id, "context": {"consent": consent}}
        api.send("track", event, write_key="website-key")
    assert api.wait_for("granted", pixel="delivered")["pixel"]["reason"] == "consented"
    for message_id in ("refused", "signalled"):
        assert api.wait_for(message_id, pixel="withheld")["pixel"]["reason"] == "category_denied"

    owner.go("/audit")
    owner.sees("Source Modified")
