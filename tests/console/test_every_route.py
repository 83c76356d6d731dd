"""A walk over every route of console and API that changes something: nobody but an owner gets through."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from routes import READING, Route, routes

from assent.app.wiring import now
from harness.api import Api, a_workspace, running_api
from harness.waiting import wait_until

CHANGE_NOTHING = {
    ("POST", "/api/v1/category-scan"),
    ("POST", "/api/v1/decisions"),
    ("POST", "/api/v1/workspace/plan"),
    ("POST", "/api/v1/trials"),
    ("POST", "/api/v1/drafts/{draftId}/trial"),
    ("POST", "/api/v1/backfill-preview"),
}
"""Operations of the API that take a body and change nothing: members may use them."""

FOR_MEMBERS = {"/account/password", "/settings/file/plan", "/sign-out", "/what-if"}
"""Forms of the console that members may send: they change nothing of the workspace. Think twice before adding one."""

FIELDS = {
    "action": "hold",
    "ids": "u-2",
    "subject_type": "USER_ID",
    "type": "SUPPRESS_ONLY",
    "again": "a password that is long",
    "comment": "why",
    "destinations": "warehouse",
    "email": "eve@example.com",
    "enabled": "yes",
    "id": "analytics",
    "kind": "category",
    "name": "Another",
    "old_password": "a password that is wrong",
    "password": "a password that is long",
    "reasons": "category_denied",
    "role": "owner",
    "since": "2020-01-01T00:00",
    "text": "workspace: Another\n",
    "until": "2099-01-01T00:00",
    "version": "1",
    "why": "mended",
}
"""A form that would do something, wherever it is sent."""


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    workspace = a_workspace(warehouse="blackhole", pixel="blackhole")
    with running_api(tmp_path_factory.mktemp("walked"), workspace) as api:
        users = api.server.stores.users
        users.add("olivia@example.com", "Olivia", "owner", None, at=now())
        users.add("max@example.com", "Max", "member", None, at=now())
        api.track("m-1")
        api.wait_for("m-1", warehouse="delivered")
        assert api.owner.post("/drafts", json={"name": "Stricter"}).status_code == 200
        mended = {"destinations": ["pixel"], "since": "2020-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z"}
        assert api.owner.post("/backfills", json={**mended, "why": "mended"}).status_code == 200
        wait_until(lambda: api.server.stores.jobs.running("pixel") is None, "the backfill is done")
        asked = {"regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "subjectIds": ["u-9"]}
        assert api.owner.post("/regulations", json=asked).status_code == 200
        yield api


def state(api: Api) -> Any:
    """Everything of the workspace that somebody could change."""
    stores = api.server.stores
    # That somebody exported a person goes on record, and changes nothing.
    trail = [one for one in stores.trail.entries(20) if one.happening.action != "Person Exported"][:1]
    return (
        stores.versions.current_number(),
        stores.users.all(),
        stores.invitations.open(at=now()),
        stores.tokens.all(),
        stores.drafts.all(),
        [(one.id, one.state) for one in stores.jobs.all(100)],
        stores.regulations.all(100),
        [one.number for one in trail],
        api.server.log.head,
    )


Browser = Callable[[str | None], httpx.Client]


@pytest.fixture
def browser_of(walked: Api) -> Iterator[Browser]:
    """Gives what a browser of somebody is (None: of nobody), with all cookies that a form needs."""
    clients = []

    def take(email: str | None) -> httpx.Client:
        client = httpx.Client(base_url=walked.url, timeout=20, headers={"Accept": "text/html"})
        clients.append(client)
        client.get("/sign-in")
        if email is not None:
            user = walked.server.stores.users.with_email(email)
            assert user is not None
            client.cookies["assent_session"] = walked.server.stores.sessions.open(user.id, at=now())
        return client

    yield take
    for one in clients:
        one.close()


def send(client: httpx.Client, route: Route, walked: Api, *, token: bool = True) -> httpx.Response:
    users = {one.email: one.id for one in walked.server.stores.users.all()}
    tokens = walked.server.stores.tokens.all()
    # Max, whom the form would make an owner: so whoever got through with it would have changed something.
    path = route.filled(user_id=users["max@example.com"], token_id=tokens[0].id)
    form = {**FIELDS, "_csrf_token": client.cookies["assent_form"]} if token else FIELDS
    return client.request(route.method, path, data=form)


def changing(walked: Api) -> list[Route]:
    found = [one for one in routes(walked) if one.method not in READING]
    assert len(found) > 10
    return found


def test_a_member_changes_nothing_by_any_form(walked: Api, browser_of: Browser) -> None:
    before = state(walked)
    for route in changing(walked):
        answer = send(browser_of("max@example.com"), route, walked)
        if not (route.is_open or route.is_for_members):
            assert answer.status_code == 403, route
            assert "Workspace Owner" in answer.text, route
        assert answer.status_code < 500, (route, answer.text)
        assert state(walked) == before, route


def test_few_forms_are_for_members(walked: Api) -> None:
    assert {one.path for one in changing(walked) if one.is_for_members} == FOR_MEMBERS


def test_nobody_gets_through_without_signing_in(walked: Api, browser_of: Browser) -> None:
    before = state(walked)
    for route in routes(walked):
        if route.method == "OPTIONS" or route.is_open:
            continue
        answer = send(browser_of(None), route, walked)
        assert answer.status_code == 303, route
        assert answer.headers["location"].startswith("/sign-in"), route
    assert state(walked) == before


def test_no_form_is_taken_without_its_token_not_even_from_an_owner(walked: Api, browser_of: Browser) -> None:
    before = state(walked)
    for route in changing(walked):
        answer = send(browser_of("olivia@example.com"), route, walked, token=False)
        assert answer.status_code == 403, route
        assert "too old, or not from here" in answer.text, route
    assert state(walked) == before


def operations(walked: Api) -> list[tuple[str, str]]:
    document = walked.nobody.get(f"{walked.url}/api/docs/openapi.json").json()
    return [(method.upper(), path) for path, item in document["paths"].items() for method in item]


def filled(walked: Api, path: str) -> str:
    """The path of an operation with ids of what is really there."""
    users, tokens = walked.server.stores.users.all(), walked.server.stores.tokens.all()
    known = {
        "anyId": "u-1",
        "backfillId": walked.server.stores.jobs.all(1)[0].id,
        "categoryId": "analytics",
        "destinationId": "warehouse",
        "profileId": "u-1",
        "regulationId": walked.server.stores.regulations.all(1)[0].id,
        "draftId": walked.server.stores.drafts.all()[0].id,
        "invitationId": "inv_0",
        "messageId": "m-1",
        "number": "1",
        "offset": "0",
        "receiptId": "rcp_0",
        "sourceId": "website",
        "tokenId": tokens[0].id,
        "userId": users[1].id,
    }
    return path.format_map(known)


def test_a_members_token_changes_nothing_by_any_operation(walked: Api) -> None:
    before = state(walked)
    for method, path in operations(walked):
        answer = walked.member.request(method, f"{walked.url}{filled(walked, path)}", json={"role": "owner"})
        if method not in READING and (method, path) not in CHANGE_NOTHING:
            assert answer.status_code == 403, (method, path)
            assert answer.json()["errors"][0]["type"] == "forbidden", (method, path)
        assert answer.status_code < 500, (method, path)
        assert state(walked) == before, (method, path)


def test_without_a_token_no_operation_says_anything(walked: Api) -> None:
    before = state(walked)
    for method, path in operations(walked):
        answer = walked.nobody.request(method, f"{walked.url}{filled(walked, path)}", json={})
        assert answer.status_code == 401, (method, path)
    assert state(walked) == before


def test_a_session_of_the_console_is_no_token_and_a_token_no_session(walked: Api, browser_of: Browser) -> None:
    assert browser_of("olivia@example.com").get("/api/v1/users").status_code == 401
    with httpx.Client(base_url=walked.url, headers={"Authorization": f"Bearer {walked.owner_token}"}) as client:
        assert client.get("/settings/people").status_code == 303
