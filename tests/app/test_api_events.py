"""Looking through events: filters, and paging that sees everything once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assent.app.services import event_search
from harness.api import Api, a_workspace, running_api


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("events"), a_workspace()) as api:
        for number in range(25):
            api.track(f"view-{number:02}", "Product Viewed", userId=f"u-{number % 5}")
        api.send("page", {"messageId": "page-1", "name": "Home", "anonymousId": "a-1", "event": 7})
        api.send("identify", {"messageId": "identify-1", "userId": "u-1", "name": "Home", "traits": {"a": 1}})
        api.send("track", {"messageId": "app-1", "event": "Product Viewed", "userId": "u-1"}, write_key="app-key")
        yield api


def ids(page: dict[str, Any]) -> list[str]:
    return [one["messageId"] for one in page["events"]]


def walk(api: Api, count: int, **filters: Any) -> list[str]:
    """The message ids of all pages, each of which has at most `count`."""
    found: list[str] = []
    cursor = None
    while True:
        query = {**filters, "pagination.count": count, **({"pagination.cursor": cursor} if cursor else {})}
        page = api.data("/events", query=query)
        assert len(page["events"]) <= count
        assert cursor in (None, page["pagination"]["current"])
        found += ids(page)
        cursor = page["pagination"]["next"]
        if cursor is None:
            return found


def test_an_event_is_shown_as_destinations_see_it(api: Api) -> None:
    event = api.data("/events", messageId="page-1")["events"][0]
    payload = event.pop("payload")
    received_at = event.pop("receivedAt")
    assert sum(event.pop("outcomes").values()) == 1
    assert event == {
        "messageId": "page-1",
        "type": "page",
        "event": "Home",
        "source": "website",
        "userId": None,
        "anonymousId": "a-1",
    }
    assert payload["type"] == "page"
    assert payload["receivedAt"] == received_at
    assert payload["event"] == 7
    assert datetime.now(UTC) - datetime.fromisoformat(received_at) < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"source": "app"}, ["app-1"]),
        ({"type": "identify"}, ["identify-1"]),
        ({"event": "Home"}, ["page-1"]),
        ({"anonymousId": "a-1"}, ["page-1"]),
        ({"userId": "u-1", "source": "website"}, ["identify-1", *(f"view-{one:02}" for one in (21, 16, 11, 6, 1))]),
        ({"messageId": "view-07"}, ["view-07"]),
        ({"messageId": "view-07", "source": "app"}, []),
        ({"event": "Product"}, []),
        ({"subject": "a-1"}, ["page-1"]),
        ({"subject": "u-1", "source": "app"}, ["app-1"]),
        ({"text": 'a": 1'}, ["identify-1"]),
        ({"text": "PRODUCT", "source": "app"}, ["app-1"]),
        ({"text": "page-1"}, ["page-1"]),
        ({"text": "nowhere"}, []),
        ({"userId": "null"}, []),
        ({"to": "2020-01-01"}, []),
        ({"to": "2020-01-01T00:00:00Z"}, []),
        ({"from": "2999-01-01T00:00:00Z"}, []),
        ({"from": "2020-01-01T00:00:00", "source": "app"}, ["app-1"]),
        ({"to": "2999-01-01T00:00:00+02:00", "source": "app"}, ["app-1"]),
    ],
)
def test_filters_leave_what_matches(api: Api, filters: dict[str, str], expected: list[str]) -> None:
    assert ids(api.data("/events", query=filters)) == expected


@pytest.mark.parametrize("count", [1, 3, 27, 28, 1000])
def test_pages_hold_everything_once_newest_first(api: Api, count: int) -> None:
    views = [f"view-{one:02}" for one in reversed(range(25))]
    assert walk(api, count) == ["app-1", "identify-1", "page-1", *views]
    assert walk(api, count, userId="u-2") == [f"view-{one:02}" for one in (22, 17, 12, 7, 2)]


def test_what_comes_in_meanwhile_is_on_no_later_page(api: Api) -> None:
    first = api.data("/events", query={"pagination.count": 2})
    api.track("latecomer")
    second = api.data("/events", query={"pagination.count": 2, "pagination.cursor": first["pagination"]["next"]})
    assert ids(second) == ["page-1", "view-24"]
    assert ids(api.data("/events", query={"pagination.count": 1})) == ["latecomer"]


def test_a_page_looks_at_so_many_events_only_and_says_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_search, "MOST_SCANNED", 1_500)
    with running_api(tmp_path, a_workspace()) as api:
        rare = {0, 1, 700, 1_499, 1_500, 3_999}
        for first in range(0, 4_000, 400):
            batch = [
                {"type": "track", "messageId": f"m-{one}", "userId": "rare" if one in rare else "usual", "event": "E"}
                for one in range(first, first + 400)
            ]
            api.send("batch", {"batch": batch})
        page = api.data("/events", userId="rare")
        assert ids(page) == ["m-3999"]
        assert page["pagination"]["next"] is not None
        assert walk(api, 100, userId="rare") == [f"m-{one}" for one in sorted(rare, reverse=True)]
        assert walk(api, 2, userId="rare") == [f"m-{one}" for one in sorted(rare, reverse=True)]
        assert len(walk(api, 1000)) == 4_000


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"pagination.count": 0}, "pagination.count"),
        ({"pagination.count": 1001}, "pagination.count"),
        ({"pagination.count": "many"}, "pagination.count"),
        ({"pagination.cursor": "gibberish"}, "pagination.cursor"),
        ({"pagination.cursor": "LTE="}, "pagination.cursor"),
        ({"pagination.cursor": "OTk5OTk5OTk5OTk5OTk5OTk5OTk5"}, "pagination.cursor"),
        ({"type": "click"}, "type"),
        ({"from": "yesterday"}, "from"),
        ({"from": "1700000000"}, "from"),
        ({"userid": "u-1"}, "userid"),
        ({"type": ["track", "page"]}, "type"),
        ({"type": "null"}, "type"),
    ],
)
def test_a_wrong_parameter_is_named(api: Api, query: dict[str, Any], field: str) -> None:
    answer = api.member.get("/events", params=query)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["type"], error["field"]) == ("invalid_input", field)
    assert f"`{field}`" in error["message"] or field == "pagination.cursor"
