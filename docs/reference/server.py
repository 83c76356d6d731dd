"""A real server with a few events, to ask it what only a running one knows: its metrics, its API, its routes."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

_COMMAND: Final = Path(sys.executable).with_name("assent")
_WORKSPACE: Final = {
    "sources": [{"id": "website", "write_key": "key"}],
    "consent": {"categories": [{"id": "ads", "destinations": ["audience"]}]},
    "destinations": [{"id": "audience", "connector": "blackhole"}],
}
_EVENTS: Final = (
    {"userId": "u1", "event": "Delivered", "context": {"consent": {"categoryPreferences": {"ads": True}}}},
    {"userId": "u1", "event": "Withheld", "context": {"consent": {"categoryPreferences": {"ads": False}}}},
    {"event": "Discarded"},
)
_SETTLED: Final = re.compile(r'assent_cursor_lag_events\{destination="audience"\} 0\.0')
_LISTENING: Final = re.compile(r"listening on http://(\S+?),")
_PATIENCE_SECONDS: Final = 20


class Answers(NamedTuple):
    """What a server said: the text of its metrics, and its OpenAPI document."""

    metrics: str
    openapi: dict[str, Any]


@cache
def answers() -> Answers:
    """What a server says after it has delivered, withheld and discarded."""
    with TemporaryDirectory() as directory, _serving(Path(directory)) as address:
        for event in _EVENTS:
            _ask(address, "POST", "/v1/track", json.dumps({**event, "writeKey": "key"}))
        _wait(lambda: _SETTLED.search(_ask(address, "GET", "/metrics")))
        return Answers(_ask(address, "GET", "/metrics"), json.loads(_ask(address, "GET", "/api/docs/openapi.json")))


@contextmanager
def _serving(directory: Path) -> Iterator[str]:
    workspace, said = directory / "workspace.json", directory / "server.log"
    workspace.write_text(json.dumps(_WORKSPACE))
    command = [_COMMAND, "serve", "--data", directory / "data", "--workspace", workspace, "--port", "0"]
    with said.open("w") as log:
        server = subprocess.Popen(command, stderr=log)
    try:
        yield _wait(lambda: _LISTENING.search(said.read_text()) or _must_live(server))[1]
    except Exception as error:
        error.add_note(f"the server of the reference said: {said.read_text()}")
        raise
    finally:
        server.terminate()
        server.wait(_PATIENCE_SECONDS)


def _must_live(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is not None:
        raise RuntimeError("the server of the reference does not start")


def _wait(for_what: Callable[[], re.Match[str] | None]) -> re.Match[str]:
    until = time.monotonic() + _PATIENCE_SECONDS
    while not (found := for_what()):
        if time.monotonic() > until:
            raise TimeoutError("the server of the reference does not come to what is waited for")
        time.sleep(0.05)
    return found


def _ask(address: str, method: str, path: str, body: str | None = None) -> str:
    connection = HTTPConnection(address, timeout=5)
    with closing(connection):
        connection.request(method, path, body)
        answer = connection.getresponse()
        text = answer.read().decode()
    if answer.status != HTTPStatus.OK:
        raise RuntimeError(f"`{method} {path}` is answered {answer.status}: {text}")
    return text
