"""A server in this process, on loopback, with tokens; and a receiver that its webhooks send to."""

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import httpx
import uvicorn

from assent.app.api import create_api
from assent.app.asgi import Application
from assent.app.config import Config, Oidc
from assent.app.console import create_console
from assent.app.services.workspaces import apply
from assent.app.serving import Http
from assent.app.wiring import Server, now
from assent.app.workspace_file import workspace_of
from harness import wait_until

WRITE_KEY: Final = "website-key"
GRANTED: Final = {"analytics": True, "advertising": True}
NO_ADVERTISING: Final = {"analytics": True, "advertising": False}


class Api:
    """One running server and those who use it."""

    def __init__(self, server: Server, url: str) -> None:
        self.server = server
        self.url = url
        self.owner_token = server.stores.tokens.create("olivia", "owner", at=now(), author="test").text
        self.member_token = server.stores.tokens.create("max", "member", at=now(), author="test").text
        self.owner = self._client(self.owner_token)
        self.member = self._client(self.member_token)
        self.nobody = httpx.Client(base_url=f"{url}/api/v1", timeout=20)

    def _client(self, token: str) -> httpx.Client:
        return httpx.Client(base_url=f"{self.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=20)

    def close(self) -> None:
        for client in (self.owner, self.member, self.nobody):
            client.close()

    def data(self, path: str, **parameters: Any) -> Any:
        """The `data` that a member gets there; names with a dot or a keyword come in as a mapping under `query`."""
        query = {**parameters.pop("query", {}), **parameters}
        answer = self.member.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def put(self, workspace: Mapping[str, Any]) -> int:
        """Put a workspace into force; the number of its version."""
        answer = self.owner.put("/workspace", json=workspace)
        assert answer.status_code == 200, answer.text
        number: int = answer.json()["data"]["number"]
        return number

    def track(self, message_id: str, event: str = "Tested", preferences: Any = None, **fields: Any) -> None:
        """Send a track event through the gateway; it is on disk on return."""
        consent = {"context": {"consent": {"categoryPreferences": preferences}}} if preferences is not None else {}
        self.send("track", {"messageId": message_id, "event": event, "userId": "u-1", **consent, **fields})

    def send(self, path: str, body: Mapping[str, Any], write_key: str = WRITE_KEY) -> None:
        answer = self.nobody.post(f"{self.url}/v1/{path}", json=body, auth=(write_key, ""))
        assert answer.status_code == 200, answer.text

    def fates(self, message_id: str) -> dict[str, dict[str, Any]]:
        """What became of an event, by destination."""
        rows = self.data(f"/events/{message_id}/decisions")["decisions"]
        return {row["destination"]: row for row in rows}

    def wait_for(self, message_id: str, **states: str) -> dict[str, dict[str, Any]]:
        """The fates of an event once these destinations have it in these states."""

        def seen() -> dict[str, str]:
            return {name: row["state"] for name, row in self.fates(message_id).items() if name in states}

        wait_until(lambda: seen() == states, lambda: f"`{message_id}` is {states}, not {seen()}")
        return self.fates(message_id)


@contextlib.contextmanager
def running_api(directory: Path, workspace: Mapping[str, Any], *, oidc: Oidc | None = None) -> Iterator[Api]:
    """A server on a free port, which has `workspace` (a workspace document) as its version 1."""
    server = Server(Config(data=directory / "data", oidc=oidc))
    apply(server.stores, workspace_of(dict(workspace)), author="test", at=now(), comment="the first")
    options = uvicorn.Config(
        Application(server, create_api(server), create_console(server)), lifespan="on", log_config=None
    )
    http = Http(options, server, "a test listens")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=http.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        wait_until(lambda: http.started or not thread.is_alive(), "the server is up")
        api = Api(server, f"http://127.0.0.1:{listener.getsockname()[1]}")
        try:
            yield api
        finally:
            api.close()
            http.should_exit = True
            thread.join(20)
    assert not thread.is_alive(), "the server does not stop"


class Receiver:
    """A server for webhooks: `/take` takes everything, `/refuse` nothing, `/down` is unavailable, `/hang` answers once
    `release` was called. `requests` are those that it got: their headers, names in lower case, and bodies."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self._released = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def release(self) -> None:
        self._released.set()

    def close(self) -> None:
        self.release()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        released, requests = self._released, self.requests

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
                if self.path == "/hang":
                    released.wait(20)
                status, text = {"/refuse": (422, b"no such field"), "/down": (503, b"closed for repairs")}.get(
                    self.path, (200, b"thanks")
                )
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        return Handler


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    try:
        yield receiver
    finally:
        receiver.close()


def a_workspace(**destinations: str | Mapping[str, Any]) -> dict[str, Any]:
    """A workspace whose destinations are in `analytics`, but `pixel`, which is in `advertising`; a text is the URL of a
    webhook, `blackhole` a blackhole."""
    names = list(destinations) or ["warehouse"]
    return {
        "workspace": "Shop",
        "consent": {
            "categories": [
                {"id": "analytics", "name": "Analytics", "destinations": [one for one in names if one != "pixel"]},
                {"id": "advertising", "destinations": [one for one in names if one == "pixel"]},
            ]
        },
        "sources": [{"id": "website", "write_key": WRITE_KEY}, {"id": "app", "write_key": "app-key"}],
        "destinations": [_destination(one, destinations.get(one, "blackhole")) for one in names],
    }


def _destination(name: str, kind: str | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(kind, Mapping):
        return {"id": name, **kind}
    if kind == "blackhole":
        return {"id": name, "name": name.title(), "connector": "blackhole"}
    return {"id": name, "connector": "webhook", "settings": {"url": kind}}
