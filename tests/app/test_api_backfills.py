"""Holding, releasing, backfills and sending again, through the API of a real server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import wait_until
from harness.api import GRANTED, NO_ADVERTISING, Api, a_workspace, receiving, running_api

FOREVER = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with receiving() as receiver:
        workspace = a_workspace(warehouse="blackhole", pixel="blackhole", picky=f"{receiver.url}/refuse")
        with running_api(tmp_path, workspace) as api:
            yield api


def post(api: Api, path: str, body: dict[str, Any] | None = None) -> Any:
    answer = api.owner.post(path, json=body if body is not None else {})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def counts(api: Api, destination: str) -> dict[str, int]:
    rows = api.data("/delivery", groupBy="destination,state")["settled"]
    return {one["state"]: one["events"] for one in rows if one["destination"] == destination and one["events"]}


def actions(api: Api) -> list[tuple[str, str, str]]:
    entries = api.server.stores.trail.entries(50)
    return [(one.happening.action, one.happening.id, one.author) for one in entries]


@pytest.mark.parametrize(
    ("kind", "id_", "passed_over"),
    [("source", "website", 2), ("category", "advertising", 2), ("destination", "pixel", 0), ("workspace", "", 0)],
)
def test_what_is_held_piles_up_and_goes_on_release(api: Api, kind: str, id_: str, passed_over: int) -> None:
    assert post(api, "/workspace/hold", {"kind": kind, "id": id_, "comment": "wait"}) == {"version": 2}
    for number in range(2):
        api.track(f"m-{number}", preferences=GRANTED)
    if passed_over:
        fate = api.wait_for("m-1", pixel="held")["pixel"]
        assert (fate["verdict"], fate["reason"], fate["heldBy"]) == ("deliver", "consented", [id_])
    else:
        assert api.fates("m-1")["pixel"]["state"] == "unread"

    def kept() -> tuple[int, int]:
        [pixel] = [one for one in api.data("/held")["held"] if one["destination"] == "pixel"]
        assert not pixel["goesSoon"]
        return pixel["events"], pixel["unread"]

    wait_until(lambda: kept() == (passed_over, 2 - passed_over), lambda: f"it piles up: {kept()}")
    post(api, "/workspace/release", {"kind": kind, "id": id_})
    for number in range(2):
        fate = api.wait_for(f"m-{number}", pixel="delivered")["pixel"]
        assert fate["version"] == 3
    wait_until(lambda: api.data("/held")["held"] == [], "nothing is held any more")
    assert counts(api, "pixel") == {"delivered": 2}
    noun = {"source": "Source", "category": "Consent Category", "destination": "Destination", "workspace": "Workspace"}
    of = [(action, author) for action, _id, author in actions(api)]
    assert (f"{noun[kind]} Held", "olivia") in of
    assert (f"{noun[kind]} Released", "olivia") in of


def test_what_is_released_is_decided_anew(api: Api) -> None:
    post(api, "/workspace/hold", {"kind": "source", "id": "website"})
    api.track("m-1", preferences=GRANTED)
    api.wait_for("m-1", pixel="held", warehouse="held")
    workspace = api.data("/workspace")["workspace"]
    workspace["consent"]["categories"][1]["enabled"] = False
    del workspace["sources"][0]["held"]
    api.put(workspace)
    fates = api.wait_for("m-1", pixel="withheld", warehouse="delivered")
    assert (fates["pixel"]["reason"], fates["pixel"]["version"]) == ("category_disabled", 3)


def test_a_hold_is_refused_to_members_and_for_nothing(api: Api) -> None:
    assert api.member.post("/workspace/hold", json={"kind": "workspace"}).status_code == 403
    assert api.owner.post("/workspace/hold", json={"kind": "source", "id": "nowhere"}).status_code == 404
    assert api.owner.post("/workspace/hold", json={"kind": "weather"}).status_code == 400
    stale = {"kind": "workspace", "expectedVersion": 7}
    assert api.owner.post("/workspace/hold", json=stale).status_code == 409


def _mistake(api: Api) -> None:
    """`pixel` is in no category while three people come by; then the mistake is mended."""
    workspace = api.data("/workspace")["workspace"]
    mapped = workspace["consent"]["categories"][1]["destinations"]
    workspace["consent"]["categories"][1]["destinations"] = []
    api.put(workspace)
    api.track("granted", preferences=GRANTED, userId="ann", timestamp="2026-01-02T03:04:05.678Z")
    api.track("denied", preferences=NO_ADVERTISING, userId="bob")
    api.track("changed-her-mind", preferences=GRANTED, userId="cy", anonymousId="cy-at-home")
    api.wait_for("changed-her-mind", pixel="withheld")
    workspace["consent"]["categories"][1]["destinations"] = mapped
    api.put(workspace)
    api.track("later", preferences=NO_ADVERTISING, anonymousId="cy-at-home", userId=None)
    api.wait_for("later", pixel="withheld")


def test_a_backfill_sends_what_was_withheld_by_mistake_and_nobody_who_refused(api: Api) -> None:
    _mistake(api)
    [preview] = post(api, "/backfill-preview", {"destinations": ["pixel"], **FOREVER})["destinations"]
    assert preview == {
        "destination": "pixel",
        "found": [{"reason": "category_denied", "events": 1}, {"reason": "destination_unmapped", "events": 3}],
        "sends": 1,
        "refused": 1,
        "withheld": 2,
        "held": 0,
        "sample": ["granted"],
    }
    why = "the map was wrong"
    [job] = post(api, "/backfills", {"destinations": ["pixel"], "why": why, "speed": 100, **FOREVER})["backfills"]
    wait_until(lambda: api.data(f"/backfills/{job['id']}")["state"] == "done", "the backfill is done")
    done = api.data(f"/backfills/{job['id']}")
    figures = {name: done[name] for name in ("delivered", "refused", "withheld", "retrying", "failed")}
    assert figures == {"delivered": 1, "refused": 1, "withheld": 2, "retrying": 0, "failed": 0}
    assert (done["author"], done["why"], done["position"]) == ("olivia", why, done["end"])
    granted = api.fates("granted")["pixel"]
    assert (granted["state"], granted["reason"], granted["version"]) == ("delivered", "consented", 3)
    assert api.fates("changed-her-mind")["pixel"]["reason"] == "subject_revoked"
    assert api.fates("denied")["pixel"]["reason"] == "category_denied"
    assert counts(api, "pixel") == {"delivered": 1, "withheld": 3}
    assert [(action, id_) for action, id_, _ in actions(api)][:2] == [
        ("Backfill Finished", job["id"]),
        ("Backfill Started", job["id"]),
    ]
    [again] = post(api, "/backfill-preview", {"destinations": ["pixel"], **FOREVER})["destinations"]
    assert again["sends"] == 0


def test_a_later_grant_does_not_send_the_past_unless_the_workspace_says_so(api: Api) -> None:
    api.track("refused", preferences=NO_ADVERTISING, userId="bob")
    api.track("agreed", preferences=GRANTED, userId="bob")
    api.wait_for("agreed", pixel="delivered")
    asked = {"destinations": ["pixel"], **FOREVER}
    assert post(api, "/backfill-preview", asked)["destinations"][0]["sends"] == 0
    api.put({**api.data("/workspace")["workspace"], "backfill_later_grants": True})
    assert post(api, "/backfill-preview", asked)["destinations"][0]["sample"] == ["refused"]
    post(api, "/backfills", {**asked, "why": "our lawyer agrees"})
    assert api.wait_for("refused", pixel="delivered")["pixel"]["reason"] == "consented"
    assert counts(api, "pixel") == {"delivered": 2}


def test_a_backfill_is_paused_resumed_and_cancelled_by_its_owners(api: Api) -> None:
    _mistake(api)
    post(api, "/workspace/hold", {"kind": "destination", "id": "pixel"})  # so that it gets nowhere
    jobs = post(api, "/backfills", {"destinations": ["pixel"], "why": "x", **FOREVER})["backfills"]
    path = f"/backfills/{jobs[0]['id']}"
    assert api.member.post(f"{path}/pause").status_code == 403
    assert post(api, f"{path}/pause")["state"] == "paused"
    assert api.owner.post(f"{path}/pause").status_code == 409
    post(api, "/workspace/release", {"kind": "destination", "id": "pixel"})
    assert post(api, f"{path}/cancel")["state"] == "cancelled"
    assert api.owner.post(f"{path}/resume").status_code == 409
    assert api.owner.post("/backfills/bkf_none/cancel").status_code == 404
    assert next(action for action, _, _ in actions(api)) == "Backfill Cancelled"
    assert [one["id"] for one in api.data("/backfills", destination="pixel")["backfills"]] == [jobs[0]["id"]]
    assert api.data("/backfills", destination="warehouse")["backfills"] == []


@pytest.mark.parametrize(
    ("wrong", "field", "status"),
    [
        ({"why": "  "}, "why", 400),
        ({"destinations": ["nowhere"]}, "destinations", 404),
        ({"until": "2019-01-01T00:00:00Z"}, "since", 400),
        ({"reasons": ["sent_client_side"]}, "reasons", 400),
        ({"reasons": []}, "reasons", 400),
        ({"since": "soon"}, "since", 400),
    ],
)
def test_a_backfill_that_makes_no_sense_is_refused(api: Api, wrong: dict[str, Any], field: str, status: int) -> None:
    answer = api.owner.post("/backfills", json={"destinations": ["pixel"], "why": "x", **FOREVER, **wrong})
    assert answer.status_code == status, answer.text
    assert answer.json()["errors"][0]["field"] == field


def test_failed_events_are_sent_again_and_decided_again(api: Api) -> None:
    api.track("m-1", preferences=GRANTED)
    api.track("m-2", preferences=GRANTED)
    api.wait_for("m-1", picky="failed")
    api.wait_for("m-2", picky="failed")
    assert api.member.post("/attempts/send-again", json={}).status_code == 403
    assert post(api, "/attempts/send-again", {"httpStatus": 500}) == {"events": 0, "forgotten": 0, "more": 0}
    assert post(api, "/attempts/send-again", {"messageIds": ["m-1"]}) == {"events": 1, "forgotten": 0, "more": 0}
    wait_until(lambda: counts(api, "picky") == {"failed": 2}, "it has failed once more")
    workspace = api.data("/workspace")["workspace"]
    workspace["consent"]["categories"][0]["enabled"] = False
    api.put(workspace)
    done = post(api, "/attempts/send-again", {"destination": "picky", "answer": "no such field"})
    assert done["events"] == 2
    for one in ("m-1", "m-2"):
        assert api.wait_for(one, picky="withheld")["picky"]["reason"] == "category_disabled"
    assert counts(api, "picky") == {"withheld": 2}
    assert ("Events Sent Again", "picky", "olivia") in actions(api)
