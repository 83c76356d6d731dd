"""Delivery in numbers, discards, how destinations are doing, and the table of reasons."""

from collections.abc import Iterator
from typing import Any

import pytest

from assent.app.api import delivery
from assent.domain.decision import REASONS
from harness import wait_until
from harness.api import GRANTED, NO_ADVERTISING, Api, a_workspace, receiving, running_api


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with receiving() as receiver:
        workspace = a_workspace(
            warehouse="blackhole",
            pixel="blackhole",
            picky=f"{receiver.url}/refuse",
            sick=f"{receiver.url}/down",
            off={"connector": "blackhole", "enabled": False},
        )
        with running_api(tmp_path_factory.mktemp("delivery"), workspace) as api:
            for number in range(3):
                api.track(f"granted-{number}", preferences=GRANTED, userId=f"u-{number}")
            api.track("denied", preferences=NO_ADVERTISING, userId="u-3")
            api.send("track", {"messageId": "app-1", "event": "Tested", "userId": "u-4"}, write_key="app-key")
            api.send("track", {"messageId": "app-1", "event": "Tested", "userId": "u-4"}, write_key="app-key")
            api.send("track", {"messageId": "nobody", "event": "Tested"})
            api.send("track", {"messageId": "nameless", "userId": "u-1"})
            for one in ("warehouse", "pixel", "picky", "off"):
                wait_until(lambda one=one: settled(api, one) == 5, f"all 5 events came to rest at {one}")  # type: ignore[misc]
            yield api


def settled(api: Api, destination: str) -> int:
    counts = api.data("/delivery", groupBy="destination")["settled"]
    return sum(one["events"] for one in counts if one["destination"] == destination)


def rows(counts: list[dict[str, Any]], *names: str) -> dict[tuple[Any, ...], int]:
    """The counts by the values of these keys, which must be all the keys there are."""
    for one in counts:
        assert set(one) == {*names, "events"}
    return {tuple(one[name] for name in names): one["events"] for one in counts}


def test_deliveries_are_counted_by_destination_state_and_reason(api: Api) -> None:
    assert rows(api.data("/delivery")["settled"], "destination", "state", "reason") == {
        ("off", "withheld", "destination_disabled"): 5,
        ("picky", "failed", "consent_absent"): 1,
        ("picky", "failed", "consented"): 4,
        ("pixel", "delivered", "consent_absent"): 1,
        ("pixel", "delivered", "consented"): 3,
        ("pixel", "withheld", "category_denied"): 1,
        ("warehouse", "delivered", "consent_absent"): 1,
        ("warehouse", "delivered", "consented"): 4,
    }


def test_received_is_what_was_accepted_and_what_was_discarded(api: Api) -> None:
    assert rows(api.data("/delivery")["received"], "code") == {
        ("accepted",): 5,
        ("duplicate",): 1,
        ("event_not_defined",): 1,
        ("no_user_anon_id",): 1,
    }
    assert rows(api.data("/delivery", groupBy="source")["received"], "source", "code") == {
        ("app", "accepted"): 1,
        ("app", "duplicate"): 1,
        ("website", "accepted"): 4,
        ("website", "event_not_defined"): 1,
        ("website", "no_user_anon_id"): 1,
    }


def test_deliveries_are_counted_by_the_name_of_the_event(api: Api) -> None:
    counts = api.data("/delivery", groupBy="event,destination,hour")["settled"]
    assert {one["event"] for one in counts} == {"Tested"}
    assert all(one["at"].endswith(":00:00.000Z") for one in counts)
    assert sum(one["events"] for one in counts) == 20
    refused = api.member.get("/delivery", params={"groupBy": "event,minute"})
    assert refused.json()["errors"][0]["message"] == (
        "events are counted by name per hour: group by `hour`, not `minute`"
    )


@pytest.mark.parametrize("group_by", ["source,day", ["source", "day"]], ids=["commas", "repeated"])
def test_counts_are_grouped_as_asked(api: Api, group_by: Any) -> None:
    counts = api.data("/delivery", groupBy=group_by)
    assert counts["groupBy"] == ["source", "day"]
    by_source = [(one["source"], one["events"]) for one in counts["settled"]]
    assert sum(events for source, events in by_source if source == "website") == 16
    assert all(one["at"].endswith("T00:00:00.000Z") for one in [*counts["settled"], *counts["received"]])
    assert rows(api.data("/delivery", groupBy="")["settled"]) == {(): 20}


def test_counts_keep_to_the_time_asked_for(api: Api) -> None:
    counts = api.data("/delivery", query={"from": "2024-02-28T23:59:30Z", "to": "2024-02-29T00:00:01Z"})
    assert (counts["from"], counts["to"]) == ("2024-02-28T23:59:00.000Z", "2024-02-29T00:01:00.000Z")
    assert counts["settled"] == counts["received"] == []
    minutes = api.data("/delivery", groupBy="minute")["received"]
    first = min(one["at"] for one in minutes)
    upto = api.data("/delivery", query={"to": first})
    assert upto["received"] == []
    assert api.data("/delivery", query={"from": first})["received"] != []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"groupBy": "colour"}, "groupBy"),
        ({"groupBy": "minute,hour"}, "groupBy"),
        ({"from": "2024-01-02T00:00:00Z", "to": "2024-01-02T00:00:00Z"}, "from"),
        ({"from": "2024-01-01T00:00:00Z", "to": "2024-03-01T00:00:00Z"}, "from"),
        ({"from": "soon"}, "from"),
    ],
)
def test_counts_that_cannot_be_are_refused(api: Api, query: dict[str, str], field: str) -> None:
    answer = api.member.get("/delivery", params=query)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


def test_too_many_groups_are_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "_MOST_GROUPS", 7)
    answer = api.member.get("/delivery")
    assert answer.status_code == 400
    assert "over 7 groups" in answer.json()["errors"][0]["message"]
    assert len(api.data("/delivery", groupBy="destination")["settled"]) == 4


def test_times_at_the_ends_of_the_calendar_are_times(api: Api) -> None:
    for query in ({"to": "0001-01-01T00:00:00+14:00"}, {"from": "9999-12-31T23:59:59-14:00"}):
        assert api.member.get("/delivery", params=query).status_code == 400
        assert api.data("/events", query=query)["events"] == []


def test_discards_are_shown_newest_first_and_paged(api: Api) -> None:
    first = api.data("/discards", query={"pagination.count": 2})
    assert [one["code"] for one in first["discards"]] == ["event_not_defined", "no_user_anon_id"]
    assert first["discards"][1]["source"] == "website"
    assert '"nobody"' in first["discards"][1]["sample"]
    query = {"pagination.count": 2, "pagination.cursor": first["pagination"]["next"]}
    second = api.data("/discards", query=query)
    assert [one["code"] for one in second["discards"]] == ["duplicate"]
    assert second["discards"][0]["sample"] == "app-1"
    assert second["pagination"]["next"] is None
    again = api.data("/discards", query={"pagination.cursor": first["pagination"]["current"]})
    assert len(again["discards"]) == 3


def test_destinations_say_how_they_are_doing(api: Api) -> None:
    def found() -> dict[str, dict[str, Any]]:
        return {one["id"]: one for one in api.data("/destinations")["destinations"]}

    wait_until(lambda: found()["sick"]["condition"] == "left_alone", "the breaker of `sick` opens")
    destinations = found()
    assert list(destinations) == ["warehouse", "pixel", "picky", "sick", "off"]
    assert destinations["warehouse"] == {
        "id": "warehouse",
        "name": "Warehouse",
        "connector": "blackhole",
        "integration": "Blackhole",
        "enabled": True,
        "condition": "well",
        "position": 5,
        "unread": 0,
        "retrying": 0,
        "lastError": None,
    }
    assert destinations["off"]["condition"] == "disabled"
    sick = destinations["sick"]
    assert sick["retrying"] + sick["unread"] == 5
    assert (sick["lastError"]["httpStatus"], sick["lastError"]["isRetrying"]) == (503, True)
    picky = destinations["picky"]["lastError"]
    assert (picky["messageId"], picky["httpStatus"], picky["isRetrying"]) == ("app-1", 422, False)
    assert "no such field" in picky["answer"]


def test_the_reasons_are_those_of_the_table(api: Api) -> None:
    reasons = api.data("/reasons")["reasons"]
    assert [(one["verdict"], one["reason"]) for one in reasons] == [(one.verdict, one.reason) for one in REASONS]
    assert all(one["title"] and one["whatHappened"] and one["remedy"] for one in reasons)
