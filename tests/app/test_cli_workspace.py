"""`assent plan`, `apply` and `export` as people run them: on data directories, on running servers, in terminals."""

import hashlib
import json
import os
import pty
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from assent import Policy, Verdict, Workspace
from assent.app.cli import app
from assent.app.wiring import Stores, open_stores
from harness import Server, free_port, running_server, wait_until

ASSENT = str(Path(sys.executable).with_name("assent"))
SECRET = "a-secret-nobody-may-see"  # and not what any of the messages are about
BLACKHOLE = {"connector": "blackhole", "settings": {}}
SHOP: dict[str, Any] = {
    "workspace": "Shop",
    "sources": [{"id": "web", "write_key": "web-key"}],
    "consent": {"categories": [{"id": "ads", "name": "Advertising", "destinations": ["facebook"]}]},
    "destinations": [
        {"id": "facebook", **BLACKHOLE},
        {"id": "amplitude", **BLACKHOLE},
        {
            "id": "crm",
            "connector": "webhook",
            "settings": {"url": "http://127.0.0.1:9/", "secret": SECRET, "headers": {"X-Key": f"$${SECRET}"}},
        },
    ],
}
STRICTER: dict[str, Any] = {
    **SHOP,
    "consent": {
        "preset": "strict",
        "categories": [{"id": "ads", "name": "Adverts", "destinations": ["facebook", "amplitude"]}],
    },
    "destinations": [*SHOP["destinations"][:2], {"id": "lake", **BLACKHOLE}],
}
EVENTS = [
    *[{"type": "track", "event": "Seen", "userId": f"a{n}"} for n in range(5)],
    *[
        {
            "type": "page",
            "userId": f"b{n}",
            "context": {"consent": {"categoryPreferences": {"ads": n < 4}}},
        }
        for n in range(7)
    ],
]


def assent(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ASSENT, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )


def quickly(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The same inside this process, where what is tested is not the process: that saves a second."""
    runner = CliRunner()
    done = runner.invoke(app, [str(one) for one in arguments], env=environment, catch_exceptions=False)
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def written(path: Path, workspace: dict[str, Any]) -> Path:
    path.write_text(json.dumps(workspace, indent=2))
    return path


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return written(tmp_path / "shop.yaml", SHOP)


@pytest.fixture
def stricter(tmp_path: Path) -> Path:
    return written(tmp_path / "stricter.yaml", STRICTER)


@pytest.fixture(scope="module")
def first_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory in which the shop is in force."""
    directory = tmp_path_factory.mktemp("first")
    shop = written(directory / "shop.yaml", SHOP)
    applied = assent("apply", shop, "--data", directory / "data", "--yes", "--comment", "as agreed")
    assert applied.returncode == 0, applied.stderr
    return directory / "data"


@pytest.fixture
def data(first_version: Path, tmp_path: Path) -> Path:
    """A copy of it, to change."""
    shutil.copytree(first_version, tmp_path / "data")
    return tmp_path / "data"


@contextmanager
def opened(data: Path) -> Iterator[Stores]:
    stores = open_stores(data)
    yield stores
    stores.engine.dispose()


def versions(data: Path) -> int:
    with opened(data) as stores:
        return stores.versions.current_number()


# ------------------------------------------------------------------ a data directory


def test_a_first_workspace(tmp_path: Path, shop: Path) -> None:
    data = tmp_path / "data"
    planned = assent("plan", shop, "--data", data)
    assert planned.returncode == 0
    assert "  + destination crm\n" in planned.stdout
    assert "  + source web\n" in planned.stdout
    assert not data.exists(), "a plan leaves nothing behind"

    applied = assent("apply", shop, "--data", data, "--yes")
    assert applied.returncode == 0
    assert applied.stdout.startswith(planned.stdout)
    assert "Version 1 is in force." in applied.stdout
    assert assent("plan", shop, "--data", data).stdout == "No changes: this is what is in force (version 1).\n"


def test_a_plan_shows_each_change(data: Path, stricter: Path) -> None:
    planned = quickly("plan", stricter, "--data", data)
    assert planned.stdout.splitlines()[2:] == [
        "  ~ rule several_categories",
        "      `any` -> `all`",
        "  ~ rule integrations_object",
        "      `yield` -> `narrow`",
        "  ~ rule no_consent",
        "      `deliver` -> `withhold`",
        "  ~ category ads",
        "      name: `Advertising` -> `Adverts`",
        "      `amplitude` joins",
        "  - destination crm",
        "  + destination lake",
        "",
        "1 to create, 4 to update, 1 to delete.",
        "No event came in during the last 24 hours on which to measure the effect.",
    ]


def test_who_applied_what_and_why_is_kept(data: Path) -> None:
    with opened(data) as stores:
        version = stores.versions.current()
    assert version.author.startswith("cli:")
    assert len(version.author) > len("cli:")
    assert version.comment == "as agreed"


def test_nothing_is_applied_twice(data: Path, shop: Path) -> None:
    applied = quickly("apply", shop, "--data", data)
    assert applied.returncode == 0
    assert applied.stdout.startswith("No changes")
    assert versions(data) == 1


@pytest.mark.parametrize(("file", "status"), [("shop", 0), ("stricter", 2), ("broken", 1), ("missing", 1)])
def test_the_detailed_exit_status(
    file: str, status: int, data: Path, shop: Path, stricter: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.yaml").write_text("destination: []")
    planned = quickly("plan", tmp_path / f"{file}.yaml", "--data", data, "--detailed-exitcode")
    assert planned.returncode == status
    assert len(planned.stderr.splitlines()) == (status == 1)


def test_a_mistake_in_the_file(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("workspace: Shop\ndestination: []\n")
    for command in ("plan", "apply"):
        done = quickly(command, file, "--data", data)
        assert done.returncode == 2
        assert f"{file}:2: destination:" in done.stderr
    assert versions(data) == 1


def test_a_plan_as_json(data: Path, stricter: Path) -> None:
    planned = json.loads(quickly("plan", stricter, "--data", data, "--json").stdout)
    assert planned["version"] == 1
    assert {"action": "delete", "kind": "destination", "id": "crm", "details": []} in planned["changes"]


def test_a_plan_keeps_no_secret(data: Path, tmp_path: Path) -> None:
    other = written(tmp_path / "other.yaml", json.loads(json.dumps(SHOP).replace(SECRET, "another-secret")))
    before = _digests(data)
    planned = quickly("plan", other, "--data", data)
    assert "setting `headers` changes\n      setting `secret` changes" in planned.stdout
    assert "another-secret" not in planned.stdout + planned.stderr
    assert _digests(data) == before


def _digests(data: Path) -> dict[str, str]:
    """What is in each file, without those that SQLite makes beside a database while it is open."""
    files = (one for one in data.iterdir() if not one.name.endswith(("-wal", "-shm")))
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in files}


# ------------------------------------------------------------------ export


def test_an_export_applies_unchanged_and_shows_no_secret(data: Path, tmp_path: Path) -> None:
    exported = assent("export", "--data", data)
    assert SECRET not in exported.stdout
    crm = yaml.safe_load(exported.stdout)["destinations"][2]
    assert crm["settings"]["secret"].startswith("$stored:")
    assert crm["settings"]["headers"]["X-Key"].startswith("$stored:")

    file = tmp_path / "export.yaml"
    file.write_text(exported.stdout)
    assert assent("apply", file, "--data", data).stdout.startswith("No changes")


def test_a_secret_from_the_environment_stays_there(tmp_path: Path) -> None:
    settings = {"url": "http://127.0.0.1:9/", "secret": "$HOOK_SECRET"}
    file = written(tmp_path / "x.yaml", {"destinations": [{"id": "x", "connector": "webhook", "settings": settings}]})
    assert quickly("apply", file, "--data", tmp_path / "d", "--yes", HOOK_SECRET=SECRET).returncode == 0
    assert "$HOOK_SECRET" in quickly("export", "--data", tmp_path / "d").stdout
    assert SECRET.encode() not in (tmp_path / "d" / "state.db").read_bytes()


def test_a_secret_that_begins_like_a_variable_is_kept_as_one(tmp_path: Path) -> None:
    settings = {"url": "http://127.0.0.1:9/", "secret": "$ecret!!"}
    file = written(tmp_path / "x.yaml", {"destinations": [{"id": "x", "connector": "webhook", "settings": settings}]})
    assert quickly("apply", file, "--data", tmp_path / "d", "--yes").returncode == 0
    assert "$ecret" not in quickly("export", "--data", tmp_path / "d").stdout
    with opened(tmp_path / "d") as stores:
        kept = stores.versions.current().workspace.destinations[0].settings["secret"]
        assert stores.secrets.reveal(kept) == "$ecret!!"


def test_a_directory_that_holds_nothing_cannot_be_exported(tmp_path: Path) -> None:
    done = quickly("export", "--data", tmp_path)
    assert done.returncode == 1
    assert done.stderr == f"`{tmp_path}` is no data directory: there is no `state.db` in it\n"


# ------------------------------------------------------------------ asking


def test_without_anybody_to_ask_nothing_is_applied(data: Path, stricter: Path) -> None:
    done = assent("apply", stricter, "--data", data)
    assert done.returncode == 2
    assert "  - destination crm" in done.stdout
    assert "give --yes" in done.stderr
    assert versions(data) == 1


@pytest.mark.parametrize(("answer", "status", "version"), [("y", 0, 2), ("n", 1, 1), ("", 1, 1)])
def test_on_a_terminal_it_asks(answer: str, status: int, version: int, data: Path, stricter: Path) -> None:
    with on_terminal("apply", stricter, "--data", data) as (process, terminal):
        shown = _read_until(terminal, "Apply these changes? [y/N]:")
        assert "\x1b[31m- destination" in shown, "in colour"
        os.write(terminal, f"{answer}\n".encode())
        assert process.wait(20) == status
    assert versions(data) == version


def test_what_changed_since_the_plan_is_not_overwritten(data: Path, stricter: Path, tmp_path: Path) -> None:
    with on_terminal("apply", stricter, "--data", data) as (process, terminal):
        _read_until(terminal, "Apply these changes? [y/N]:")
        renamed = written(tmp_path / "renamed.yaml", {**SHOP, "workspace": "Renamed"})
        assert quickly("apply", renamed, "--data", data, "--yes").returncode == 0
        os.write(terminal, b"y\n")
        said = _read_until(terminal, "look at a new plan first")
        assert "the workspace is at version 2 by now, not 1" in said
        assert process.wait(20) == 1
    with opened(data) as stores:
        assert stores.versions.current().workspace.workspace == "Renamed"


@contextmanager
def on_terminal(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen([ASSENT, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        yield process, ours
        process.kill()
    os.close(ours)


def _read_until(terminal: int, wanted: str) -> str:
    shown = ""
    while wanted not in shown:
        shown += os.read(terminal, 10_000).decode()
    return shown


# ------------------------------------------------------------------ a running server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the shop in force that has got some events."""
    with running_server(SHOP, tmp_path_factory.mktemp("server")) as server:
        batch = [{**event, "messageId": f"m{number}"} for number, event in enumerate(EVENTS)]
        assert server.post("/v1/batch", {"writeKey": "web-key", "batch": batch})[0] == 200
        yield server


@pytest.fixture(scope="module")
def owner(server: Server) -> str:
    return _token(server, "owner")


def _token(server: Server, role: str) -> str:
    return assent("token", "create", "--data", server.data, "--role", role, "--name", f"the {role}").stdout.strip()


def moves(one: dict[str, int]) -> bool:
    """Whether events would go there that do not, or the other way round; else only the reason is another."""
    return bool(one["newlyDelivered"] or one["newlyWithheld"])


def test_a_plan_counts_the_last_days_events_as_decide_would(server: Server, owner: str, stricter: Path) -> None:
    before, after = Policy(server.workspace), Policy(Workspace.load(stricter))
    delivered: dict[str, list[int]] = {}
    for event in EVENTS:
        old = {name for name, one in before.decide(event).items() if one.verdict is Verdict.DELIVER}
        new = {name for name, one in after.decide(event).items() if one.verdict is Verdict.DELIVER}
        for name in old ^ new:
            delivered.setdefault(name, [0, 0])[name in old] += 1
    expected = [
        {"destination": name, "newlyDelivered": gained, "newlyWithheld": lost}
        for name, (gained, lost) in sorted(delivered.items())
    ]
    local = json.loads(quickly("plan", stricter, "--data", server.data, "--json").stdout)
    assert local["events"] == len(EVENTS)
    figures = ("destination", "newlyDelivered", "newlyWithheld")
    of_destinations = sorted(local["destinations"], key=lambda one: one["destination"])
    assert [{name: one[name] for name in figures} for one in of_destinations if moves(one)] == expected
    assert expected, "or the test shows nothing"

    remote = quickly("plan", stricter, "--url", server.url, "--token", owner, "--json")
    assert json.loads(remote.stdout) == local
    for where in (("--data", server.data), ("--url", f"{server.url}/", "--token", owner)):
        shown = assent("plan", stricter, *where).stdout
        assert f"Of the {len(EVENTS)} events of the last 24 hours" in shown
        assert [line.split() for line in shown.splitlines() if line.startswith("  amplitude")] == [
            ["amplitude", str(delivered["amplitude"][0]), str(delivered["amplitude"][1]), "0"]
        ]


def test_a_server_follows_what_is_applied_to_its_directory(server: Server, tmp_path: Path) -> None:
    def accepts() -> bool:
        return server.post("/v1/track", {"writeKey": "new-key", "userId": "u", "event": "x"})[0] == 200

    sources = [*SHOP["sources"], {"id": "new", "write_key": "new-key"}]
    file = written(tmp_path / "more.yaml", {**SHOP, "sources": sources})
    assert not accepts()
    assert assent("apply", file, "--data", server.data, "--yes").returncode == 0
    wait_until(accepts, "the new source is known", seconds=3)  # one, on a machine with nothing else to do


def test_a_remote_workspace_is_exported_and_applied(server: Server, owner: str, tmp_path: Path) -> None:
    exported = quickly("export", "--url", server.url, ASSENT_TOKEN=owner, ASSENT_DATA=str(tmp_path / "elsewhere"))
    assert exported.stdout == quickly("export", "--data", server.data).stdout
    assert SECRET not in exported.stdout

    file = tmp_path / "export.yaml"
    file.write_text(exported.stdout.replace("workspace: Shop", "workspace: Remote shop"))
    applied = quickly("apply", file, "--url", server.url, "--token", owner, "--yes", "--comment", "from afar")
    assert applied.stdout.endswith("is in force.\n"), applied.stderr
    with opened(server.data) as stores:
        version = stores.versions.current()
    assert (version.workspace.workspace, version.author, version.comment) == ("Remote shop", "the owner", "from afar")
    assert quickly("plan", file, "--url", server.url, "--token", owner).stdout.startswith("No changes")


def test_a_member_may_look_and_not_touch(server: Server, stricter: Path) -> None:
    member = _token(server, "member")
    where = ("--url", server.url, "--token", member)
    assert quickly("plan", stricter, *where).returncode == 0
    before = versions(server.data)
    refused = quickly("apply", stricter, *where, "--yes")
    assert refused.returncode == 1
    assert "owner" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert versions(server.data) == before


def test_an_unknown_token(server: Server) -> None:
    refused = quickly("export", "--url", server.url, "--token", "assent_nobody")
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "token" in refused.stderr
    assert "assent_nobody" not in refused.stderr


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "not a url", "ftp://127.0.0.1"])
def test_a_server_that_cannot_be_asked(url: str) -> None:
    url = url.format(port=free_port())
    done = quickly("export", "--url", url, "--token", "t")
    assert done.returncode == 1
    assert done.stderr.startswith(f"`{url}` cannot be asked: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("status", [200, 302, 500])
def test_something_else_that_answers(status: int, shop: Path) -> None:
    seen: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.headers["Authorization"])
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(b"<html>")

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{other.server_port}"
        done = quickly("plan", shop, "--url", url, "--token", "t")
        other.shutdown()
        thread.join()
    assert done.returncode == 1
    assert done.stderr in (
        f"`{url}` does not answer as Assent does: is the address right?\n",
        f"`{url}` answered {status}\n",
    )
    assert seen == ["Bearer t"], "the token was not handed on to where a redirect pointed"


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ((), "say where: --data DIR, or --url URL with --token T"),
        (("--url", "http://x", "--data", "d", "--token", "t"), "give either --data or --url, not both"),
        (("--url", "http://x"), "--url needs a token: --token T, or ASSENT_TOKEN in the environment"),
    ],
)
def test_where_must_be_said_once(where: tuple[str, ...], message: str) -> None:
    done = quickly("export", *where)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{message}\n")
