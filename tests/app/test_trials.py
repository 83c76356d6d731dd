"""Trials, through API and command line: the figures of a trial are those of what then happens."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_cli_workspace import quickly

from harness import wait_until
from harness.api import GRANTED, NO_ADVERTISING, Api, a_workspace, running_api

EVENTS: dict[str, Any] = {
    "a": GRANTED,
    "b": GRANTED,
    "c": NO_ADVERTISING,
    "d": None,
}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with running_api(tmp_path, a_workspace(warehouse="blackhole", pixel="blackhole")) as api:
        for name, preferences in EVENTS.items():
            api.track(f"before-{name}", preferences=preferences)
        api.wait_for("before-d", pixel="delivered", warehouse="delivered")
        yield api


def changed(api: Api) -> dict[str, Any]:
    """Stricter, `pixel` in both categories, `warehouse` held by its category, and one destination more."""
    workspace: dict[str, Any] = api.data("/workspace")["workspace"]
    workspace["consent"]["rules"] = {"no_consent": "withhold", "several_categories": "all"}
    analytics, advertising = workspace["consent"]["categories"]
    advertising["destinations"] = ["pixel", "newcomer"]
    analytics["destinations"] = ["warehouse"]
    analytics["held"] = True
    workspace["destinations"].append({"id": "newcomer", "connector": "blackhole"})
    return workspace


def tried(api: Api, workspace: dict[str, Any], **query: Any) -> dict[str, Any]:
    answer = api.member.post("/trials", json=workspace, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


def test_a_trial_says_what_then_happens(api: Api) -> None:
    workspace = changed(api)
    found = tried(api, workspace)
    assert (found["version"], found["events"], found["lookedThrough"]) == (1, 4, 4)
    before = {name: api.fates(f"before-{name}") for name in EVENTS}
    api.put(workspace)
    for name, preferences in EVENTS.items():
        api.track(f"after-{name}", preferences=preferences)
    after = {}
    for name in EVENTS:
        wait_until(lambda name=name: _is_read(api, f"after-{name}"), "it is read")  # type: ignore[misc]
        after[name] = api.fates(f"after-{name}")
    for destination in ("warehouse", "pixel", "newcomer"):
        newly: Counter[str] = Counter()
        for name in EVENTS:
            was = before[name].get(destination, {"state": "withheld"})["state"]
            is_ = after[name][destination]["state"]
            if was != is_:
                newly[is_] += 1
        [said] = [one for one in found["destinations"] if one["destination"] == destination]
        assert (said["newlyDelivered"], said["newlyWithheld"], said["newlyHeld"]) == (
            newly["delivered"],
            newly["withheld"],
            newly["held"],
        ), destination


def _is_read(api: Api, message_id: str) -> bool:
    return all(one["state"] != "unread" for one in api.fates(message_id).values())


def test_a_trial_gives_reasons_and_examples(api: Api) -> None:
    found = tried(api, changed(api))
    of = {one["destination"]: one for one in found["destinations"]}
    assert of["pixel"]["shifts"] == [
        {
            "before": {"state": "delivered", "reason": "consent_absent", "categories": []},
            "after": {"state": "withheld", "reason": "consent_absent", "categories": []},
            "events": 1,
        }
    ]
    assert of["pixel"]["examples"] == {"delivered": [], "withheld": ["before-d"], "held": []}
    assert of["warehouse"]["examples"]["held"] == ["before-c", "before-b", "before-a"]
    assert of["newcomer"]["shifts"][0]["before"] is None
    assert "The rule no consent is withhold instead of deliver" in found["inWords"]


def test_a_trial_says_that_it_does_not_ask_the_ledger(api: Api) -> None:
    asking = {**a_workspace(warehouse="blackhole"), "consent": {"rules": {"revoked_since": "newest"}}}
    for document, says in ((asking, True), (a_workspace(warehouse="blackhole"), False)):
        words = api.owner.post("/trials", json=document).json()["data"]["inWords"]
        assert any("do not ask the consent ledger" in one for one in words) is says


def test_a_trial_keeps_to_its_hours_and_changes_nothing(api: Api) -> None:
    assert tried(api, changed(api), hours=1)["hours"] == 1
    assert api.member.post("/trials", json=changed(api), params={"hours": 0}).status_code == 400
    assert api.member.post("/trials", json=changed(api), params={"hours": 10_000}).status_code == 400
    assert api.data("/workspace")["number"] == 1
    assert tried(api, api.data("/workspace")["workspace"])["destinations"] == []


@pytest.mark.parametrize("remote", [False, True])
def test_the_command_tries_a_file(api: Api, tmp_path: Path, remote: bool) -> None:
    file = tmp_path / "workspace.yaml"
    file.write_text(json.dumps(changed(api)))
    data = api.server.config.data
    where = ["--url", api.url, "--token", api.member_token] if remote else ["--data", str(data)]
    shown = quickly("plan", file, *where).stdout
    assert "Of the 4 events of the last 24 hours, these would have gone another way:" in shown
    assert ["pixel", "0", "1", "0"] in [line.split() for line in shown.splitlines()]
    assert "  1: delivered (No consent object) -> withheld (No consent object)" in shown
    assert "newly held, such as before-c, before-b, before-a" in shown
    assert json.loads(quickly("plan", file, *where, "--json").stdout) == tried(api, changed(api))
    assert "of the last 7 days" in quickly("plan", file, *where, "--hours", "168").stdout
