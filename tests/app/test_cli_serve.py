"""`assent serve` as people run it: how it begins, how it ends, and what it says when it cannot."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from assent.app.cli.data_directory import DataDirectory
from assent.app.workspace_file import load
from assent.log.snapshot import LogSnapshot
from harness import Server, assert_accounts_balance, free_port, running_server, wait_until

ASSENT = str(Path(sys.executable).with_name("assent"))
SHOP: dict[str, Any] = {
    "workspace": "Shop",
    "sources": [{"id": "web", "write_key": "web-key"}],
    "destinations": [{"id": "lake"}],
}
EVENT = {"userId": "u1", "event": "Signed Up", "writeKey": "web-key"}


@contextmanager
def patient_receiver() -> Iterator[tuple[str, threading.Event, threading.Event]]:
    """A webhook that answers only once it is told to: its URL, the event that it was asked, the event to let it go."""
    asked, released = threading.Event(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.set()
            released.wait(20)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", asked, released
    finally:
        released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def serve(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """An `assent serve` that is expected to end by itself."""
    command = [ASSENT, "serve", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, env={**os.environ, **environment})


def assert_complains(done: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    """It ended with one line on standard error that has all of `words`."""
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr


# ------------------------------------------------------------------ beginning and ending


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_request_that_is_half_here_is_finished(ending: signal.Signals, tmp_path: Path) -> None:
    with running_server(SHOP, tmp_path) as server:
        assert f"listening on {server.url}, data in {server.data}" in server.output
        body = b'{"userId": "u1", "event": "Signed Up", "writeKey": "web-key"}'
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
            connection.sendall(body[:20])
            assert server.get("/readyz")[0] == 200  # so it has seen the connection before
            os.kill(server.pid, ending)
            wait_until(lambda: _refuses(server.port), "the server takes no new connections")
            connection.sendall(body[20:])
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        server.stop()
    with closing(LogSnapshot(server.data / "log.db")) as log:
        assert log.head == 1


def test_a_delivery_under_way_is_finished(tmp_path: Path) -> None:
    with patient_receiver() as (url, asked, released):
        hooked = {**SHOP, "destinations": [{"id": "crm", "connector": "webhook", "settings": {"url": url}}]}
        with running_server(hooked, tmp_path) as server:
            assert server.post("/v1/track", EVENT)[0] == 200
            assert asked.wait(20)
            os.kill(server.pid, signal.SIGTERM)
            wait_until(lambda: _refuses(server.port), "the server takes no new connections")
            released.set()
            server.stop()
        audit = server.run("audit", "--data", server.data)
        assert audit.stdout.split("Off by")[1].split()[:4] == ["crm", "1", "1", "0"], audit.stdout


def test_everything_can_come_from_the_environment(tmp_path: Path) -> None:
    server = Server(SHOP, tmp_path)
    environment = {
        "ASSENT_DATA": str(server.data),
        "ASSENT_WORKSPACE": str(server.workspace_file),
        "ASSENT_HOST": "127.0.0.1",
        "ASSENT_PORT": str(server.port),
        "ASSENT_KEEP_DAYS": "3",
        "ASSENT_KEEP_GB": "2",
    }
    with subprocess.Popen([ASSENT, "serve"], env={**os.environ, **environment}, stderr=subprocess.PIPE) as process:
        try:
            wait_until(lambda: not _refuses(server.port), "the server is up")
            assert server.post("/v1/track", EVENT)[0] == 200
        finally:
            process.terminate()
        assert process.stderr is not None
        assert f"listening on {server.url}" in process.stderr.read().decode()
        assert process.wait(20) == 0


def test_without_a_workspace_file_what_is_in_force_stays_on_any_port(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(json.dumps({**SHOP, "destinations": []}))
    data = DataDirectory(tmp_path / "data")
    data.apply(load(tmp_path / "shop.yaml"), after=0, comment="")
    command = [ASSENT, "serve", "--data", tmp_path / "data", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = next(line for line in process.stderr if "listening on" in line)
            address = said.split("http://")[1].split(",")[0]
            with closing(HTTPConnection(address, timeout=5)) as connection:
                connection.request("POST", "/v1/track", json.dumps(EVENT))
                assert connection.getresponse().status == 200
        finally:
            process.terminate()


def test_events_are_kept_for_so_many_days(tmp_path: Path) -> None:
    with running_server(SHOP, tmp_path) as server:
        assert server.post("/v1/track", EVENT)[0] == 200
        server.settle()
    with closing(sqlite3.connect(server.data / "log.db")) as log:
        log.execute("UPDATE blocks SET received_at = received_at - ?", (2 * 24 * 3600 * 1000,))
        log.commit()
    assert _start(server.data) == 0
    with running_server(SHOP, tmp_path, "--keep-days", "1") as server:
        wait_until(lambda: _start(server.data) == 1, "the event is forgotten")
    assert_accounts_balance(server)


# ------------------------------------------------------------------ what can go wrong


def test_a_mistake_in_the_workspace_file(tmp_path: Path) -> None:
    file = tmp_path / "workspace.yaml"
    file.write_text("workspace: Shop\nconsent:\n  preset: segment-betta\n")
    done = serve("--data", tmp_path / "data", "--workspace", file)
    assert_complains(done, 2, f"{file}:3: consent.preset: `segment-betta`", "`segment-beta`")
    assert not (tmp_path / "data").exists()


def test_a_destination_that_cannot_be_served(tmp_path: Path) -> None:
    file = tmp_path / "workspace.yaml"
    file.write_text("destinations: [{id: crm, connector: webhook, settings: {url: $THERE_IS_NO_SUCH_VARIABLE}}]")
    done = serve("--data", tmp_path / "data", "--workspace", file, "--port", str(free_port()))
    assert_complains(done, 2, "destinations[0].settings.url", "THERE_IS_NO_SUCH_VARIABLE")


def test_a_workspace_file_that_is_not_there(tmp_path: Path) -> None:
    done = serve("--data", tmp_path / "data", "--workspace", tmp_path / "nowhere.yaml", COLUMNS="400")
    assert done.returncode == 2
    assert "nowhere.yaml" in done.stderr


def test_a_port_that_somebody_has(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = serve("--data", tmp_path / "data", "--port", str(port))
    assert_complains(done, 1, f"cannot listen on port {port} of `127.0.0.1`: Address already in use", "--port")


def test_a_data_directory_on_which_a_server_runs(tmp_path: Path) -> None:
    with running_server(SHOP, tmp_path) as server:
        done = serve("--data", server.data, "--port", str(free_port()))
        assert_complains(done, 1, f"another server is running on `{server.data}`")
        assert server.post("/v1/track", EVENT)[0] == 200


@pytest.mark.parametrize("path", ["file", "file/below"])
def test_a_data_directory_that_cannot_be_written(path: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = serve("--data", tmp_path / path, "--port", str(free_port()))
    assert_complains(done, 1, str(tmp_path / path))


def test_a_data_directory_with_something_else_in_it(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_text("not a database, but long enough to be asked about it" * 50)
    done = serve("--data", tmp_path, "--port", str(free_port()))
    assert_complains(done, 1, "the data directory cannot be used: file is not a database")


@pytest.mark.parametrize("option", [("--keep-days", "0"), ("--keep-gb", "-1"), ("--port", "70000")])
def test_figures_that_make_no_sense(option: tuple[str, str], tmp_path: Path) -> None:
    done = serve("--data", tmp_path / "data", *option)
    assert done.returncode == 2
    assert option[0] in done.stderr
    assert not (tmp_path / "data").exists()


def test_no_secret_is_logged(tmp_path: Path) -> None:
    hook = {"url": f"http://127.0.0.1:{free_port()}/?key=query-secret", "secret": "signing-secret"}
    secretive = {**SHOP, "destinations": [{"id": "crm", "connector": "webhook", "settings": hook}]}
    with running_server(secretive, tmp_path) as server:
        assert server.post("/v1/track", EVENT)[0] == 200
        retrying = b'assent_retrying_events{destination="crm"} 1.0'
        wait_until(lambda: retrying in server.get("/metrics")[1], "the webhook was tried")
    assert "listening on" in server.output
    assert "signing-secret" not in server.output
    assert "query-secret" not in server.output


def _refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def _start(data: Path) -> int:
    with closing(LogSnapshot(data / "log.db")) as log:
        return log.start
