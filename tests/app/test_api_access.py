"""Tokens, roles, and one form for everything that goes wrong."""

import logging
from collections.abc import Iterator
from functools import reduce
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from harness.api import Api, a_workspace, running_api

ROUTES = [
    ("GET", "/workspace"),
    ("PUT", "/workspace"),
    ("POST", "/workspace/plan"),
    ("GET", "/workspace/export"),
    ("GET", "/workspace/versions"),
    ("GET", "/workspace/versions/1"),
    ("POST", "/decisions"),
    ("GET", "/events"),
    ("GET", "/events/m-1/decisions"),
    ("GET", "/delivery"),
    ("GET", "/discards"),
    ("GET", "/destinations"),
    ("GET", "/reasons"),
    ("GET", "/connectors"),
    ("GET", "/sources"),
    ("POST", "/sources"),
    ("GET", "/sources/website"),
    ("PATCH", "/sources/website"),
    ("DELETE", "/sources/website"),
    ("POST", "/sources/website/rotate"),
    ("POST", "/destinations"),
    ("GET", "/destinations/pixel"),
    ("PATCH", "/destinations/pixel"),
    ("DELETE", "/destinations/pixel"),
    ("POST", "/destinations/pixel/test"),
    ("GET", "/categories"),
    ("POST", "/categories"),
    ("POST", "/category-scan"),
    ("GET", "/categories/analytics"),
    ("PATCH", "/categories/analytics"),
    ("DELETE", "/categories/analytics"),
    ("GET", "/mapping"),
    ("PUT", "/mapping"),
    ("GET", "/rules"),
    ("PUT", "/rules"),
    ("GET", "/warnings"),
    ("GET", "/review"),
    ("GET", "/delivery/overview"),
    ("GET", "/delivery/breakdown.csv"),
    ("GET", "/delivery/flow"),
    ("GET", "/delivery/samples"),
    ("GET", "/users"),
    ("PATCH", "/users/usr_0"),
    ("DELETE", "/users/usr_0"),
    ("POST", "/users/usr_0/password-link"),
    ("GET", "/invitations"),
    ("POST", "/invitations"),
    ("DELETE", "/invitations/inv_0"),
    ("GET", "/tokens"),
    ("POST", "/tokens"),
    ("DELETE", "/tokens/tok_0"),
    ("GET", "/audit-trail"),
    ("GET", "/workspace/versions/1/changes"),
    ("POST", "/workspace/versions/1/restore"),
    ("POST", "/workspace/hold"),
    ("POST", "/workspace/release"),
    ("GET", "/held"),
    ("GET", "/workspace/observe"),
    ("POST", "/workspace/observe"),
    ("POST", "/trials"),
    ("GET", "/drafts"),
    ("POST", "/drafts"),
    ("GET", "/drafts/drf_0"),
    ("PUT", "/drafts/drf_0"),
    ("DELETE", "/drafts/drf_0"),
    ("POST", "/drafts/drf_0/apply"),
    ("POST", "/drafts/drf_0/trial"),
    ("GET", "/drafts/drf_0/shadow"),
    ("POST", "/drafts/drf_0/shadow"),
    ("POST", "/backfill-preview"),
    ("GET", "/backfills"),
    ("POST", "/backfills"),
    ("GET", "/backfills/bkf_0"),
    ("POST", "/backfills/bkf_0/cancel"),
    ("POST", "/backfills/bkf_0/pause"),
    ("POST", "/backfills/bkf_0/resume"),
    ("POST", "/attempts/send-again"),
    ("GET", "/profiles/u-1/consent"),
    ("POST", "/consent"),
    ("POST", "/consent/batch"),
    ("GET", "/receipts"),
    ("GET", "/receipts/export"),
    ("GET", "/receipts/rcp_0"),
    ("GET", "/regulations"),
    ("POST", "/regulations"),
    ("GET", "/regulations/reg_0"),
    ("GET", "/suppressions"),
    ("GET", "/profiles/u-1/export"),
]
PLACES = {
    "number": "1",
    "messageId": "m-1",
    "sourceId": "website",
    "destinationId": "pixel",
    "categoryId": "analytics",
    "userId": "usr_0",
    "invitationId": "inv_0",
    "tokenId": "tok_0",
    "draftId": "drf_0",
    "backfillId": "bkf_0",
    "anyId": "u-1",
    "receiptId": "rcp_0",
    "regulationId": "reg_0",
    "profileId": "u-1",
}
READING = {
    ("POST", "/workspace/plan"),
    ("POST", "/decisions"),
    ("POST", "/category-scan"),
    ("POST", "/trials"),
    ("POST", "/drafts/drf_0/trial"),
    ("POST", "/backfill-preview"),
}
WITHHELD = {"destinations": ["pixel"], "since": "2020-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z"}
"""Which events a backfill is to look through."""
BODIES = {"/backfill-preview": WITHHELD, "/category-scan": {"text": "permit 1,2"}}
"""What routes take that do not take a workspace."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("access"), a_workspace(warehouse="blackhole", pixel="blackhole")) as api:
        api.track("m-1")
        api.wait_for("m-1", warehouse="delivered")
        assert api.owner.post("/drafts", json={"name": "Stricter"}).status_code == 200
        assert api.owner.post("/backfills", json={**WITHHELD, "why": "mended"}).status_code == 200
        choice = {"userId": "u-1", "preferences": {"analytics": "granted"}}
        assert api.owner.post("/consent", json=choice).status_code == 200
        asked = {"regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "subjectIds": ["u-2"]}
        assert api.owner.post("/regulations", json=asked).status_code == 200
        yield api


def there(api: Api, path: str) -> str:
    """The path with the ids of the draft, the backfill and the regulation that are there."""
    (draft,) = api.server.stores.drafts.all()
    (job,) = api.server.stores.jobs.all(1)
    (receipt,) = api.server.stores.ledger.receipts(1)
    (asked,) = api.server.stores.regulations.all(1)
    known = {"drf_0": draft.id, "bkf_0": job.id, "rcp_0": receipt.id, "reg_0": asked.id}
    return reduce(lambda so_far, one: so_far.replace(*one), known.items(), path)


def the_error(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The one error of an answer, which must be in the form of all errors."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"errors"}
    (error,) = answer.json()["errors"]
    assert set(error) == {"type", "message", "field"}
    return dict(error)


def test_these_are_all_routes(api: Api) -> None:
    document = api.nobody.get(f"{api.url}/api/docs/openapi.json").json()
    documented = {
        (method.upper(), path.format(**PLACES).removeprefix("/api/v1"))
        for path, item in document["paths"].items()
        for method in item
    }
    assert documented == set(ROUTES)


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "authorization", [None, "Bearer", "Bearer assent_unknown", "Basic d2Vic2l0ZS1rZXk6", "assent_unknown"]
)
def test_nothing_is_told_without_a_known_token(api: Api, method: str, path: str, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization is not None else {}
    answer = api.nobody.request(method, path, headers=headers)
    assert the_error(answer, 401)["type"] == "unauthorized"
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_member_may_do_all_but_change(api: Api, method: str, path: str) -> None:
    workspace = api.data("/workspace")["workspace"] if method != "GET" else None
    body = BODIES.get(path, workspace)
    expected = HTTPStatus.OK if method == "GET" or (method, path) in READING else HTTPStatus.FORBIDDEN
    assert api.member.request(method, there(api, path), json=body).status_code == expected


@pytest.mark.parametrize("path", ["/nothing", "/workspace/nothing", "/events/a/b/c", "/workspace/versions/one"])
def test_what_is_not_there_is_404(api: Api, path: str) -> None:
    error = the_error(api.owner.get(path), 404)
    assert error["type"] == "not_found"
    assert error["message"] == f"there is nothing at `/api/v1{path}`"


def test_a_wrong_method_is_405_and_told_the_right_one(api: Api) -> None:
    answer = api.owner.delete("/events")
    error = the_error(answer, 405)
    assert error["type"] == "method_not_allowed"
    assert "GET" in answer.headers["allow"]
    assert "`DELETE` is not for here: use GET" in error["message"]


def test_a_body_that_is_too_large_is_413(api: Api) -> None:
    error = the_error(api.owner.put("/workspace", content=b"#" * (600 * 1024)), 413)
    assert error["type"] == "body_too_large"
    assert f"{512 * 1024}" in error["message"]


def test_a_bug_is_answered_like_everything_else(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(api.server, "stores", None)
    with caplog.at_level(logging.ERROR, "assent.api"):
        assert the_error(api.owner.get("/workspace/versions"), 500)["type"] == "internal_error"
    assert "`GET /api/v1/workspace/versions` failed" in caplog.text


def test_a_store_that_cannot_be_read_is_503(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = api.server.stores.engine

    def read_nowhere() -> None:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1 FROM nowhere"))

    monkeypatch.setattr(api.server.stores.versions, "numbers", read_nowhere)
    with caplog.at_level(logging.ERROR, "assent.api"):
        assert the_error(api.owner.get("/workspace/versions"), 503)["type"] == "unavailable"
    assert "no such table" in caplog.text


EVENT = {
    "type": "track",
    "event": "Tested",
    "userId": "u-1",
    "messageId": "m-2",
    "context": {"consent": {"categoryPreferences": {"analytics": True, "advertising": False}}},
}


def test_an_event_is_decided_and_not_stored(api: Api) -> None:
    head = api.server.log.head
    answer = api.member.post("/decisions", json=EVENT)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert (data["messageId"], data["version"]) == ("m-2", 1)
    decisions = {one["destination"]: one for one in data["decisions"]}
    assert (decisions["warehouse"]["verdict"], decisions["warehouse"]["reason"]) == ("deliver", "consented")
    assert decisions["pixel"] == {
        "destination": "pixel",
        "name": "Pixel",
        "verdict": "withhold",
        "reason": "category_denied",
        "title": "Category denied",
        "whatHappened": "The person refused a category that this destination needs.",
        "remedy": "Nothing to mend: this is the person's choice.",
        "segmentCode": "FILTERED_BY_END_USER_CONSENT",
        "categories": ["advertising"],
        "rules": [],
    }
    assert api.server.log.head == head


def test_an_event_is_decided_under_the_version_asked_for(api: Api) -> None:
    before = api.data("/workspace")
    stricter = {**before["workspace"], "consent": {**before["workspace"]["consent"], "preset": "strict"}}
    number = api.put(stricter)
    event = {"type": "track", "event": "Tested", "userId": "u-1"}

    def verdicts(**query: int) -> set[str]:
        answer = api.member.post("/decisions", json=event, params=query).json()["data"]
        assert answer["version"] == query.get("version", number)
        assert answer["messageId"] is None
        return {one["verdict"] for one in answer["decisions"]}

    assert verdicts() == {"withhold"}
    assert verdicts(version=before["number"]) == {"deliver"}
    assert the_error(api.member.post("/decisions", json=event, params={"version": 99}), 404)["type"] == "not_found"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff", b"[" * 5_000, b'{"a":' * 5_000, b'{"a": NaN}']
)
def test_what_is_no_event_is_refused(api: Api, body: bytes) -> None:
    assert the_error(api.member.post("/decisions", content=body), 400)["type"] == "invalid_input"


def test_consent_is_read_to_the_letter(api: Api) -> None:
    twice = b'{"userId": "u", "context": {"consent": {"categoryPreferences": {"analytics": true, "analytics": false}}}}'
    halves = b'{"userId": "\\ud800", "context": {"consent": {"categoryPreferences": {"analytics": 1e999}}}}'
    for body, reason in ((twice, "category_denied"), (halves, "consent_unreadable")):
        decisions = api.member.post("/decisions", content=body).json()["data"]["decisions"]
        assert next(one["reason"] for one in decisions if one["destination"] == "warehouse") == reason
