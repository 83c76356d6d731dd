"""The ledger over the management API: recording, looking up, exporting."""

import json
from collections.abc import Iterator

import pytest

from harness.api import Api, a_workspace, running_api
from harness.waiting import wait_until

CHOICE = {"userId": "ann", "preferences": {"advertising": "denied", "analytics": "granted"}}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("ledger"), a_workspace(warehouse="blackhole", pixel="blackhole")) as api:
        yield api


def test_a_choice_is_on_record_and_known(api: Api) -> None:
    answer = api.owner.post("/consent", json={**CHOICE, "notice": {"language": "de"}, "source": "crm"})
    assert answer.status_code == 200, answer.text
    [receipt] = answer.json()["data"]["receipts"]
    assert (receipt["method"], receipt["source"], receipt["notice"]["language"]) == ("api", "crm", "de")
    person = api.data("/profiles/ann/consent")
    assert person["preferences"] == CHOICE["preferences"]
    assert person["history"][0]["id"] == receipt["id"]
    assert {one["destination"]: one["verdict"] for one in person["destinations"]} == {
        "warehouse": "deliver",
        "pixel": "withhold",
    }
    assert api.data(f"/receipts/{receipt['id']}") == receipt


def test_the_same_request_with_the_same_key_is_written_once(api: Api) -> None:
    body, headers = {**CHOICE, "userId": "once"}, {"Idempotency-Key": "k1"}
    first = api.owner.post("/consent", json=body, headers=headers).json()
    assert api.owner.post("/consent", json=body, headers=headers).json() == first
    assert len(api.data("/profiles/once/consent")["history"]) == 1
    other = api.owner.post("/consent", json={**CHOICE, "userId": "twice"}, headers=headers)
    assert other.status_code == 400
    assert "idempotency key" in other.json()["errors"][0]["message"]


def test_a_batch_is_written_as_a_whole_or_not_at_all(api: Api) -> None:
    good, bad = {**CHOICE, "anonymousId": "b1"}, {"preferences": {"advertising": "granted"}}
    answer = api.owner.post("/consent/batch", json={"choices": [{**good, "userId": "batched"}, bad]})
    assert answer.status_code == 400
    assert api.owner.get("/profiles/batched/consent").status_code == 404
    answer = api.owner.post("/consent/batch", json={"choices": [{**good, "userId": "batched"}]})
    assert answer.status_code == 200, answer.text
    assert api.data("/profiles/b1/consent")["userIds"] == ["batched"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"preferences": {"ads": "granted"}}, "userId"),
        ({"userId": "ann"}, "preferences"),
        ({"userId": "ann", "preferences": {"ads": "conflict"}}, "preferences"),
        ({"userId": "ann", "withdrawn": True, "preferences": {"ads": "granted"}}, "withdrawn"),
        ({"userId": "a" * 1001, "preferences": {"ads": "granted"}}, "userId"),
    ],
)
def test_what_says_nothing_is_refused(api: Api, body: dict[str, object], field: str) -> None:
    answer = api.owner.post("/consent", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["field"] == field


def test_what_is_withdrawn_is_refused_as_a_whole(api: Api) -> None:
    api.owner.post("/consent", json={**CHOICE, "userId": "leaving"})
    api.owner.post("/consent", json={"userId": "leaving", "withdrawn": True})
    person = api.data("/profiles/leaving/consent")
    assert person["preferences"] == {"advertising": "denied", "analytics": "denied"}
    assert person["history"][0]["method"] == "withdrawn"


def test_what_events_say_is_found_by_any_id_and_exported(api: Api) -> None:
    consent = {"consent": {"categoryPreferences": {"advertising": True}}}
    api.track("said", userId="a/b?c", anonymousId="browser", context=consent)
    wait_until(lambda: api.owner.get("/profiles/browser/consent").status_code == 200, "the receipt")
    assert api.data("/profiles/a%2Fb%3Fc/consent")["preferences"] == {"advertising": "granted"}
    lines = api.owner.get("/receipts/export", params={"format": "jsonl", "id": "browser"}).text.splitlines()
    assert [json.loads(line)["evidence"]["messageId"] for line in lines] == ["said"]
    table = api.owner.get("/receipts/export", params={"id": "browser"}).text.splitlines()
    assert len(table) == 2
    [record] = api.owner.get("/receipts/export", params={"format": "iso-27560", "id": "browser"}).text.splitlines()
    assert json.loads(record)["pii_processing"]["purposes"][0]["event_state"] == "consent given"


def test_receipts_are_paged(api: Api) -> None:
    first = api.owner.get("/receipts", params={"pagination.count": 1}).json()["data"]
    following = {"pagination.count": 1, "pagination.cursor": first["pagination"]["next"]}
    second = api.owner.get("/receipts", params=following).json()["data"]
    assert first["receipts"][0]["number"] == second["receipts"][0]["number"] + 1
    assert first["receipts"][0]["previous"] == second["receipts"][0]["hash"]


def test_a_stamped_event_names_the_receipts_that_decided_on_it(api: Api) -> None:
    workspace = a_workspace(warehouse="blackhole", pixel="blackhole")
    api.put({**workspace, "consent": {**workspace["consent"], "rules": {"unstamped_events": "stamp"}}})
    try:
        answer = api.owner.post("/consent", json={**CHOICE, "userId": "silent"}).json()
        [receipt] = answer["data"]["receipts"]
        api.track("bare", userId="silent")
        api.track("spoken", userId="silent", preferences={"analytics": True})
        api.wait_for("bare", warehouse="delivered", pixel="withheld")
        # What is said afterwards changes nothing of why.
        api.owner.post("/consent", json={"userId": "silent", "preferences": {"advertising": "granted"}})
        assert api.data("/events/bare/decisions")["stamped"] == {
            "preferences": CHOICE["preferences"],
            "receipts": [receipt["id"]],
        }
        assert api.data("/events/spoken/decisions")["stamped"] is None
    finally:
        api.put(workspace)
