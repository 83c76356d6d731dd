"""`assent hold`, `release`, `backfill` and `send-again`, on a data directory beside a server and through its API."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from test_cli_workspace import quickly

from assent.app.wiring import open_stores
from harness import Server, running_server, wait_until

WORKSPACE: dict[str, Any] = {
    "sources": [{"id": "web", "write_key": "web-key"}],
    "consent": {"categories": [{"id": "ads", "destinations": ["files"]}]},
    "destinations": [{"id": "files"}],
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_server(WORKSPACE, tmp_path / "server") as server:
        yield server


@pytest.fixture
def token(server: Server) -> str:
    stores = open_stores(server.data)
    token = stores.tokens.create("olivia", "owner", at=0, author="test").text
    stores.engine.dispose()
    return token


@pytest.fixture(params=["--data", "--url"])
def where(request: pytest.FixtureRequest, server: Server, token: str) -> list[str]:
    if request.param == "--data":
        return ["--data", str(server.data)]
    return ["--url", server.url, "--token", token]


def is_in_force(server: Server, token: str, version: int) -> bool:
    answer = httpx.get(f"{server.url}/api/v1/workspace", headers={"Authorization": f"Bearer {token}"})
    return bool(answer.json()["data"]["number"] == version)


def track(server: Server, message_id: str, user: str = "ann", granted: bool = True) -> None:
    consent = {"categoryPreferences": {"ads": granted}}
    event = {"messageId": message_id, "userId": user, "event": "Tested", "context": {"consent": consent}}
    status, _ = server.post("/v1/track", {**event, "writeKey": "web-key"})
    assert status == 200


def delivered(server: Server) -> list[str]:
    return [one["messageId"] for one in server.delivered("files")]


def test_what_is_held_waits_and_is_released(server: Server, where: list[str], token: str) -> None:
    held = quickly("hold", "category", "ads", *where, "--comment", "until Monday")
    assert held.stdout.startswith("Version 2 is in force: the category ads is held."), held.stderr
    wait_until(lambda: is_in_force(server, token, 2), "the server follows")
    track(server, "m-1")
    wait_until(lambda: b'assent_held_events{destination="files"} 1.0' in server.get("/metrics")[1], "it is held")
    assert delivered(server) == []
    assert " 1 0 0" in " ".join(quickly("audit", "--data", server.data).stdout.split())
    released = quickly("release", "category", "ads", *where)
    assert "Version 3 is in force: the category ads is released." in released.stdout
    wait_until(lambda: delivered(server) == ["m-1"], "it is delivered")
    assert quickly("audit", "--data", server.data).returncode == 0


def test_what_cannot_be_held(where: list[str]) -> None:
    assert quickly("hold", "weather", "x", *where).returncode == 2
    assert quickly("hold", "source", *where).returncode == 2
    assert quickly("hold", "workspace", "x", *where).returncode == 2
    assert "there is no source `x`" in quickly("hold", "source", "x", *where).stderr


def test_a_backfill_from_its_count_to_its_end(server: Server, where: list[str], token: str, tmp_path: Path) -> None:
    wrong, right = tmp_path / "wrong.yaml", tmp_path / "right.yaml"
    mapped = json.loads(server.workspace_file.read_text())
    right.write_text(json.dumps(mapped))
    wrong.write_text(json.dumps({**mapped, "consent": {}}))
    assert quickly("apply", wrong, *where, "--yes").returncode == 0
    wait_until(lambda: is_in_force(server, token, 2), "the server follows")
    for number in range(3):
        track(server, f"m-{number}", f"person {number}")
    track(server, "no", "person 2", granted=False)
    server.settle()
    assert delivered(server) == []
    assert quickly("apply", right, *where, "--yes").returncode == 0
    asked = ["backfill", "start", "--to", "files", "--since", "2020-01-01", *where]
    assert "say why" in quickly(*asked).stderr
    counted = quickly(*asked, "--dry-run")
    assert "files: 2 would be sent; 1 not, because the person has refused since" in counted.stdout, counted.stderr
    refused = quickly(*asked, "--why", "unmapped")
    assert (refused.returncode, "nothing was sent" in refused.stderr) == (2, True)
    started = quickly(*asked, "--why", "unmapped", "--yes")
    job = started.stdout.splitlines()[-1].split()[0]
    assert job.startswith("bkf_"), started.stderr
    done = quickly("backfill", "status", job, "--follow", *where)
    assert f"{job} to files: done, 100 %, 2 delivered, 1 refused since, 1 withheld" in done.stdout
    assert sorted(delivered(server)) == ["m-0", "m-1"]
    for how in ("pause", "resume", "cancel"):
        assert "is done: that cannot be done to it now" in quickly("backfill", how, job, *where).stderr
    assert "there is no backfill `bkf_x`" in quickly("backfill", "status", "bkf_x", *where).stderr


def test_nothing_has_failed(where: list[str], server: Server) -> None:
    track(server, "m-1")
    server.settle()
    done = quickly("send-again", "--to", "files", *where)
    assert done.stdout.startswith("0 are tried again"), done.stderr
    assert quickly("send-again", "--to", "nowhere", *where).returncode == 1
