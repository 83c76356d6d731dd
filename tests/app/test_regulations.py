"""What a person may ask for: no more events, deletion that leaves no trace, and everything that is known."""

import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assent.app.cli import app
from assent.app.cli.data_directory import DataDirectory
from harness import wait_until
from harness.api import GRANTED, NO_ADVERTISING, Api, Receiver, a_workspace, receiving, running_api

ANN, BEN = "ann-4f81c7", "ben-90aa31"
BROWSER = "browser-77ab01"
WAREHOUSE = {"kind": "destination", "id": "warehouse"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def api(tmp_path: Path, receiver: Receiver) -> Iterator[Api]:
    workspace = a_workspace(warehouse=f"{receiver.url}/take", pixel="blackhole", sick=f"{receiver.url}/refuse")
    with running_api(tmp_path, workspace) as api:
        yield api


def regulate(api: Api, type_: str, *ids: str, kind: str = "USER_ID", **more: str) -> dict[str, Any]:
    body = {"regulationType": type_, "subjectType": kind, "subjectIds": list(ids), **more}
    answer = api.owner.post("/regulations", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["regulateId"] == answer.json()["data"]["regulation"]["id"]
    regulation: dict[str, Any] = answer.json()["data"]["regulation"]
    return regulation


def finished(api: Api, regulation: dict[str, Any]) -> dict[str, Any]:
    def now() -> dict[str, Any]:
        found: dict[str, Any] = api.data(f"/regulations/{regulation['id']}")["regulation"]
        return found

    wait_until(lambda: now()["finishedAt"] is not None, lambda: f"it is over: {now()}")
    return now()


def track(api: Api, message_id: str, user: str | None = ANN, **fields: Any) -> None:
    ids = {"userId": user} if user else {"userId": None, "anonymousId": BROWSER}
    api.track(message_id, **{"preferences": GRANTED, **ids, **fields})


def pieces(directory: Path) -> set[bytes]:
    """Stretches of the compressed blocks of the log, as they are on disk: an id in them cannot be read as it is."""
    with closing(sqlite3.connect(directory / "data" / "log.db")) as db:
        blocks = [block for (block,) in db.execute("SELECT records FROM blocks")]
    return {block[at : at + 24] for block in blocks for at in range(0, len(block) - 24, 24)}


def lie_in(directory: Path, wanted: set[bytes]) -> set[bytes]:
    """Those of some stretches of bytes that are anywhere in a directory."""
    files = [path.read_bytes() for path in directory.rglob("*") if path.is_file()]
    return {one for one in wanted if any(one in file for file in files)}


def traces(directory: Path, *texts: str) -> list[str]:
    """The files of a directory in which one of these is, as it is written by us."""
    return [
        f"{text} in {path.name}"
        for path in sorted(directory.rglob("*"))
        if path.is_file()
        for text in texts
        if text.encode() in path.read_bytes()
    ]


def test_nothing_more_is_stored_of_who_is_suppressed(api: Api) -> None:
    track(api, "before")
    made = regulate(api, "SUPPRESS_ONLY", ANN)
    assert (made["overallStatus"], made["subjects"]) == ("FINISHED", 1)
    track(api, "after")
    api.send("alias", {"messageId": "alias", "userId": BEN, "previousId": ANN})
    api.send("batch", {"batch": [{"type": "track", "event": 7, "userId": ANN}, {"type": "page", "userId": ANN}]})
    track(api, "of ben", user=BEN)
    events = [one["messageId"] for one in api.data("/events")["events"]]
    assert events == ["of ben", "before"]
    discards = api.data("/discards")["discards"]
    assert [(one["code"], one["sample"]) for one in discards] == [("subject_suppressed", "")] * 4
    [shown] = api.data("/suppressions")["suppressed"]
    assert (shown["subjectId"], shown["regulationId"]) == (ANN, made["id"])
    regulate(api, "UNSUPPRESS", ANN)
    track(api, "again")
    assert api.data("/events")["events"][0]["messageId"] == "again"
    assert api.data("/suppressions")["suppressed"] == []


def test_deletion_leaves_no_trace_and_the_accounts_balance(api: Api, receiver: Receiver, tmp_path: Path) -> None:
    for number in range(30):
        track(api, f"m-{number}", user=(ANN, BEN, None)[number % 3], preferences=(GRANTED, NO_ADVERTISING)[number % 2])
    track(api, f"{ANN}-named", event=f"Greeted {ANN}")
    track(api, f"{ANN}-named")
    api.send("track", {"userId": ANN, "event": 7})
    wait_until(lambda: all(one["unread"] == 0 for one in api.data("/destinations")["destinations"]), "all is read")
    kept = [one["payload"] for one in api.data("/events", query={"userId": BEN})["events"]]
    before = pieces(tmp_path)
    assert lie_in(tmp_path, before) == before
    made = regulate(api, "SUPPRESS_WITH_DELETE", ANN, why=f"{ANN} wrote to us")
    done = finished(api, made)
    assert (done["overallStatus"], done["eventsErased"]) == ("PARTIAL_SUCCESS", 11)
    assert {name: one["status"] for name, one in told(done).items()} == {
        "warehouse": "FINISHED",
        "pixel": "FINISHED",
        "sick": "FAILED",
    }
    assert told(done)["sick"]["errString"] == "answered 422: no such field"
    [deleted] = [json.loads(body) for _, body in receiver.requests if b'"delete"' in body][:1]
    assert deleted == {"type": "delete", "messageId": f"{made['id']}-0", "userId": ANN}
    assert traces(tmp_path, ANN) == []
    assert lie_in(tmp_path, before) <= pieces(tmp_path)
    assert [one["payload"] for one in api.data("/events", query={"userId": BEN})["events"]] == kept
    assert DataDirectory(tmp_path / "data").audit().problems == []
    track(api, "later")
    assert traces(tmp_path, ANN) == []


def test_everything_about_a_person(api: Api) -> None:
    track(api, "m-1", preferences=NO_ADVERTISING)
    track(api, "m-2", user=BEN)
    api.wait_for("m-1", warehouse="delivered", pixel="withheld")
    answer = api.member.get(f"/profiles/{ANN}/export")
    assert answer.status_code == 200
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    [event] = [json.loads(line) for line in archive.read("events.jsonl").splitlines()]
    assert event["event"]["messageId"] == "m-1"
    fates = {one["destination"]: (one["state"], one["reason"]) for one in event["destinations"]}
    assert fates["pixel"] == ("withheld", "category_denied")
    assert archive.read("regulations.jsonl") == b""


def told(regulation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in regulation["streamStatus"][0]["destinationStatus"]}


def test_a_destination_is_told_again_until_it_takes_it_or_is_removed(api: Api, receiver: Receiver) -> None:
    workspace = a_workspace(warehouse=f"{receiver.url}/down", pixel={"connector": "file", "settings": {"path": "x"}})
    api.put(workspace)
    made = regulate(api, "DELETE_ONLY", ANN)

    def now() -> dict[str, Any]:
        found: dict[str, Any] = api.data(f"/regulations/{made['id']}")["regulation"]
        return found

    wait_until(lambda: told(now()).get("warehouse", {}).get("attempts", 0) >= 2, "it was told twice")
    waiting = now()
    assert (waiting["overallStatus"], waiting["subjectIds"]) == ("RUNNING", [ANN])
    assert told(waiting)["warehouse"]["errString"] == "answered 503: closed for repairs"
    assert (told(waiting)["pixel"]["status"], told(waiting)["sick"]["status"]) == ("NOT_SUPPORTED", "NOT_SUPPORTED")
    assert "removed" in told(waiting)["sick"]["errString"]
    attempts = {headers["idempotency-key"] for headers, body in receiver.requests if b'"delete"' in body}
    assert attempts == {f"{made['id']}-0"}
    api.put(a_workspace(pixel="blackhole"))
    done = finished(api, made)
    assert (done["overallStatus"], done["subjectIds"]) == ("FINISHED", [])


def test_internal_ones_tell_nobody(api: Api, receiver: Receiver) -> None:
    track(api, "m-1", user=None)
    done = finished(api, regulate(api, "DELETE_INTERNAL", BROWSER, kind="ANONYMOUS_ID"))
    assert (done["overallStatus"], done["eventsErased"], told(done)) == ("FINISHED", 1, {})
    assert not [body for _, body in receiver.requests if b'"delete"' in body]
    track(api, "m-2", user=None)
    assert [one["messageId"] for one in api.data("/events")["events"]] == ["m-2"]


def test_what_is_unread_when_it_is_deleted_is_withheld(api: Api, receiver: Receiver) -> None:
    api.put(a_workspace(warehouse=f"{receiver.url}/take"))
    assert api.owner.post("/workspace/hold", json=WAREHOUSE).status_code == 200
    track(api, "m-1")
    finished(api, regulate(api, "DELETE_INTERNAL", ANN))
    assert api.owner.post("/workspace/release", json=WAREHOUSE).status_code == 200
    track(api, "m-2", user=BEN)
    api.wait_for("m-2", warehouse="delivered")
    assert not [body for _, body in receiver.requests if ANN.encode() in body]
    counts = [one for one in api.server.stores.accounts.counts(0, 1 << 40) if one.destination == "warehouse"]
    by_reason = {one.reason: one.events for one in counts}
    assert by_reason == {"subject_suppressed": 1, "consented": 1}


def test_what_is_asked_for_must_make_sense(api: Api) -> None:
    def answer(**changes: Any) -> tuple[int, str | None]:
        body = {"regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "subjectIds": [ANN], **changes}
        got = api.owner.post("/regulations", json=body)
        return got.status_code, got.json()["errors"][0]["field"] if got.status_code != 200 else None

    assert answer(subjectIds=[" "]) == (400, "subjectIds")
    assert answer(subjectIds=[])[0] == 400
    assert answer(subjectIds=["x" * 2_000]) == (400, "subjectIds")
    assert answer(regulationType="FORGET")[0] == 400
    assert api.owner.get("/suppressions", params={"subjectId": ANN}).status_code == 400
    assert api.data("/regulations")["regulations"] == []


def test_suppression_is_in_force_after_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    workspace = a_workspace(warehouse="blackhole")
    with running_api(tmp_path, workspace) as api:
        regulate(api, "SUPPRESS_ONLY", ANN)
        made = regulate(api, "SUPPRESS_WITH_DELETE", BROWSER, kind="ANONYMOUS_ID")
        finished(api, made)
        assert api.data("/suppressions", subjectType="ANONYMOUS_ID", subjectId=BROWSER)["suppressed"] == [
            {
                "subjectType": "ANONYMOUS_ID",
                "subjectId": None,
                "regulationId": made["id"],
                "createdAt": made["createdAt"],
            }
        ]
    with running_api(tmp_path, workspace) as api:
        for number, user in enumerate((ANN, None, BEN)):
            track(api, f"m-{number}", user=user)
        assert [one["messageId"] for one in api.data("/events")["events"]] == ["m-2"]


def test_the_command_line(api: Api, tmp_path: Path) -> None:
    track(api, "m-1")
    where = ["--url", api.url, "--token", api.owner_token]
    shown = assent("regulation", "new", "suppress-with-delete", ANN, "--yes", *where)
    regulation_id = shown.split()[0]
    finished(api, {"id": regulation_id})
    assert assent("regulation", "list", *where).startswith(regulation_id)
    lines = assent("regulation", "show", regulation_id, "--data", str(tmp_path / "data")).splitlines()
    assert lines[0].endswith("suppress-with-delete 1 user id: partial success, 1 events erased")
    assert lines[1:] == ["  pixel: finished", "  sick: failed: answered 422: no such field", "  warehouse: finished"]
    archives = [tmp_path / "a.zip", tmp_path / "b.zip"]
    assent("person", "export", ANN, "-o", str(archives[0]), *where)
    assent("person", "export", ANN, "-o", str(archives[1]), "--data", str(tmp_path / "data"))
    for one in archives:
        with zipfile.ZipFile(one) as archive:
            assert archive.read("events.jsonl") == b""
            [line] = archive.read("regulations.jsonl").splitlines()
            assert json.loads(line)["id"] == regulation_id
    assert "is no type of regulation" in assent("regulation", "new", "forget", ANN, *where)


def assent(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments)
    return done.output
