"""`assent audit` as people run it: after real traffic, beside a running server, and after somebody tampered."""

import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from assent.app.cli.data_directory import DataDirectory
from assent.app.cli.remote import Remote
from assent.app.wiring import open_stores
from assent.app.workspace_file import workspace_of
from harness import Server, running_server, wait_until

ASSENT = str(Path(sys.executable).with_name("assent"))
EVENTS = 60


def audit(data: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ASSENT, "audit", "--data", data], capture_output=True, text=True, timeout=60)


def accounts(table: str) -> dict[str, list[int]]:
    """The figures of each destination in the printed table: accepted, delivered, withheld, ..., off by."""
    rows = [line.split() for line in table.split("Off by", 1)[1].splitlines()]
    return {row[0]: [int(one.replace(",", "")) for one in row[1:]] for row in rows if len(row) == 9}


@contextmanager
def picky_receiver() -> Iterator[str]:
    """A webhook that refuses every event for good; gives its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_error(410)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def unreachable_receiver() -> Iterator[str]:
    """An address that refuses connections, and that nobody else can take meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/"


@contextmanager
def shop() -> Iterator[dict[str, Any]]:
    """A workspace with a destination that takes, one that refuses, and one that cannot be reached."""
    with picky_receiver() as picky, unreachable_receiver() as down:
        yield {
            "sources": [{"id": "web", "write_key": "web-key"}],
            "consent": {"categories": [{"id": "ads", "destinations": ["lake"]}]},
            "destinations": [
                {"id": "lake"},
                {"id": "picky", "connector": "webhook", "settings": {"url": picky}},
                {"id": "down", "connector": "webhook", "settings": {"url": down}},
            ],
        }


def batch(name: str, events: int) -> dict[str, Any]:
    """Events of which every third is granted, refused, or says nothing of consent; and one without an id."""
    contexts = [{"consent": {"categoryPreferences": {"ads": granted}}} for granted in (True, False)]
    items = [
        {
            "type": "page",
            "userId": f"u{number}",
            "messageId": f"{name}-{number}",
            "context": [*contexts, {}][number % 3],
        }
        for number in range(events)
    ]
    return {"writeKey": "web-key", "batch": [*items, {"type": "page"}]}


def put_in_force(server: Server, document: dict[str, Any]) -> None:
    """Apply a workspace to the directory of a running server, and return once the server follows."""
    directory, workspace = DataDirectory(server.data), workspace_of(document)
    directory.apply(workspace, after=directory.plan(workspace, 24).version, comment="")
    stores = open_stores(server.data)
    remote = Remote(server.url, stores.tokens.create("test", "member", at=0, author="test").text)
    stores.engine.dispose()
    wait_until(lambda: remote.export() == directory.export(), "the server follows")


def wait_for(server: Server, *destinations: str) -> None:
    """Return once these destinations have read all of the log."""
    read = [f'assent_cursor_lag_events{{destination="{one}"}} 0.0' for one in destinations]
    wait_until(
        lambda: all(one in server.get("/metrics")[1].decode() for one in read), f"{destinations} have read everything"
    )


@pytest.fixture(scope="module")
def after_traffic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory after real traffic of every fate, over two versions of the workspace."""
    with shop() as workspace, running_server(workspace, tmp_path_factory.mktemp("audited")) as server:
        assert server.post("/v1/batch", batch("first", EVENTS // 2))[0] == 200
        wait_for(server, "lake", "picky")
        put_in_force(server, {**json.loads(server.workspace_file.read_text()), "workspace": "second"})
        assert server.post("/v1/batch", batch("second", EVENTS // 2))[0] == 200
        wait_for(server, "lake", "picky")
    return server.data


@pytest.fixture
def data(after_traffic: Path, tmp_path: Path) -> Path:
    """A copy of it, to tamper with."""
    shutil.copytree(after_traffic, tmp_path / "data")
    return tmp_path / "data"


def tamper(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as database:
        for statement in statements:
            assert database.execute(statement).rowcount > 0, statement
        database.commit()


def test_real_traffic_balances(after_traffic: Path) -> None:
    done = audit(after_traffic)
    assert done.returncode == 0, done.stdout
    assert "62 received = 60 accepted + 2 discarded\n" in done.stdout
    assert done.stdout.endswith("\nThe accounts balance.\n")
    figures = accounts(done.stdout)
    # granted: delivered; refused: withheld; no consent: delivered. Unmapped: withheld unless there is no consent.
    assert figures["lake"] == [60, 40, 20, 0, 0, 0, 0, 0]
    assert figures["picky"] == [60, 0, 40, 0, 20, 0, 0, 0]
    accepted, delivered, withheld, retrying, failed, _held, unread, off_by = figures["down"]
    assert (accepted, delivered, failed, off_by) == (60, 0, 0, 0)
    assert retrying > 0
    assert withheld + retrying + unread == 60


@pytest.mark.parametrize(
    ("file", "statement", "problem"),
    [
        (
            "state.db",
            "DELETE FROM counters WHERE destination = 'lake' AND state = 'withheld'",
            "lake: it has read 20 events that no account holds",
        ),
        (
            "state.db",
            "UPDATE counters SET events = events + 1 WHERE destination = 'lake' AND state = 'withheld' AND rowid IN"
            " (SELECT min(rowid) FROM counters WHERE destination = 'lake' AND state = 'withheld')",
            "lake: its accounts hold 1 event more than it has read",
        ),
        (
            "state.db",
            "UPDATE hour_counters SET events = events + 1 WHERE destination = 'lake' AND state = 'withheld'",
            "lake: its accounts by the hour do not add up to those by the minute",
        ),
        (
            "state.db",
            "DELETE FROM day_counters WHERE destination = 'lake'",
            "lake: its accounts by the day do not add up to those by the minute",
        ),
        (
            "state.db",
            "DELETE FROM attempts WHERE destination = 'down' AND state = 'retrying'",
            "down: it has read",
        ),
        (
            "state.db",
            "UPDATE cursors SET position = position - 5 WHERE destination = 'lake'",
            "lake: its cursor stands before the events at offsets 55 to 59, which have been decided",
        ),
        (
            "state.db",
            "UPDATE cursors SET position = position + 5 WHERE destination = 'lake'",
            "lake: its cursor stands at 65, 5 beyond the end of what it may read",
        ),
        ("state.db", "DELETE FROM cursors WHERE destination = 'lake'", "lake: it has accounts but no cursor"),
        (
            "state.db",
            "DELETE FROM spans WHERE destination = 'lake' AND start = 0",
            "lake: no version is known to have decided the events at offsets 0 to 29",
        ),
        (
            "state.db",
            "UPDATE spans SET start = start - 3 WHERE destination = 'picky' AND start > 0",
            "picky: two versions claim to have decided the events at offsets 27 to 29",
        ),
        ("log.db", "DELETE FROM blocks WHERE first = 0", "log: the events at offsets 0 to 29 are gone"),
        (
            "log.db",
            "DELETE FROM blocks WHERE first = 30",
            "log: it counted 60 events as accepted, but has given out 30 offsets",
        ),
        (
            "log.db",
            "UPDATE received SET count = count - 4 WHERE code = 'accepted' AND minute ="
            " (SELECT max(minute) FROM received WHERE code = 'accepted')",
            "log: it counted 56 events as accepted, but has given out 60 offsets",
        ),
    ],
)
def test_tampering_is_noticed_and_named(file: str, statement: str, problem: str, data: Path) -> None:
    assert DataDirectory(data).audit().problems == []
    tamper(data / file, statement)
    assert problem in "\n".join(DataDirectory(data).audit().problems)


def test_what_does_not_balance_is_printed(data: Path) -> None:
    (data / "log.db").unlink()
    done = audit(data)
    assert done.returncode == 1
    assert "lake: its cursor stands at 60, 60 beyond the end of what it may read\n" in done.stdout
    assert "balance." not in done.stdout


def test_an_audit_writes_nothing(data: Path) -> None:
    def contents() -> dict[str, bytes]:
        """Of every file, without those that SQLite makes beside a database while it is open."""
        return {one.name: one.read_bytes() for one in data.iterdir() if not one.name.endswith(("-wal", "-shm"))}

    before = contents()
    assert audit(data).returncode == 0
    assert contents() == before


def test_a_directory_without_data(tmp_path: Path) -> None:
    done = audit(tmp_path)
    assert (done.returncode, done.stderr) == (1, f"`{tmp_path}` is no data directory: there is no `state.db` in it\n")


def test_it_balances_while_the_server_runs(tmp_path: Path) -> None:
    with shop() as workspace, running_server(workspace, tmp_path) as server:
        over = threading.Event()

        def send() -> None:
            sent = 0
            while not over.is_set():
                assert server.post("/v1/batch", batch(f"run-{sent}", 100))[0] == 200
                sent += 1

        sender = threading.Thread(target=send)
        sender.start()
        try:
            found = [audit(server.data) for _ in range(3)]
        finally:
            over.set()
            sender.join()
        heads = [accounts(one.stdout)["lake"][0] for one in found]
        assert [one.returncode for one in found] == [0] * 3, [one.stdout for one in found]
        assert heads[0] < heads[-1], "events came in meanwhile"


def test_it_balances_after_a_destination_was_away(tmp_path: Path) -> None:
    with shop() as workspace, running_server(workspace, tmp_path) as server:
        whole = json.loads(server.workspace_file.read_text())
        without = {**whole, "consent": {}, "destinations": whole["destinations"][1:]}
        for number, document in enumerate((whole, without, whole)):
            put_in_force(server, document)
            assert server.post("/v1/batch", batch(f"part-{number}", 9))[0] == 200
            wait_for(server, "picky")
        wait_for(server, "lake")
    done = audit(server.data)
    assert done.returncode == 0, done.stdout
    assert accounts(done.stdout)["lake"][0] == 18
    assert accounts(done.stdout)["picky"][0] == 27
