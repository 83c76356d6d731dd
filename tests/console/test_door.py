"""The door of the console: links that make users, signing in and out, the lock-out, and what is closed to others."""

from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import expect

from assent.app.services.sign_in import welcome_link
from assent.app.wiring import now
from harness.api import Api
from harness.seat import PASSWORD, Seat


def test_the_first_link_makes_the_owner_and_works_once(seat: Callable[..., Seat], api: Api) -> None:
    link = welcome_link(api.server.stores, at=now())
    assert link is not None
    first = seat()
    first.join(link, "Olivia@Example.com", "Olivia Owner")
    first.sees("Workspace Owner")
    assert [(one.email, one.role) for one in api.server.stores.users.all()] == [("olivia@example.com", "owner")]

    assert welcome_link(api.server.stores, at=now()) is None
    second = seat()
    second.expected_error = "404"
    second.go(link)
    second.sees("This link was followed before")


def test_a_link_stays_good_while_the_form_is_not(seat: Callable[..., Seat], api: Api) -> None:
    link = welcome_link(api.server.stores, at=now())
    assert link is not None
    first = seat()
    first.expected_error = "400"
    first.go(link)
    first.page.get_by_label("E-mail address").fill("olivia@example.com")
    first.page.get_by_label("Your name").fill("Olivia")
    first.page.get_by_label("Password", exact=True).fill(PASSWORD)
    first.page.get_by_label("The password again").fill("another one altogether")
    first.press("Join")
    first.sees("the two passwords differ")
    assert api.server.stores.users.all() == []
    first.join(link, "olivia@example.com", "Olivia")


def test_signing_out_and_in_again_leads_to_the_page_that_was_wanted(owner: Seat) -> None:
    owner.press("Sign out")
    owner.go("/account")
    expect(owner.page).to_have_url(f"{owner.url}/sign-in?next=%2Faccount")
    owner.page.get_by_label("E-mail address").fill("OLIVIA@example.com ")
    owner.page.get_by_label("Password").fill(PASSWORD)
    owner.press("Sign in")
    expect(owner.page).to_have_url(f"{owner.url}/account")


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x"])
def test_nobody_is_sent_elsewhere_by_our_door(owner: Seat, elsewhere: str) -> None:
    owner.press("Sign out")
    owner.page.goto(f"{owner.url}/sign-in?next={elsewhere}")
    owner.page.get_by_label("E-mail address").fill("olivia@example.com")
    owner.page.get_by_label("Password").fill(PASSWORD)
    owner.press("Sign in")
    expect(owner.page).to_have_url(f"{owner.url}/privacy/consent")


def test_guessing_is_slowed_whether_or_not_anybody_has_the_address(owner: Seat, api: Api) -> None:
    del owner
    answers = {}
    for email in ("olivia@example.com", "nobody@example.com"):
        with httpx.Client(base_url=api.url) as client:
            answers[email] = [_try(client, email, "not the password") for _ in range(6)]
            assert "try again in" in _try(client, email, PASSWORD)[1]
    assert [status for status, _ in answers["olivia@example.com"]] == [401] * 5 + [429]
    assert [status for status, _ in answers["nobody@example.com"]] == [401] * 5 + [429]


def _try(client: httpx.Client, email: str, password: str) -> tuple[int, str]:
    client.get("/sign-in")
    token = client.cookies["assent_form"]
    form = {"email": email, "password": password, "_csrf_token": token}
    answer = client.post("/sign-in", data=form)
    return answer.status_code, answer.text


def test_a_form_without_its_token_is_refused(owner: Seat, api: Api) -> None:
    cookies = {one["name"]: one["value"] for one in owner.context.cookies()}
    with httpx.Client(base_url=api.url, cookies={"assent_session": cookies["assent_session"]}) as elsewhere:
        assert elsewhere.get("/account").status_code == 200
        assert elsewhere.post("/sign-out").status_code == 403
        assert elsewhere.get("/account").status_code == 200


def test_the_session_is_out_of_reach_of_scripts_and_other_sites(owner: Seat) -> None:
    [session] = [one for one in owner.context.cookies() if one["name"] == "assent_session"]
    assert session["httpOnly"]
    assert session["sameSite"] == "Lax"
    assert owner.page.evaluate("document.cookie") == ""


def test_a_session_cookie_needs_tls_where_the_browser_speaks_it(api: Api) -> None:
    link = welcome_link(api.server.stores, at=now())
    with httpx.Client(base_url=api.url, headers={"X-Forwarded-Proto": "https"}) as client:
        client.get(link)
        form = {"email": "o@example.com", "name": "O", "password": PASSWORD, "again": PASSWORD}
        answer = client.post(link, data={**form, "_csrf_token": client.cookies["assent_form"]})
    assert answer.status_code == 303
    assert "Secure" in answer.headers["set-cookie"]


def test_changing_the_password_signs_out_everywhere_else(owner: Seat, seat: Callable[..., Seat]) -> None:
    elsewhere = seat()
    elsewhere.go("/sign-in")
    elsewhere.page.get_by_label("E-mail address").fill("olivia@example.com")
    elsewhere.page.get_by_label("Password").fill(PASSWORD)
    elsewhere.press("Sign in")

    owner.go("/account")
    owner.page.get_by_label("Your password now").fill(PASSWORD)
    owner.page.get_by_label("The new one", exact=True).fill("a new and longer one")
    owner.page.get_by_label("The new one again").fill("a new and longer one")
    owner.press("Change the password")
    owner.sees("Your password is changed")

    elsewhere.go("/account")
    expect(elsewhere.page).to_have_url(f"{elsewhere.url}/sign-in?next=%2Faccount")


def test_pages_are_closed_to_whoever_is_not_signed_in(api: Api) -> None:
    with httpx.Client(base_url=api.url) as nobody:
        answer = nobody.get("/privacy/consent")
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fprivacy%2Fconsent")
        part = nobody.get("/privacy/consent", headers={"HX-Request": "true"})
        assert (part.status_code, part.headers["hx-redirect"]) == (401, "/sign-in")
        for path in ("/sign-in", "/nowhere", "/privacy/consent"):
            page = nobody.get(path, headers={"Accept": "text/html"})
            assert page.headers["content-security-policy"].startswith("default-src 'none'")
