"""A real `assent serve`, as a subprocess on a free port of loopback."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from assent import Workspace
from harness.waiting import PATIENCE, wait_until

COMMAND: Final = [str(Path(sys.executable).with_name("assent"))]
_GOODBYE: Final = 20.0
_UNSETTLED: Final = ("assent_cursor_lag_events{", "assent_retrying_events{")


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def running_server(workspace: Mapping[str, Any], directory: Path, *options: str) -> Iterator["Server"]:
    """A server that answers `/readyz`, with everything it keeps in `directory`; stopped at the end with exit status 0.

    `workspace` is a workspace file as a mapping. A destination without a connector gets a `file` that
    `Server.delivered` reads.
    """
    server = Server(workspace, directory, *options)
    try:
        yield server.start()
        server.stop()
    finally:
        server.kill()
        server.print_output()


class Server:
    """One `assent serve` on one port and data directory; it may be stopped, killed and started again.

    `command` stands for `assent`, for tests that change the world around it.
    """

    def __init__(
        self, workspace: Mapping[str, Any], directory: Path, *options: str, command: Sequence[str] = COMMAND
    ) -> None:
        self._command = command
        self.data = directory / "data"
        self.workspace_file = directory / "workspace.yaml"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._options = options
        self._output_file = directory / "serve.log"
        self._received = directory / "received"
        directory.mkdir(parents=True, exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._told: dict[str, int] = {}
        self._printed = 0
        # JSON is YAML.
        self.workspace_file.write_text(json.dumps(self._with_files(workspace), indent=2))

    @property
    def workspace(self) -> Workspace:
        return Workspace.load(self.workspace_file)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None

    @property
    def output(self) -> str:
        """What the server wrote to its standard output and error, over all its starts."""
        return self._output_file.read_text(errors="replace") if self._output_file.exists() else ""

    def start(self) -> Self:
        """Start it, and return once it is ready."""
        self.spawn()
        assert self._process is not None
        wait_until(self._is_ready_or_gone, lambda: f"`assent serve` is ready; its output: {self.output}")
        assert self._process.poll() is None, (
            f"`assent serve` ended with status {self._process.returncode}: {self.output}"
        )
        return self

    def spawn(self) -> None:
        """Start it, and return at once."""
        command: list[str | Path] = [*self._command, "serve", "--data", self.data, "--workspace", self.workspace_file]
        command += ["--host", "127.0.0.1", "--port", str(self.port), *self._options]
        with self._output_file.open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)

    def stop(self) -> None:
        """Ask it to end (SIGTERM); it must, with exit status 0."""
        if (process := self._process) is None:
            return
        process.send_signal(signal.SIGTERM)
        status = process.wait(_GOODBYE)
        self._process = None
        assert status == 0, f"`assent serve` ended with status {status} after SIGTERM"

    def kill(self) -> None:
        """Kill it without a warning (SIGKILL)."""
        if (process := self._process) is not None:
            process.kill()
            process.wait()
            self._process = None

    def get(self, path: str) -> tuple[int, bytes]:
        """The status and body that the server answers to a GET."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def post(self, path: str, body: Any) -> tuple[int, bytes]:
        """The status and body that the server answers to a POST of `body` as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(connection):
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """What another `assent` command does, such as `audit`."""
        return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False)

    def settle(self, seconds: float = PATIENCE) -> None:
        """Return once every destination has read all of the log, and no event waits to be tried again."""
        wait_until(lambda: not self._unsettled(), lambda: f"all is settled: {self._unsettled()}", seconds)

    def begin_anew(self) -> None:
        """From now on, `delivered` tells of what comes after: for a test that has not got the server to itself."""
        self.settle()
        for destination in self.workspace.destinations:
            self._told[destination.id] = len(self._all_delivered(destination.id))

    def delivered(self, destination: str) -> list[dict[str, Any]]:
        """The events that a `file` destination has got so far, in order."""
        return self._all_delivered(destination)[self._told.get(destination, 0) :]

    def print_output(self) -> None:
        """Print what the server wrote since the last time; pytest shows it beside a failure."""
        output = self.output
        print(output[self._printed :])
        self._printed = len(output)

    def _unsettled(self) -> list[str]:
        metrics = self.get("/metrics")[1].decode()
        return [line for line in metrics.splitlines() if line.startswith(_UNSETTLED) and not line.endswith(" 0.0")]

    def _all_delivered(self, destination: str) -> list[dict[str, Any]]:
        """What is in all files of a destination; a line that a crash tore is left out."""
        current = self._received / destination / "events.jsonl"
        files = [*sorted(current.parent.glob("events.*.jsonl")), *([current] if current.exists() else [])]
        lines = [line for file in files for line in file.read_bytes().splitlines(keepends=True)]
        return [event for line in lines if (event := _whole(line)) is not None]

    def _is_ready_or_gone(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            return True
        with contextlib.suppress(OSError):
            return self.get("/readyz")[0] == 200
        return False

    def _with_files(self, workspace: Mapping[str, Any]) -> dict[str, Any]:
        destinations = [self._with_file(destination) for destination in workspace.get("destinations", [])]
        return {**workspace, "destinations": destinations}

    def _with_file(self, destination: Mapping[str, Any]) -> dict[str, Any]:
        path = self._received / destination["id"] / "events.jsonl"
        return {"connector": "file", "settings": {"path": str(path)}, **destination}


def _whole(line: bytes) -> dict[str, Any] | None:
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return event if line.endswith(b"\n") else None
