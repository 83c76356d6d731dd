"""A real `assent serve` to measure, and wrk to load it: each on a core of its own, where the system can say so."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import samples

SERVER_CORE, CLIENT_CORE = 0, 1
_TEMPLATES = 512


class Load(NamedTuple):
    """What wrk measured: events a second, latencies in milliseconds, and the server's CPU microseconds an event."""

    events_a_second: float
    median: float
    p99: float
    most: float
    cpu: float


class Running(NamedTuple):
    """A server under test."""

    pid: int
    port: int
    data: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def megabytes(self) -> float:
        """Resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]

    def cpu_seconds(self) -> float:
        """What it has used of processors since it began."""
        return _cpu_seconds(self.pid)

    def metric(self, name: str) -> float:
        """The sum of a metric's values over its labels."""
        with urllib.request.urlopen(f"{self.url}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if re.match(rf"{name}[ {{]", line))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def on_core(core: int, command: Sequence[str]) -> list[str]:
    return ["taskset", "-c", str(core), *command] if shutil.which("taskset") else list(command)


@contextlib.contextmanager
def running(
    workspace: dict[str, Any] | None = None, *, command: Sequence[str] | None = None, data: Path | None = None
) -> Iterator[Running]:
    """`assent serve` on a fresh data directory, or on one that there is (`data`), or another `command` that takes a
    port and answers `/readyz`."""
    port = free_port()
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as directory:
        assent = str(Path(sys.executable).with_name("assent"))
        if data is not None:
            whole = [assent, "serve", "--data", str(data), "--port", str(port), "--keep-days", "60"]
        elif command is None:
            data = Path(directory)
            file = data / "workspace.json"
            file.write_text(json.dumps(workspace))
            options = ["serve", "--data", f"{data}/data", "--workspace", str(file), "--port", str(port)]
            whole = [assent, *options]
        else:
            data = Path(directory)
            whole = [*command, str(port), directory]
        process = subprocess.Popen(on_core(SERVER_CORE, whole), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            server = Running(process.pid, port, data)
            _wait_until_ready(server)
            yield server
        finally:
            process.terminate()
            process.wait(60)


def _wait_until_ready(server: Running) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{server.url}/readyz").close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the server does not answer")


def load(server: Running, *, batch: int, connections: int, seconds: int) -> Load:
    """Send events for `seconds`, `batch` in a request."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_lua(batch))
        script.flush()
        before = _cpu_seconds(server.pid)
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", "-s", script.name, server.url]
        done = subprocess.run(on_core(CLIENT_CORE, command), capture_output=True, text=True, check=True)
    cpu = _cpu_seconds(server.pid) - before
    requests, took, median, p99, most, failed = map(float, done.stdout.rsplit("FIGURES", 1)[1].split())
    if failed:
        raise RuntimeError(f"{failed:.0f} requests failed: {done.stdout}")
    events = requests * batch
    return Load(events / took, median, p99, most, cpu / events * 1e6)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _lua(batch: int) -> str:
    """A wrk script that sends `batch` events a request, each with a message id of its own."""
    marker = f"{_TEMPLATES:012d}"
    heads, tails = [], []
    for number in range(_TEMPLATES):
        head, _, tail = samples.body(number).decode().partition(f"{number:012d}")
        heads.append(head)
        tails.append(tail)
    path = "/v1/track" if batch == 1 else "/v1/batch"
    return f"""
local heads = {{ {", ".join(f"[=[{one}]=]" for one in heads)} }}
local tails = {{ {", ".join(f"[=[{one}]=]" for one in tails)} }}
local n = (os.time() % 100000) * 10000000
wrk.method = "POST"
wrk.headers["Authorization"] = "Basic YmVuY2g6"
local function event()
  n = n + 1
  local at = n % {_TEMPLATES} + 1
  return heads[at] .. string.format("%0{len(marker)}d", n) .. tails[at]
end
function request()
  if {batch} == 1 then return wrk.format("POST", "{path}", nil, event()) end
  local events = {{}}
  for at = 1, {batch} do events[at] = event() end
  return wrk.format("POST", "{path}", nil, '{{"batch":[' .. table.concat(events, ",") .. ']}}')
end
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("FIGURES %d %f %f %f %f %d\\n", summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""
