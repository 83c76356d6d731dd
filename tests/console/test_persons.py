"""People: found by any id, shown with evidence, and never by what a stranger wrote."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from assent.app.services.sign_in import welcome_link
from assent.app.wiring import now
from harness import wait_until
from harness.api import Api, a_workspace, running_api
from harness.seat import Seat

NASTY = "<img src=x onerror=document.title='stolen'>/../a b"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("people"), a_workspace(warehouse="blackhole", pixel="blackhole")) as api:
        yield api


@pytest.fixture(scope="module")
def owner(browser: Browser, api: Api) -> Iterator[Seat]:
    link = welcome_link(api.server.stores, at=now())
    assert link is not None
    with ExitStack() as stack:
        seat = Seat(stack.enter_context(browser.new_context()), api.url)
        seat.join(link, "olivia@example.com", "Olivia Owner")
        yield seat
        seat.assert_undisturbed()


def says(api: Api, message_id: str, answers: dict[str, Any], **ids: str) -> None:
    context = {"consent": {"categoryPreferences": answers, "version": 3, "language": "de"}}
    before = api.server.stores.ledger.state().number
    api.track(message_id, context=context, **ids)
    wait_until(lambda: api.server.stores.ledger.state().number > before, "a receipt")


def test_without_receipts_it_says_what_will_be_there(owner: Seat, api: Api) -> None:
    owner.press("People")
    owner.sees("Nothing is on record yet")
    assert owner.violations() == []


def test_a_person_is_found_with_all_that_is_known(owner: Seat, api: Api) -> None:
    says(api, "p1", {"analytics": True, "advertising": False}, userId="ann", anonymousId="ann-browser")
    owner.go("/people")
    owner.page.get_by_label("User id or anonymous id").fill("ann-browser")
    owner.press("Find")
    expect(owner.page.get_by_role("heading", level=1)).to_have_text("ann-browser")
    now_table = owner.page.get_by_role("region", name="Now")
    expect(now_table.get_by_role("row").filter(has_text="analytics")).to_contain_text("Granted")
    expect(now_table.get_by_role("row").filter(has_text="advertising")).to_contain_text("Refused")
    means = owner.page.get_by_role("region", name="What it means")
    expect(means.get_by_role("row").filter(has_text="Pixel")).to_contain_text("Category denied")
    owner.sees("notice 3, in de")
    owner.page.get_by_text("Evidence, and receipt").first.click()
    owner.sees('"messageId": "p1"')
    assert owner.violations() == []


def test_what_a_stranger_calls_himself_does_no_harm(owner: Seat, api: Api) -> None:
    says(api, "p2", {"analytics": True, NASTY.replace(".", ""): True}, userId=NASTY)
    owner.go("/people?id=%3Cimg")
    owner.page.get_by_role("link", name=NASTY).click()
    expect(owner.page.get_by_role("heading", level=1)).to_have_text(NASTY)
    owner.page.get_by_text("Evidence, and receipt").first.click()
    assert "stolen" not in owner.page.title()[:6]
    assert owner.page.locator("img[src=x]").count() == 0


def test_an_event_leads_to_its_person(owner: Seat, api: Api) -> None:
    says(api, "p3", {"analytics": False}, userId="carl")
    owner.go("/events/p3")
    owner.page.get_by_role("link", name="carl").click()
    expect(owner.page.get_by_role("heading", level=1)).to_have_text("carl")


def test_nobody_is_found_by_an_id_that_nobody_has(owner: Seat, api: Api) -> None:
    owner.go("/people?id=nobody")
    owner.sees("Nobody's id begins with")
    assert api.owner.get("/profiles/nobody/consent").status_code == 404
