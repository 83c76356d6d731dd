"""Observing: everything flows, everything says so, and it ends as it began."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from test_cli_workspace import quickly

from harness import wait_until
from harness.api import NO_ADVERTISING, Api, a_workspace, running_api


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with running_api(tmp_path, a_workspace(warehouse="blackhole", pixel="blackhole")) as api:
        yield api


def test_what_people_refused_flows_and_says_why_until_it_is_ended(api: Api) -> None:
    body = {"observe": True, "comment": "the first week"}
    assert api.member.post("/workspace/observe", json=body).status_code == 403
    assert api.owner.post("/workspace/observe", json={"observe": True}).status_code == 400
    assert api.owner.post("/workspace/observe", json={**body, "observe": 1}).status_code == 400
    assert api.owner.post("/workspace/observe", json={**body, "expectedVersion": 7}).status_code == 409
    assert api.owner.post("/workspace/observe", json=body).json()["data"] == {"version": 2}
    assert api.data("/workspace")["observing"] is True
    assert api.data("/delivery")["observing"] is True
    assert "assent_observing 1.0" in httpx.get(f"{api.url}/metrics").text
    api.track("m-1", preferences=NO_ADVERTISING)
    api.wait_for("m-1", pixel="delivered")
    [_, pixel] = api.data("/events/m-1/decisions")["decisions"]
    assert (pixel["verdict"], pixel["reason"], pixel["categories"]) == ("deliver", "category_denied", ["advertising"])
    assert "because the workspace observes" in pixel["whatHappened"]
    settled = api.data("/delivery")["settled"]
    counted = {(one["destination"], one["state"], one["reason"]): one["events"] for one in settled}
    assert counted["pixel", "delivered", "category_denied"] == 1
    [of_pixel] = api.data("/workspace/observe")["otherwise"]["destinations"]
    assert (of_pixel["destination"], of_pixel["newlyWithheld"]) == ("pixel", 1)
    assert of_pixel["examples"]["withheld"] == ["m-1"]

    asked = {"destinations": ["pixel"], "since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
    for path, more in (("/backfills", {"why": "x"}), ("/backfill-preview", {})):
        refused = api.owner.post(path, json={**asked, **more})
        assert refused.status_code == 400
        assert "end observing first" in refused.text

    assert api.owner.post("/workspace/observe", json={"observe": False}).status_code == 200
    assert "assent_observing 0.0" in httpx.get(f"{api.url}/metrics").text
    api.track("m-2", preferences=NO_ADVERTISING)
    api.wait_for("m-2", pixel="withheld")
    api.wait_for("m-1", pixel="delivered")
    entries = [(one.happening.action, one.author, one.comment) for one in api.server.stores.trail.entries(9)]
    assert [one[0] for one in entries if one[0].startswith("Observation")] == [
        "Observation Ended",
        "Observation Started",
    ]
    assert ("Observation Started", "olivia", "the first week") in entries


@pytest.mark.parametrize("remote", [False, True])
def test_the_command_switches_it(api: Api, remote: bool) -> None:
    where = ["--url", api.url, "--token", api.owner_token] if remote else ["--data", str(api.server.config.data)]
    assert quickly("observe", "on", *where, "--comment", "a dry run").returncode == 2, "nobody can be asked"
    assert quickly("observe", "on", *where, "--yes").returncode != 0, "without a word why"
    assert "Version 2 is in force: OBSERVING" in quickly("observe", "on", *where, "--yes", "--comment", "a run").stdout
    wait_until(lambda: api.server.in_force.version.workspace.observe, "it is followed")
    assert "Version 3 is in force: consent is enforced" in quickly("observe", "off", *where).stdout
