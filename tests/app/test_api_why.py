"""Why: what `GET /events/{messageId}/decisions` says of an event at every destination is what happened."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import wait_until
from harness.api import GRANTED, NO_ADVERTISING, Api, Receiver, a_workspace, receiving, running_api


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def simple(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """With one destination that takes everything."""
    with running_api(tmp_path_factory.mktemp("why"), a_workspace()) as api:
        yield api


@pytest.fixture
def api(tmp_path: Path, receiver: Receiver) -> Iterator[Api]:
    workspace = a_workspace(
        warehouse="blackhole",
        pixel="blackhole",
        picky=f"{receiver.url}/refuse",
        sick=f"{receiver.url}/down",
        slow=f"{receiver.url}/hang",
    )
    with running_api(tmp_path, workspace) as api:
        yield api
        receiver.release()


def test_every_state_is_told_with_its_reason(api: Api) -> None:
    api.track("m-1", preferences=NO_ADVERTISING)
    fates = api.wait_for("m-1", warehouse="delivered", pixel="withheld", picky="failed", sick="retrying", slow="unread")
    assert list(fates) == ["warehouse", "pixel", "picky", "sick", "slow"]
    assert {row["version"] for row in fates.values()} == {1}

    delivered = fates["warehouse"]
    assert delivered == {
        "destination": "warehouse",
        "name": "Warehouse",
        "state": "delivered",
        "verdict": "deliver",
        "reason": "consented",
        "title": "Consented",
        "whatHappened": "The person granted what this destination needs.",
        "remedy": "Nothing to do.",
        "segmentCode": None,
        "categories": ["analytics"],
        "rules": [],
        "version": 1,
        "heldBy": [],
        "attempts": None,
    }
    withheld = fates["pixel"]
    assert (withheld["verdict"], withheld["reason"]) == ("withhold", "category_denied")
    assert withheld["categories"] == ["advertising"]
    assert withheld["segmentCode"] == "FILTERED_BY_END_USER_CONSENT"

    unread = fates["slow"]
    assert (unread["verdict"], unread["reason"], unread["attempts"]) == ("deliver", "consented", None)


def test_attempts_say_what_the_destination_answered(api: Api) -> None:
    api.track("m-1", preferences=GRANTED)
    fates = api.wait_for("m-1", picky="failed", sick="retrying")

    failed = fates["picky"]["attempts"]
    assert failed["count"] == 1
    assert failed["httpStatus"] == 422
    assert "no such field" in failed["answer"]
    assert failed["nextAt"] is None
    assert failed["settledAt"] >= failed["firstAt"]
    assert fates["picky"]["verdict"] == "deliver"

    wait_until(lambda: api.fates("m-1")["sick"]["attempts"]["count"] >= 2, "it is tried again")
    retrying = api.fates("m-1")["sick"]["attempts"]
    assert retrying["httpStatus"] == 503
    assert "closed for repairs" in retrying["answer"]
    assert retrying["nextAt"] > retrying["firstAt"]
    assert retrying["settledAt"] is None


def found(api: Api, **filters: str) -> list[str]:
    """The message ids of the events that match these filters."""
    return [one["messageId"] for one in api.data("/events", **filters)["events"]]


def test_events_are_found_by_what_became_of_them(api: Api) -> None:
    api.track("m-1", preferences=GRANTED)
    api.track("m-2", preferences=NO_ADVERTISING)
    api.track("m-3", preferences={"analytics": False})
    api.wait_for("m-3", pixel="withheld", warehouse="withheld", picky="withheld", sick="withheld")
    api.wait_for("m-1", picky="failed", sick="retrying", slow="unread")

    assert found(api, reason="category_denied") == ["m-3", "m-2"]
    assert found(api, reason="category_denied", destination="pixel") == ["m-2"]
    assert found(api, reason="category_missing") == ["m-3"]
    assert found(api, state="withheld", destination="pixel") == ["m-3", "m-2"]
    assert found(api, verdict="deliver", destination="pixel") == ["m-1"]
    assert found(api, state="failed") == ["m-2", "m-1"]
    assert found(api, state="retrying") == ["m-2", "m-1"]
    assert found(api, state="unread", destination="slow") == ["m-3", "m-2", "m-1"]
    # All of it must hold at one destination: the one that withheld m-2 did not for consent.
    assert found(api, state="withheld", reason="consented") == []
    assert found(api, destination="nobody") == []

    workspace = api.data("/workspace")["workspace"]
    workspace["consent"]["rules"] = {"no_consent": "withhold"}
    api.put(workspace)
    api.track("m-4")
    api.wait_for("m-4", pixel="withheld")
    assert found(api, reason="consent_absent", verdict="withhold") == ["m-4"]
    outcomes = {one["messageId"]: one["outcomes"] for one in api.data("/events")["events"]}
    for message_id, counts in outcomes.items():
        states = [one["state"] for one in api.fates(message_id).values()]
        assert {name: count for name, count in counts.items() if count} == dict(Counter(states))


def test_the_rule_that_settled_it_is_told(api: Api) -> None:
    workspace = api.data("/workspace")["workspace"]
    workspace["consent"]["categories"][1]["destinations"] = ["pixel", "warehouse"]
    api.put(workspace)
    api.track("m-1", preferences=NO_ADVERTISING)
    fates = api.wait_for("m-1", warehouse="delivered", pixel="withheld")
    assert fates["pixel"]["rules"] == []
    [rule] = fates["warehouse"]["rules"]
    assert (rule["name"], rule["value"]) == ("several_categories", "any")
    assert "one that is granted is enough" in rule["meaning"]

    decided = api.owner.post("/decisions", json={"type": "track"}).json()["data"]["decisions"]
    assert [one["rules"][0]["name"] for one in decided] == ["no_consent"] * 5


def test_an_event_stays_explained_by_the_version_that_decided_it(api: Api) -> None:
    api.track("before", preferences=GRANTED)
    api.wait_for("before", pixel="delivered", warehouse="delivered")
    workspace = api.data("/workspace")["workspace"]
    workspace["consent"]["categories"][1] = {"id": "marketing", "destinations": ["pixel"]}
    assert api.put(workspace) == 2

    api.track("after", preferences=GRANTED)
    after = api.wait_for("after", pixel="withheld", warehouse="delivered")
    assert (after["pixel"]["reason"], after["pixel"]["version"]) == ("category_missing", 2)
    assert after["pixel"]["categories"] == ["marketing"]
    assert after["warehouse"]["version"] == 2

    before = api.fates("before")
    assert (before["pixel"]["state"], before["pixel"]["version"]) == ("delivered", 1)
    assert (before["pixel"]["reason"], before["pixel"]["categories"]) == ("consented", ["advertising"])
    assert before["warehouse"]["version"] == 1


def test_an_unread_event_has_the_decision_of_the_version_in_force(api: Api) -> None:
    api.track("m-1", preferences=GRANTED)
    workspace = api.data("/workspace")["workspace"]
    api.wait_for("m-1", slow="unread", warehouse="delivered")
    workspace["consent"]["categories"][0]["enabled"] = False
    assert api.put(workspace) == 2
    fate = api.fates("m-1")["slow"]
    assert (fate["state"], fate["verdict"], fate["reason"], fate["version"]) == (
        "unread",
        "withhold",
        "category_disabled",
        2,
    )


def test_a_destination_that_came_later_never_had_the_event(api: Api) -> None:
    api.track("m-1", preferences=GRANTED)
    api.wait_for("m-1", warehouse="delivered")
    workspace = api.data("/workspace")["workspace"]
    workspace["destinations"].append({"id": "newcomer", "connector": "blackhole"})
    api.put(workspace)
    newcomer = api.fates("m-1")["newcomer"]
    assert newcomer["state"] == "not_subscribed"
    assert newcomer["verdict"] is newcomer["reason"] is newcomer["version"] is newcomer["attempts"] is None
    assert "did not exist" in newcomer["whatHappened"]

    api.track("m-2", preferences=GRANTED)
    assert api.wait_for("m-2", newcomer="withheld")["newcomer"]["reason"] == "destination_unmapped"


def test_a_removed_destination_still_tells_of_what_it_had_to_read(api: Api) -> None:
    api.track("m-1", preferences=GRANTED)
    api.wait_for("m-1", sick="retrying", pixel="delivered")
    workspace = api.data("/workspace")["workspace"]
    workspace["destinations"] = [one for one in workspace["destinations"] if one["id"] not in ("sick", "pixel")]
    workspace["consent"]["categories"] = [
        {**one, "destinations": [name for name in one.get("destinations", []) if name not in ("sick", "pixel")]}
        for one in workspace["consent"]["categories"]
    ]
    api.put(workspace)
    fates = api.wait_for("m-1", sick="withheld", pixel="delivered")
    assert (fates["sick"]["reason"], fates["sick"]["version"]) == ("destination_disabled", 2)
    assert fates["sick"]["attempts"]["httpStatus"] == 503
    assert (fates["pixel"]["reason"], fates["pixel"]["version"]) == ("consented", 1)
    assert list(fates)[-2:] == ["pixel", "sick"]

    api.track("m-2", preferences=GRANTED)
    assert "pixel" not in api.wait_for("m-2", warehouse="delivered")


def test_the_same_message_id_from_two_sources_is_two_events(simple: Api) -> None:
    body = {"messageId": "m-1", "event": "Tested", "userId": "u-1"}
    simple.send("track", body)
    simple.send("track", body, write_key="app-key")
    newest = simple.data("/events/m-1/decisions")
    assert newest["event"]["source"] == "app"
    assert [one["source"] for one in newest["others"]] == ["website"]
    other = simple.data("/events/m-1/decisions", **newest["others"][0])
    assert other["event"]["source"] == "website"
    assert [one["source"] for one in other["others"]] == ["app"]


@pytest.mark.parametrize("message_id", ["a/b//c", "100% sure?", "späti #1", "%2F", "a+b=", " blank "])
def test_a_message_id_may_hold_any_character(simple: Api, message_id: str) -> None:
    simple.track(message_id)
    path = "/events/" + "".join(f"%{one:02X}" for one in message_id.encode()) + "/decisions"
    assert simple.data(path)["event"]["messageId"] == message_id


def test_an_unknown_event_is_not_found(simple: Api) -> None:
    answer = simple.member.get("/events/nobody-sent-this/decisions")
    assert answer.status_code == 404
    assert answer.json() == {
        "errors": [
            {
                "type": "not_found",
                "message": "there is no event `nobody-sent-this` in the log: it never came in, or is too old",
                "field": None,
            }
        ]
    }
