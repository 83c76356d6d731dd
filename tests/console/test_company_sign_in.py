"""Signing in through a company's own provider: a real one, and one that lies."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from assent.app.config import Oidc, read_oidc
from assent.app.services.sign_in import hash_password
from assent.app.wiring import now
from assent.domain.errors import InvalidInput
from harness import free_port
from harness.api import Api, a_workspace, running_api
from harness.false_issuer import FalseIssuer, false_issuer
from harness.provider import CLIENT_ID, CLIENT_SECRET, running_provider
from harness.seat import PASSWORD

BACK = "/sign-in/company/back"


def oidc(issuer: str, *members: str) -> Oidc:
    return Oidc(
        issuer=issuer, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, name="Example Identity", members=members
    )


def add_olivia(api: Api) -> None:
    api.server.stores.users.add("olivia@example.com", "Olivia Owner", "owner", hash_password(PASSWORD), at=now())


# -------------------------------------------------------------------------------------------- a real provider


@pytest.fixture(scope="module")
def companys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server whose people sign in at a real provider; those of example.org become members by themselves."""
    port = free_port()
    issuer = oidc(f"http://127.0.0.1:{port}", "example.org")
    with running_api(tmp_path_factory.mktemp("company"), a_workspace(), oidc=issuer) as api:
        add_olivia(api)
        with running_provider(port, f"{api.url}{BACK}"):
            yield api


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with closing(browser.new_context()) as context:
        context.set_default_timeout(10_000)
        yield context.new_page()


def sign_in_at_company(page: Page, api: Api, login: str, path: str = "/sign-in") -> None:
    page.goto(f"{api.url}{path}")
    page.get_by_role("link", name="Sign in with Example Identity").click()
    page.get_by_label("Login").fill(login)
    page.get_by_role("button", name="Continue").click()


def test_a_user_signs_in_and_comes_to_the_page_that_was_wanted(page: Page, companys: Api) -> None:
    sign_in_at_company(page, companys, "olivia@example.com", path="/account")
    expect(page).to_have_url(f"{companys.url}/account")
    expect(page.get_by_text("Olivia Owner").first).to_be_visible()
    cookies = {one["name"]: one for one in page.context.cookies(companys.url)}
    assert "assent_company" not in cookies
    assert cookies["assent_session"]["httpOnly"]


def test_people_of_a_named_domain_become_members_by_themselves(page: Page, companys: Api) -> None:
    sign_in_at_company(page, companys, "mia@example.org")
    expect(page).to_have_url(f"{companys.url}/privacy/consent")
    mia = companys.server.stores.users.with_email("mia@example.org")
    assert mia is not None
    assert (mia.name, mia.role) == ("mia", "member")
    page.goto(f"{companys.url}/account")
    expect(page.get_by_text("no password to change here")).to_be_visible()
    (added,) = companys.server.stores.trail.entries(1)
    assert (added.happening.action, added.happening.id) == ("User Added", "mia@example.org")


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ("eve@elsewhere.example", "Nobody invited"),
        ("eve@sub.example.org", "Nobody invited"),
        ("unverified@example.org", "has not verified"),
        ("", "did not sign you in (access_denied)"),
    ],
)
def test_others_stay_outside_and_are_told_why(page: Page, companys: Api, login: str, said: str) -> None:
    before = companys.server.stores.users.all()
    sign_in_at_company(page, companys, login)
    expect(page.get_by_role("alert")).to_contain_text(said, ignore_case=True)
    expect(page.get_by_label("Password")).to_be_visible()
    assert companys.server.stores.users.all() == before
    assert "assent_session" not in {one["name"] for one in page.context.cookies()}


# -------------------------------------------------------------------------------------------- one that lies


@pytest.fixture(scope="module")
def one_issuer() -> Iterator[FalseIssuer]:
    with false_issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def deceived(tmp_path_factory: pytest.TempPathFactory, one_issuer: FalseIssuer) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("deceived"), a_workspace(), oidc=oidc(one_issuer.url)) as api:
        add_olivia(api)
        yield api


@pytest.fixture
def issuer(one_issuer: FalseIssuer) -> FalseIssuer:
    """The issuer, honest again."""
    one_issuer.claims, one_issuer.sign_with, one_issuer.userinfo, one_issuer.discovery = {}, "ours", None, {}
    one_issuer.status = 200
    return one_issuer


@pytest.fixture
def client(deceived: Api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=deceived.url, timeout=20) as client:
        yield client


def begin(client: httpx.Client, issuer: FalseIssuer) -> str:
    """Go to the provider; the state to come back with."""
    sent = client.get("/sign-in/company")
    assert sent.status_code == 303, sent.text
    asked = {name: value for name, (value,) in parse_qs(urlsplit(sent.headers["location"]).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"{client.base_url}".rstrip("/") + BACK
    issuer.nonce = asked["nonce"]
    return asked["state"]


def come_back(client: httpx.Client, issuer: FalseIssuer, **parameters: str) -> httpx.Response:
    state = begin(client, issuer)
    return client.get(BACK, params={"state": state, "code": "a code", **parameters})


def test_an_honest_issuer_is_believed(client: httpx.Client, issuer: FalseIssuer) -> None:
    entered = come_back(client, issuer, iss=issuer.url)
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert client.get("/account").status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "somebody else"},
        {"aud": [CLIENT_ID, "somebody else"]},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"azp": "somebody else"},
        {"at_hash": "of another token"},
        {"nbf": 4_000_000_000},
    ],
    ids=repr,
)
def test_a_token_with_a_wrong_claim_is_refused(
    client: httpx.Client, issuer: FalseIssuer, claims: dict[str, Any]
) -> None:
    issuer.claims = claims
    assert_refused(come_back(client, issuer), 401, "could not be trusted")


@pytest.mark.parametrize("sign_with", ["another", "secret", "none"])
def test_a_token_with_a_wrong_signature_is_refused(client: httpx.Client, issuer: FalseIssuer, sign_with: str) -> None:
    issuer.sign_with = sign_with
    assert_refused(come_back(client, issuer), 401, "could not be trusted")


@pytest.mark.parametrize("verified", [None, False, "true", 1])
def test_an_address_that_nobody_verified_is_refused(client: httpx.Client, issuer: FalseIssuer, verified: Any) -> None:
    issuer.claims = {"email_verified": verified}
    assert_refused(come_back(client, issuer), 403, "has not verified")


@pytest.mark.parametrize("email", [None, "", "olivia", 7, "olivia@example.com\nx"])
def test_without_an_address_nobody_comes_in(client: httpx.Client, issuer: FalseIssuer, email: Any) -> None:
    issuer.claims = {"email": email}
    assert_refused(come_back(client, issuer), 403, "does not say your e-mail address")


def test_an_address_from_userinfo_has_to_be_of_the_same_person(tmp_path: Path) -> None:
    with false_issuer() as issuer:
        issuer.claims = {"email": None, "email_verified": None}
        issuer.userinfo = {"sub": "u-2", "email": "olivia@example.com", "email_verified": True}
        config = oidc(issuer.url)
        with running_api(tmp_path, a_workspace(), oidc=config) as api, httpx.Client(base_url=api.url) as client:
            add_olivia(api)
            assert_refused(come_back(client, issuer), 401, "about somebody else")
            issuer.userinfo["sub"] = "u-1"
            assert come_back(client, issuer).status_code == 303


def test_an_answer_to_another_journey_is_refused(client: httpx.Client, issuer: FalseIssuer, deceived: Api) -> None:
    assert_refused(come_back(client, issuer, state="another"), 401, "another sign-in")
    assert_refused(come_back(client, issuer, iss="https://evil.example"), 401, "another provider")
    assert_refused(come_back(client, issuer, code=""), 401, "no code")
    state = begin(client, issuer)
    with httpx.Client(base_url=deceived.url) as victim:  # whose browser began nothing
        assert_refused(victim.get(BACK, params={"state": state, "code": "a code"}), 401, "not begun here")
    entered = client.get(BACK, params={"state": state, "code": "a code"})
    assert entered.status_code == 303
    assert_refused(client.get(BACK, params={"state": state, "code": "a code"}), 401, "not begun here")


def test_nobody_is_sent_elsewhere_after_it(client: httpx.Client, issuer: FalseIssuer) -> None:
    sent = client.get("/sign-in/company", params={"next": "https://evil.example"})
    asked = parse_qs(urlsplit(sent.headers["location"]).query)
    issuer.nonce = asked["nonce"][0]
    entered = client.get(BACK, params={"state": asked["state"][0], "code": "a code"})
    assert entered.headers["location"] == "/"


def assert_refused(answer: httpx.Response, status: int, said: str) -> None:
    assert answer.status_code == status, answer.text
    assert said in answer.text
    assert "assent_session=" not in answer.headers.get("set-cookie", "")
    assert CLIENT_SECRET not in answer.text
    assert 'name="password"' in answer.text


# -------------------------------------------------------------------------------------------- no provider


@pytest.mark.parametrize("fault", ["down", "broken", "another", "unreadable"])
def test_without_the_provider_passwords_still_work(tmp_path: Path, fault: str) -> None:
    with false_issuer() as issuer:
        issuer.status = 500 if fault == "broken" else 200
        if fault == "another":
            issuer.discovery = {"issuer": "https://evil.example"}
        if fault == "unreadable":
            issuer.discovery = {"token_endpoint": 7}
        url = issuer.url if fault != "down" else f"http://127.0.0.1:{free_port()}"
        with running_api(tmp_path, a_workspace(), oidc=oidc(url)) as api, httpx.Client(base_url=api.url) as client:
            add_olivia(api)
            answer = client.get("/sign-in/company")
            assert_refused(answer, 503, "sign in with a password")
            form = {"email": "olivia@example.com", "password": PASSWORD, "_csrf_token": client.cookies["assent_form"]}
            assert client.post("/sign-in", data=form).status_code == 303


def test_without_one_configured_there_is_no_such_door(api: Api) -> None:
    with httpx.Client(base_url=api.url) as client:
        add_olivia(api)
        assert "Sign in with" not in client.get("/sign-in").text
        assert client.get("/sign-in/company").status_code == 404
        assert client.get(BACK).status_code == 404


@pytest.mark.parametrize(
    ("issuer", "client_id", "secret", "said"),
    [
        ("https://id.example", None, "s", "--oidc-client-id"),
        (None, "assent", "s", "--oidc-issuer"),
        ("https://id.example", "assent", None, "ASSENT_OIDC_CLIENT_SECRET"),
        ("http://id.example", "assent", "s", "no https address"),
        ("id.example", "assent", "s", "no https address"),
    ],
)
def test_a_provider_is_configured_as_a_whole(
    issuer: str | None, client_id: str | None, secret: str | None, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_oidc(issuer, client_id, secret, "X", "")


def test_domains_are_read_however_they_are_written() -> None:
    assert read_oidc(None, None, None, "X", "example.com") is None
    read = read_oidc("https://id.example/", "assent", "top secret", "X", " Example.com, @example.org,,")
    assert read is not None
    assert (read.issuer, read.members) == ("https://id.example/", ("example.com", "example.org"))
    assert "top secret" not in repr(read)
