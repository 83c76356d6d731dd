"""Settings, people and tokens: inviting, roles, new passwords, removing, and what is shown once."""

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import expect

from assent.app.services.people import invite, new_password_link
from assent.app.wiring import now
from harness.api import Api
from harness.seat import PASSWORD, Seat


def happened(api: Api) -> list[tuple[str, str, str]]:
    """The audit trail, newest first: who, did what, to whom."""
    entries = api.server.stores.trail.entries(100)
    return [(one.author, one.happening.action, one.happening.id) for one in entries]


def the_link(seat: Seat) -> str:
    """The path of the link that the page shows."""
    shown = seat.page.locator("#link").inner_text()
    assert shown.startswith(f"{seat.url}/join/")
    return shown.removeprefix(seat.url)


def test_an_invitation_is_shown_once_and_makes_a_user(owner: Seat, seat: Callable[..., Seat], api: Api) -> None:
    owner.go("/settings")
    owner.page.get_by_label("Their e-mail address").fill("Max@Example.com")
    owner.press("Make a link")
    link = the_link(owner)
    owner.press("Done")
    owner.sees("becomes a Workspace Member")
    assert link not in owner.page.content()

    newcomer = seat()
    newcomer.join(link, "max@example.com", "Max Member")
    newcomer.go("/settings/people")
    newcomer.sees("There is none.")
    assert happened(api)[:2] == [
        ("max@example.com", "User Added", "max@example.com"),
        ("olivia@example.com", "User Invited", "max@example.com"),
    ]


def test_a_link_is_withdrawn(owner: Seat, seat: Callable[..., Seat], api: Api) -> None:
    link = invite(api.server.stores, "max@example.com", "member", author="olivia@example.com", at=now())
    owner.go("/settings/people")
    owner.press("Withdraw the link for max@example.com")
    owner.sees("The link for max@example.com is withdrawn")
    late = seat()
    late.expected_error = "404"
    late.go(link)
    late.sees("This link was followed before")


@pytest.mark.parametrize(
    ("email", "status", "said"), [("no address", "400", "write an e-mail"), ("OLIVIA@example.com", "409", "is a user")]
)
def test_who_cannot_be_invited_is_said_beside_the_field(owner: Seat, email: str, status: str, said: str) -> None:
    owner.expected_error = status
    owner.go("/settings/people")
    field = owner.page.get_by_label("Their e-mail address")
    field.evaluate("one => { one.type = 'text' }")  # or the browser itself would refuse it
    field.fill(email)
    owner.page.get_by_label("Workspace Owner").check()
    owner.press("Make a link")
    expect(owner.page.get_by_label("Their e-mail address")).to_have_value(email)
    expect(owner.page.get_by_label("Their e-mail address")).to_have_attribute("aria-invalid", "true")
    expect(owner.page.get_by_label("Workspace Owner")).to_be_checked()
    owner.sees(re.compile(said))


def test_a_role_holds_from_the_next_click_on(owner: Seat, member: Seat, api: Api) -> None:
    member.go("/settings/people")
    expect(member.page.get_by_role("button", name="Make a link")).to_have_count(0)
    owner.go("/settings/people")
    owner.press("Edit Max Member")
    owner.page.get_by_label("Workspace Owner").check()
    owner.press("Save")
    owner.sees("Max Member is a Workspace Owner now")
    member.go("/settings/people")
    expect(member.page.get_by_role("button", name="Make a link")).to_have_count(1)
    assert happened(api)[0] == ("olivia@example.com", "Role Changed", "max@example.com")


def test_who_is_removed_is_out_at_once(owner: Seat, member: Seat) -> None:
    owner.go("/settings/people")
    owner.press("Edit Max Member")
    owner.press("Remove Max Member")
    owner.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    owner.sees("Max Member is no user any more")
    member.go("/account")
    expect(member.page).to_have_url(f"{member.url}/sign-in?next=%2Faccount")


def test_the_last_owner_stays(owner: Seat, api: Api) -> None:
    owner.expected_error = "409"
    (olivia,) = api.server.stores.users.all()
    owner.go(f"/settings/people/{olivia.id}")
    owner.page.get_by_label("Workspace Member").check()
    owner.press("Save")
    owner.sees("is the last owner")
    owner.press("Remove Olivia Owner")
    owner.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    owner.sees("is the last owner")
    assert api.server.stores.users.all() == [olivia]


def test_a_link_for_a_new_password_signs_out_everywhere_and_ends_a_lock_out(
    owner: Seat, member: Seat, seat: Callable[..., Seat], api: Api
) -> None:
    stores = api.server.stores
    for _ in range(9):
        stores.lockout.begin("max@example.com", at=now())
    owner.go("/settings/people")
    owner.press("Edit Max Member")
    owner.press("Make a link")
    link = the_link(owner)

    forgetful = seat()
    forgetful.go(link)
    forgetful.page.get_by_label("Password", exact=True).fill("a new and longer one")
    forgetful.page.get_by_label("The password again").fill("a new and longer one")
    forgetful.press("Set the password")
    expect(forgetful.page.get_by_role("button", name="Sign out")).to_be_visible()
    member.go("/account")
    expect(member.page).to_have_url(f"{member.url}/sign-in?next=%2Faccount")
    assert _sign_in(api, "max@example.com", PASSWORD) == 401
    assert _sign_in(api, "max@example.com", "a new and longer one") == 303
    assert [action for _, action, _ in happened(api)][:2] == ["Password Changed", "Password Link Created"]


def test_a_link_stays_good_while_the_new_password_is_not(member: Seat, seat: Callable[..., Seat], api: Api) -> None:
    del member
    stores = api.server.stores
    max_ = stores.users.with_email("max@example.com")
    assert max_ is not None
    link = new_password_link(stores, max_.id, author="olivia@example.com", at=now())
    forgetful = seat()
    forgetful.expected_error = "400"
    forgetful.go(link)
    short = forgetful.page.get_by_label("Password", exact=True)
    short.evaluate("one => one.removeAttribute('minlength')")
    short.fill("short")
    forgetful.page.get_by_label("The password again").fill("short")
    forgetful.press("Set the password")
    forgetful.sees("use at least 12 characters")
    assert stores.invitations.find(link.removeprefix("/join/"), at=now()).is_for_password


def _sign_in(api: Api, email: str, password: str) -> int:
    with httpx.Client(base_url=api.url) as client:
        client.get("/sign-in")
        form = {"email": email, "password": password, "_csrf_token": client.cookies["assent_form"]}
        return client.post("/sign-in", data=form).status_code


def test_a_token_is_shown_once_works_and_is_revoked(owner: Seat, api: Api) -> None:
    owner.go("/settings/tokens")
    owner.page.get_by_label("What it is for").fill("grafana")
    owner.press("Make the token")
    text = owner.page.locator("#token").inner_text()
    used = {"Authorization": f"Bearer {text}"}
    assert api.nobody.get("/workspace", headers=used).status_code == 200
    assert api.nobody.put("/workspace", headers=used, json={}).status_code == 403
    owner.go("/settings/tokens")
    assert text not in owner.page.content()
    assert text not in api.owner.get("/tokens").text

    owner.press("Revoke grafana")
    owner.page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    owner.sees("The token grafana is revoked")
    assert api.nobody.get("/workspace", headers=used).status_code == 401
    assert [action for _, action, _ in happened(api)][:2] == ["Token Revoked", "Token Created"]


def test_no_token_is_named_like_a_person(owner: Seat, api: Api) -> None:
    owner.expected_error = "400"
    owner.go("/settings/tokens")
    owner.page.get_by_label("What it is for").fill("olivia@example.com")
    owner.press("Make the token")
    owner.sees("choose a name that nobody takes for a person's")
    assert {one.name for one in api.server.stores.tokens.all()} == {"olivia", "max"}


def test_what_is_copied_is_what_is_shown(owner: Seat) -> None:
    owner.context.grant_permissions(["clipboard-read", "clipboard-write"])
    owner.go("/settings/people")
    owner.page.get_by_label("Their e-mail address").fill("max@example.com")
    owner.press("Make a link")
    owner.page.get_by_role("button", name="Copy").click()
    owner.sees("Copied")
    assert owner.page.evaluate("navigator.clipboard.readText()") == owner.page.locator("#link").inner_text()
