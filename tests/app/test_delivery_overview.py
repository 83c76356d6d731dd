"""Delivery at a glance, through the API: what it counts is what happened."""

import csv
from collections.abc import Iterator
from typing import Any

import pytest

from assent.app.services import delivery_overview
from assent.app.services.delivery_overview import wanted
from assent.domain.decision import Reason
from assent.domain.outcome import State
from assent.store.accounts import Settlement
from assent.store.counting import Account
from harness import wait_until
from harness.api import GRANTED, NO_ADVERTISING, Api, a_workspace, receiving, running_api

FORMULA = "=HYPERLINK(1)"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Six events, two discards; `warehouse` takes everything, `pixel` needs advertising, `picky` refuses all."""
    with receiving() as receiver:
        workspace = a_workspace(warehouse="blackhole", pixel="blackhole", picky=f"{receiver.url}/refuse")
        with running_api(tmp_path_factory.mktemp("overview"), workspace) as api:
            for number in range(3):
                api.track(f"granted-{number}", preferences=GRANTED, userId=f"u-{number}")
            api.track("denied", preferences=NO_ADVERTISING, userId="u-3")
            api.track("formula", FORMULA, preferences=NO_ADVERTISING, userId="u-4")
            app = {"messageId": "app-1", "event": "Tested", "userId": "u-5", "integrations": {"All": False}}
            api.send("track", app, write_key="app-key")
            api.send("track", {"messageId": "nobody", "event": "Tested"})
            api.send("track", {"messageId": "nameless", "userId": "u-1"})
            wait_until(lambda: settled(api) == 18, lambda: f"all came to rest, not {settled(api)}")
            yield api


def settled(api: Api) -> int:
    return sum(one["events"] for one in api.data("/delivery", groupBy="")["settled"])


def steps(api: Api, **query: str) -> dict[str, int]:
    return {one["name"]: one["events"] for one in api.data("/delivery/overview", **query)["steps"]}


def test_the_steps_are_those_that_events_went_through(api: Api) -> None:
    assert steps(api) == {
        "received": 8,
        "failed_on_ingest": 2,
        "withheld_at_source": 3,
        "withheld_at_destination": 2,
        "failed": 5,
        "delivered": 8,
    }
    assert steps(api, window="10m") == steps(api, window="14d") == steps(api)
    of_pixel = steps(api, destination="pixel", source="website")
    assert (of_pixel["received"], of_pixel["delivered"], of_pixel["withheld_at_destination"]) == (7, 3, 2)


@pytest.mark.parametrize("window", ["10m", "1h", "6h", "24h", "7d", "14d"])
def test_the_time_series_adds_up_to_the_steps(api: Api, window: str) -> None:
    found = api.data("/delivery/overview", window=window)
    for state, events in {"delivered": 8, "withheld": 5, "failed": 5}.items():
        assert sum(one[state] for one in found["series"]) == events
    assert 10 <= len(found["series"]) <= 40


@pytest.mark.parametrize("by", ["reason", "destination", "source", "event"])
def test_every_breakdown_adds_up_to_the_steps(api: Api, by: str) -> None:
    rows = api.data("/delivery/overview", by=by)["rows"]
    for state, events in {"delivered": 8, "withheld": 5, "failed": 5}.items():
        assert sum(one[state] for one in rows) == events


def test_breakdowns_name_what_they_count(api: Api) -> None:
    def rows(by: str) -> dict[Any, Any]:
        found = api.data("/delivery/overview", by=by)["rows"]
        return {(one["key"], one["verdict"]): (one["title"], one["events"]) for one in found}

    assert rows("destination") == {
        ("warehouse", None): ("Warehouse", 6),
        ("pixel", None): ("Pixel", 6),
        ("picky", None): ("picky", 6),
    }
    assert rows("event") == {("Tested", None): ("Tested", 15), (FORMULA, None): (FORMULA, 3)}
    assert rows("reason") == {
        ("consented", "deliver"): ("Consented", 13),
        ("category_denied", "withhold"): ("Category denied", 2),
        ("integrations_object", "withhold"): ("Closed by the integrations object", 3),
    }
    discards = api.data("/delivery/overview")["discards"]
    assert [(one["code"], one["title"], one["events"]) for one in discards] == [
        ("event_not_defined", "No event name", 1),
        ("no_user_anon_id", "No subject", 1),
    ]


def test_the_period_before_is_compared_with(api: Api) -> None:
    minute = wanted("1h").since - 5
    delivered = Account("website", State.DELIVERED, Reason.CONSENTED, "Tested")
    api.server.stores.accounts.settle(Settlement("warehouse", minute, {delivered: 10}))
    by_name = {one["name"]: one for one in api.data("/delivery/overview", window="1h")["steps"]}
    assert (by_name["delivered"]["events"], by_name["delivered"]["before"]) == (8, 10)
    assert by_name["delivered"]["change"] == pytest.approx(-0.2)
    assert (by_name["failed"]["before"], by_name["failed"]["change"]) == (0, None)
    [warehouse] = [
        one
        for one in api.data("/delivery/overview", window="1h", by="destination")["rows"]
        if one["key"] == "warehouse"
    ]
    assert (warehouse["events"], warehouse["before"]) == (6, 10)
    # A longer window has both.
    assert steps(api, window="6h")["delivered"] == 18
    api.server.stores.accounts.settle(Settlement("warehouse", minute, {delivered: -10}))


def test_what_is_beyond_fifty_names_is_added_up(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_overview, "MOST_ROWS", 1)
    first, rest = api.data("/delivery/overview", by="destination")["rows"]
    assert (rest["key"], rest["title"], rest["events"]) == (None, "2 others", 12)
    assert first["events"] == 6


def test_the_breakdown_comes_as_csv_without_formulas(api: Api) -> None:
    answer = api.member.get("/delivery/breakdown.csv", params={"by": "event"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = {row["title"]: row for row in csv.DictReader(answer.text.splitlines())}
    assert rows.keys() == {"Tested", f"'{FORMULA}"}
    assert {name: rows["Tested"][name] for name in ("delivered", "withheld", "failed", "events", "before")} == {
        "delivered": "7",
        "withheld": "4",
        "failed": "4",
        "events": "15",
        "before": "0",
    }


def test_a_review_decides_the_days_events_anew_and_its_picture_says_the_same(api: Api) -> None:
    found = api.data("/review")
    assert found["version"] == api.server.in_force.number
    by_id = {one["id"]: one for one in found["destinations"]}
    assert by_id.keys() == {one.id for one in api.server.in_force.version.workspace.destinations}
    for id_, one in by_id.items():
        assert one["delivered"] + one["withheld"] == found["events"] > 0
        assert sum(reason["events"] for reason in one["reasons"]) == found["events"]
        arrived = [link["events"] for link in found["links"] if link["to"] == f"destination:{id_}"]
        assert sum(arrived) == found["events"]
    delivered = [link["events"] for link in found["links"] if link["to"] == "outcome:delivered"]
    assert sum(delivered) == sum(one["delivered"] for one in by_id.values())


def flows(api: Api, **query: str) -> dict[tuple[str, str, str], int]:
    found = api.data("/delivery/flow", **query)
    titles = {one["id"]: one["title"] for one in found["nodes"]}
    return {(titles[one["from"]], titles[one["to"]], one["outcome"]): one["events"] for one in found["links"]}


def test_the_flow_leads_from_sources_to_what_became_of_events(api: Api) -> None:
    found = flows(api)
    assert found["website", "advertising", "withheld"] == 2
    assert found["website", "advertising", "delivered"] == 3
    assert found["website", "Analytics", "delivered"] == 10
    assert found["app", "Closed by the integrations object", "withheld"] == 3
    assert found["Pixel", "Withheld", "withheld"] == 3
    assert found["picky", "Failed", "failed"] == 5
    assert ("picky", "Delivered", "delivered") not in found
    into = sum(events for (start, _, _), events in found.items() if start in ("website", "app"))
    out = sum(events for (_, end, _), events in found.items() if end in ("Delivered", "Withheld", "Failed"))
    assert into == out == 18
    of_pixel = flows(api, destination="pixel", source="website")
    assert {end for _, end, _ in of_pixel} == {"advertising", "Pixel", "Delivered", "Withheld"}


def samples(api: Api, **query: str) -> list[tuple[str, str]]:
    found = api.data("/delivery/samples", **query)["samples"]
    return [(one["event"]["messageId"], one["destination"]) for one in found]


def test_samples_are_events_that_ended_so(api: Api) -> None:
    assert samples(api, outcome="withheld", reason="category_denied") == [("formula", "pixel"), ("denied", "pixel")]
    assert samples(api, outcome="delivered", destination="pixel") == [
        ("granted-2", "pixel"),
        ("granted-1", "pixel"),
        ("granted-0", "pixel"),
    ]
    assert samples(api, outcome="withheld", source="app", destination="picky") == [("app-1", "picky")]
    # What the destination refused was not delivered, whatever was decided.
    assert samples(api, outcome="delivered", destination="picky") == []
    failed = api.data("/delivery/samples", outcome="failed", reason="consented")["samples"]
    assert [one["event"]["messageId"] for one in failed] == ["formula", "denied", "granted-2", "granted-1", "granted-0"]
    assert {(one["destination"], one["httpStatus"]) for one in failed} == {("picky", 422)}
    assert "no such field" in failed[0]["answer"]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/delivery/overview", {"window": "2h"}),
        ("/delivery/overview", {"by": "colour"}),
        ("/delivery/samples", {"outcome": "retrying"}),
        ("/delivery/samples", {"reason": "because"}),
    ],
)
def test_what_there_is_not_is_refused(api: Api, path: str, query: dict[str, str]) -> None:
    answer = api.member.get(path, params=query)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == next(iter(query))
