"""A desk at which a page is followed: a directory, a shell, and a server once the page starts one."""

import http.client
import os
import re
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Final, Self

from harness import free_port, wait_until

_END: Final = "--- end of the answer ---"
_SERVE: Final = re.compile(r"(?:\.venv/bin/)?assent serve --data \S+ --workspace \S+")
_GOODBYE_SECONDS: Final = 20
_UNSETTLED: Final = re.compile(r"^assent_(?:cursor_lag|retrying)_events\{.*\} (?!0\.0$)", re.MULTILINE)
_ACCEPTED: Final = re.compile(r"^assent_accepted_events_total\{.*\} (\S+)$", re.MULTILINE)


class Desk:
    """Where one page is followed, from its first block to its last.

    What the page calls `https://events.example.com`, or the default port, is a server on a free port of loopback.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.host = f"127.0.0.1:{free_port()}"
        self._serving: subprocess.Popen[bytes] | None = None
        (directory / ".venv").symlink_to(sys.prefix)
        self._environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "ASSENT_PORT": self.host.partition(":")[2],
            "COLUMNS": "80",
            "LC_ALL": "C.UTF-8",
        }
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self._shell = subprocess.Popen(["bash"], cwd=directory, env=self._environment, text=True, **pipes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._shell.communicate("exit\n", timeout=_GOODBYE_SECONDS)
        if self._serving is not None:
            self._serving.send_signal(signal.SIGTERM)
            assert self._serving.wait(_GOODBYE_SECONDS) == 0, self._said()

    def write(self, name: str, text: str) -> None:
        """Write a file that the page shows."""
        (self.directory / name).write_text(self.here(text))

    def here(self, text: str) -> str:
        """The text of a page with the addresses of this desk in it."""
        text = text.replace("protocol: 'https'", "protocol: 'http'").replace(
            "https://events.example.com", f"http://{self.host}"
        )
        return text.replace("events.example.com", self.host).replace("127.0.0.1:8700", self.host)

    def type(self, command: str) -> str:
        """What a command prints, on standard error too. A server goes on in the background once it listens."""
        if _SERVE.fullmatch(command):
            self.serve(command)
            return self._said()
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"{{ {self.here(command)}\n}} < /dev/null\nprintf '\\n%s\\n' '{_END}'\n")
        self._shell.stdin.flush()
        lines = iter(self._shell.stdout.readline, f"{_END}\n")
        answer = "".join(lines).rstrip("\n")
        self.settle()
        return answer.replace(self.host, "127.0.0.1:8700")

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """A program with its arguments; it must succeed."""
        environment = self._environment
        done = subprocess.run(
            command, cwd=self.directory, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        self.settle()
        return done

    # ------------------------------------------------------------------------------------ the server

    def serve(self, command: str = "assent serve --data data --workspace workspace.yaml") -> None:
        """Start the server, unless it runs, and return once it is ready."""
        if self._serving is not None:
            return
        with (self.directory / "serve.log").open("wb") as said:
            self._serving = subprocess.Popen(
                command.split(), cwd=self.directory, env=self._environment, stdout=said, stderr=said
            )
        wait_until(self._is_ready, lambda: f"`{command}` is ready: {self._said()}")

    @property
    def accepted(self) -> int:
        """How many events the server has accepted."""
        return sum(int(float(one)) for one in _ACCEPTED.findall(self._get("/metrics")))

    def settle(self) -> None:
        """Return once every destination has read all of the log."""
        if self._serving is not None:
            wait_until(lambda: not _UNSETTLED.search(self._get("/metrics")), "all is settled")

    def _is_ready(self) -> bool:
        assert self._serving is not None
        assert self._serving.poll() is None, self._said()
        return "listening on" in self._said() and bool(self._get("/readyz"))

    def _get(self, path: str) -> str:
        connection = http.client.HTTPConnection(self.host, timeout=5)
        with closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            text = answer.read().decode()
            return text if answer.status == http.HTTPStatus.OK else ""

    def _said(self) -> str:
        return (self.directory / "serve.log").read_text().replace(self.host, "127.0.0.1:8700").rstrip("\n")
