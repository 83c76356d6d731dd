"""Webhooks of consent: only what is signed, lately, and once; of OneTrust also what comes with its token."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from assent.app.hooks import SIGNATURE, sign
from harness.api import Api, a_workspace, running_api

SECRET = "a secret that both know"
TOKEN = "a token of OneTrust"
CHOICE = {"userId": "ann", "preferences": {"analytics": "denied"}, "source": "cmp"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("hooks"), a_workspace(warehouse="blackhole", pixel="blackhole")) as api:
        api.server.config = msgspec.structs.replace(api.server.config, hook_secret=SECRET, onetrust_token=TOKEN)
        yield api


def send(
    api: Api,
    body: Any,
    *,
    at: int | None = None,
    secret: str = SECRET,
    signed: bytes | None = None,
    path: str = "/hooks/consent",
) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    at = int(time.time()) if at is None else at
    header = f"t={at},v1={sign(secret, at, signed if signed is not None else content)}"
    return api.nobody.post(f"{api.url}{path}", content=content, headers={SIGNATURE: header})


def send_as_onetrust(api: Api, body: Any, authorization: str = f"Bearer {TOKEN}") -> httpx.Response:
    return api.nobody.post(f"{api.url}/hooks/consent/onetrust", json=body, headers={"Authorization": authorization})


def onetrust_event(person: str, status: str, id_: str) -> dict[str, Any]:
    profile = {"purposeId": "analytics", "profileFields": {"TransactionStatus": status}}
    return {"eventId": id_, "payload": {"dataSubjectEmail": person, "profiles": [profile]}}


def test_what_is_signed_goes_on_record_once(api: Api) -> None:
    at = int(time.time())
    first = send(api, CHOICE, at=at)
    assert first.status_code == 200, first.text
    assert send(api, CHOICE, at=at).json() == first.json()
    person = api.data("/profiles/ann/consent")
    assert person["preferences"] == {"analytics": "denied"}
    assert [one["id"] for one in person["history"]] == first.json()["receipts"]
    many = send(api, {"choices": [{**CHOICE, "userId": one} for one in ("ben", "cleo")]})
    assert len(many.json()["receipts"]) == 2


def test_what_is_not_signed_right_is_refused(api: Api) -> None:
    before = api.server.stores.ledger.state().number
    assert api.nobody.post(f"{api.url}/hooks/consent", json=CHOICE).status_code == 401
    assert send(api, CHOICE, secret="another").status_code == 401
    assert send(api, CHOICE, signed=b"another body").status_code == 401
    for wrong in (-301, 301):
        answer = send(api, CHOICE, at=int(time.time()) + wrong + (5 if wrong > 0 else -5))
        assert (answer.status_code, "five minutes" in answer.text) == (401, True)
    assert api.server.stores.ledger.state().number == before


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", {"userId": "ann", "unknown": 1}, {"choices": []}, {"userId": "ann"}]
)
def test_what_says_nothing_is_refused_with_a_reason(api: Api, body: Any) -> None:
    answer = send(api, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


def test_without_a_secret_nobody_is_let_in(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.server, "config", msgspec.structs.replace(api.server.config, hook_secret=None))
    answer = send(api, CHOICE)
    assert (answer.status_code, "ASSENT_HOOK_SECRET" in answer.text) == (401, True)


def test_onetrust_is_let_in_by_its_token_or_a_signature(api: Api) -> None:
    first = send_as_onetrust(api, onetrust_event("dora", "ACTIVE", "e-1"))
    assert first.status_code == 200, first.text
    assert api.data("/profiles/dora/consent")["preferences"] == {"analytics": "granted"}
    assert send_as_onetrust(api, onetrust_event("dora", "WITHDRAWN", "e-2")).status_code == 200
    again = send_as_onetrust(api, onetrust_event("dora", "ACTIVE", "e-1"))
    assert again.json() == first.json()
    person = api.data("/profiles/dora/consent")
    assert person["preferences"] == {"analytics": "denied"}
    assert [(one["method"], one["source"]) for one in person["history"]] == [("api", "onetrust")] * 2

    receipt = {"identifier": "emil", "purposes": [{"Id": "analytics", "TransactionType": "NOTGIVEN"}]}
    signed = send(api, receipt, path="/hooks/consent/onetrust")
    assert len(signed.json()["receipts"]) == 1, signed.text
    assert send_as_onetrust(api, {**receipt, "test": True}).json() == {"receipts": []}


@pytest.mark.parametrize("authorization", ["Bearer another", TOKEN, f"Basic {TOKEN}", "Bearer", f"Bearer {SECRET}"])
def test_another_token_is_refused(api: Api, authorization: str) -> None:
    before = api.server.stores.ledger.state().number
    body = onetrust_event("fritz", "ACTIVE", "e-3")
    assert send_as_onetrust(api, body, authorization).status_code == 401
    assert api.nobody.post(f"{api.url}/hooks/consent/onetrust", json=body).status_code == 401
    assert api.server.stores.ledger.state().number == before


def test_the_token_of_onetrust_opens_nothing_else(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert api.nobody.post(f"{api.url}/hooks/consent", json=CHOICE, headers=headers).status_code == 401
    monkeypatch.setattr(api.server, "config", msgspec.structs.replace(api.server.config, onetrust_token=None))
    answer = send_as_onetrust(api, onetrust_event("fritz", "ACTIVE", "e-3"))
    assert (answer.status_code, "ASSENT_ONETRUST_TOKEN" in answer.text) == (401, True)


def test_what_onetrust_does_not_send_is_refused_with_a_reason(api: Api) -> None:
    answer = send_as_onetrust(api, CHOICE)
    assert (answer.status_code, "nothing that OneTrust sends" in answer.text) == (400, True)
