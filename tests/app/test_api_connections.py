"""Sources, destinations and the catalogue through the API: adding, changing, holding, testing, removing."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from harness import wait_until
from harness.api import GRANTED, NO_ADVERTISING, Api, Receiver, a_workspace, receiving, running_api

SECRET: Final = "a secret of thirty letters or so"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with running_api(tmp_path, a_workspace(warehouse="blackhole", pixel="blackhole")) as api:
        yield api


def sent(answer: Any, status: int = 200) -> Any:
    """The `data` of an answer, or its one error."""
    assert answer.status_code == status, answer.text
    return answer.json()["data"] if status == 200 else answer.json()["errors"][0]


def test_a_source_is_added_changed_rotated_and_removed(api: Api) -> None:
    added = sent(api.owner.post("/sources", json={"name": "Web shop"}))
    assert (added["id"], added["enabled"], len(added["writeKey"])) == ("web-shop", True, 32)
    assert sent(api.owner.post("/sources", json={"name": "Web shop"}))["id"] == "web-shop-2"
    api.send("track", {"event": "Tested", "userId": "u-1"}, write_key=added["writeKey"])
    assert api.data("/sources/web-shop")["accepted"] == 1

    assert not sent(api.owner.patch("/sources/web-shop", json={"enabled": False}))["enabled"]
    api.send("track", {"event": "Tested", "userId": "u-1"}, write_key=added["writeKey"])
    found = api.data("/sources/web-shop")
    assert (found["name"], found["accepted"], found["discarded"]) == ("Web shop", 1, 1)

    assert sent(api.owner.patch("/sources/web-shop", json={"consentFrom": ["tcf", "gpc"]}))["consentFrom"] == [
        "tcf",
        "gpc",
    ]
    wrong = sent(api.owner.patch("/sources/web-shop", json={"consentFrom": ["tea leaves"]}), 400)
    assert "consentFrom" in wrong["field"]
    twice = sent(api.owner.patch("/sources/web-shop", json={"consentFrom": ["tcf", "tcf"]}), 400)
    assert "already in this source" in twice["message"]

    rotated = sent(api.owner.post("/sources/web-shop/rotate"))["writeKey"]
    assert rotated != added["writeKey"]
    body = {"event": "Tested", "userId": "u-1"}
    old = api.nobody.post(f"{api.url}/v1/track", json=body, auth=(added["writeKey"], ""))
    assert old.status_code == 401

    assert sent(api.owner.delete("/sources/web-shop"))["id"] == "web-shop"
    assert "web-shop" not in [one["id"] for one in api.data("/sources")["sources"]]
    assert sent(api.owner.get("/sources/web-shop"), 404)["type"] == "not_found"


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({"id": "no id"}, "id", "is no id"),
        ({"name": "a" * 65}, "name", "has 65 characters"),
        ({"write_key": "x"}, None, "write_key"),
        ({"writeKey": "ü"}, "write_key", "is no write key"),
        ({"writeKey": "website-key"}, "write_key", "already used"),
    ],
)
def test_what_is_wrong_with_a_source_is_said_of_it_alone(api: Api, body: Any, field: str | None, said: str) -> None:
    error = sent(api.owner.post("/sources", json=body), 400)
    assert said in error["message"]
    if field is not None:
        assert error["field"] == field


def test_an_id_that_is_taken_is_a_conflict(api: Api) -> None:
    assert sent(api.owner.post("/sources", json={"id": "website"}), 409)["field"] == "id"
    assert sent(api.owner.post("/destinations", json={"id": "pixel", "connector": "blackhole"}), 409)["field"] == "id"


def test_a_change_made_for_an_older_version_changes_nothing(api: Api) -> None:
    assert sent(api.owner.patch("/sources/app", json={"name": "App"}, headers={"If-Match": '"1"'}))["name"] == "App"
    error = sent(api.owner.patch("/sources/app", json={"name": "Other"}, headers={"If-Match": '"1"'}), 409)
    assert error["type"] == "conflict"
    assert api.data("/sources/app")["name"] == "App"


def test_a_destination_is_added_changed_and_removed(api: Api, receiver: Receiver) -> None:
    settings = {"url": f"{receiver.url}/take", "secret": SECRET}
    body = {"connector": "webhook", "name": "Hook", "settings": settings, "categories": ["advertising"]}
    added = sent(api.owner.post("/destinations", json=body))
    assert (added["id"], added["integration"], added["categories"]) == ("hook", "Webhook", ["advertising"])
    assert added["settings"]["secret"].startswith("$stored:")
    api.track("m-1", preferences=GRANTED)
    api.track("m-2", preferences=NO_ADVERTISING)
    api.wait_for("m-1", hook="delivered")
    api.wait_for("m-2", hook="withheld")

    # What was answered may be sent back: the secret is kept.
    kept = {**added["settings"], "timeout": 3}
    changed = sent(api.owner.patch("/destinations/hook", json={"settings": kept, "categories": []}))
    assert (changed["settings"], changed["categories"], changed["name"]) == (kept, [], "Hook")
    api.track("m-3")
    api.wait_for("m-3", hook="delivered")
    assert "webhook-signature" in receiver.requests[-1][0]

    sent(api.owner.delete("/destinations/hook"))
    assert sent(api.owner.get("/destinations/hook"), 404)["type"] == "not_found"
    assert SECRET not in json.dumps(api.data("/workspace"))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"connector": "webhook"}, "settings.url"),
        ({"connector": "webhook", "settings": {"url": "ftp://x"}}, "settings.url"),
        ({"connector": "webhook", "settings": {"url": "http://x", "headers": {"a b": "c"}}}, "settings.headers"),
        ({"connector": "webhook", "settings": {"url": "$NOT_THERE"}}, "settings.url"),
        ({"connector": "webhook", "settings": {"url": "http://x", "secret": "$stored:nothing"}}, "settings"),
        ({"connector": "pigeon"}, "connector"),
        ({"connector": "blackhole", "id": "a b"}, "id"),
    ],
)
def test_what_is_wrong_with_a_destination_is_said_of_it_alone(api: Api, body: Any, field: str) -> None:
    error = sent(api.owner.post("/destinations", json=body), 400)
    assert error["field"] == field
    assert "destinations[" not in error["message"]


def test_a_category_that_is_not_there_is_not_found(api: Api) -> None:
    error = sent(api.owner.patch("/destinations/pixel", json={"categories": ["nothing"]}), 404)
    assert error["message"] == "there is no category `nothing`"


def test_held_events_wait_and_go_in_order_when_released(api: Api, receiver: Receiver) -> None:
    settings = {"url": f"{receiver.url}/take"}
    sent(api.owner.post("/destinations", json={"connector": "webhook", "id": "hook", "settings": settings}))
    sent(api.owner.post("/workspace/hold", json={"kind": "destination", "id": "hook"}))
    held = api.data("/destinations/hook")
    assert (held["held"], held["status"]["condition"], held["waiting"]) == (True, "held", None)
    before = len(receiver.requests)
    for number in range(5):
        api.track(f"h-{number}")
    api.wait_for("h-4", warehouse="delivered", hook="unread")
    found = api.data("/destinations/hook")
    assert found["waiting"]["events"] == found["status"]["unread"] == 5
    assert found["waiting"]["oldestReceivedAt"] < found["waiting"]["forgottenAt"]
    assert 'assent_destination_held{destination="hook"} 1.0' in api.nobody.get(f"{api.url}/metrics").text
    assert len(receiver.requests) == before

    sent(api.owner.post("/workspace/release", json={"kind": "destination", "id": "hook"}))
    assert not api.data("/destinations/hook")["held"]
    api.wait_for("h-4", hook="delivered")
    ids = [json.loads(body)["messageId"] for _, body in receiver.requests[before:]]
    assert ids == [f"h-{number}" for number in range(5)]
    assert 'assent_destination_held{destination="hook"} 0.0' in api.nobody.get(f"{api.url}/metrics").text


def test_a_test_event_goes_past_log_and_accounts(api: Api, receiver: Receiver) -> None:
    settings = {"url": f"{receiver.url}/take", "secret": SECRET}
    body = {"connector": "webhook", "id": "hook", "settings": settings, "enabled": False, "held": True}
    sent(api.owner.post("/destinations", json=body))
    answer = sent(api.owner.post("/destinations/hook/test"))
    assert (answer["outcome"], answer["httpStatus"]) == ("delivered", None)
    headers, event = receiver.requests[-1][0], json.loads(receiver.requests[-1][1])
    assert "webhook-signature" in headers
    assert (event["event"], event["anonymousId"]) == ("Assent Test Event", "assent-test")
    assert event["messageId"] == answer["messageId"]
    assert api.server.log.head == 0
    assert api.data("/delivery")["settled"] == []
    [entry] = api.server.stores.trail.entries(1)
    assert (entry.happening.action, entry.author) == ("Destination Tested", "olivia")


@pytest.mark.parametrize(("path", "outcome", "status"), [("/refuse", "rejected", 422), ("/down", "unavailable", 503)])
def test_what_a_destination_says_of_a_test_event_is_shown(
    api: Api, receiver: Receiver, path: str, outcome: str, status: int
) -> None:
    settings = {"url": f"{receiver.url}{path}"}
    sent(api.owner.post("/destinations", json={"connector": "webhook", "id": "hook", "settings": settings}))
    answer = sent(api.owner.post("/destinations/hook/test"))
    assert (answer["outcome"], answer["httpStatus"]) == (outcome, status)
    assert str(status) in answer["answer"]


def test_one_test_event_at_a_time(api: Api) -> None:
    with receiving() as slow:
        settings = {"url": f"{slow.url}/hang"}
        sent(api.owner.post("/destinations", json={"connector": "webhook", "id": "hook", "settings": settings}))
        answers: list[Any] = []
        first = threading.Thread(target=lambda: answers.append(api.owner.post("/destinations/hook/test")))
        first.start()
        wait_until(lambda: len(slow.requests) == 1, "the first is on its way")
        second = api.member.post("/destinations/hook/test")
        assert second.status_code == 403
        assert sent(api.owner.post("/destinations/hook/test"), 409)["type"] == "conflict"
        slow.release()
        first.join()
    assert sent(answers[0])["outcome"] == "delivered"


def test_a_test_event_reaches_a_file_that_its_worker_has_open(api: Api, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    body = {"connector": "file", "id": "lake", "settings": {"path": str(path)}}
    sent(api.owner.post("/destinations", json=body))
    api.track("f-1")
    api.wait_for("f-1", lake="delivered")
    assert sent(api.owner.post("/destinations/lake/test"))["outcome"] == "delivered"
    assert [json.loads(one)["event"] for one in path.read_text().splitlines()] == ["Tested", "Assent Test Event"]


def test_the_catalogue_has_every_connector_and_marks_its_secrets(api: Api) -> None:
    connectors = {one["name"]: one for one in api.data("/connectors")["connectors"]}
    assert {"webhook", "segment", "file", "blackhole"} <= connectors.keys()
    settings = connectors["webhook"]["settings"]
    assert settings["required"] == ["url"]
    assert settings["properties"]["secret"]["anyOf"][0]["writeOnly"] is True
    assert settings["properties"]["headers"]["additionalProperties"]["writeOnly"] is True
    assert connectors["segment"]["settings"]["properties"]["write_key"]["writeOnly"] is True
