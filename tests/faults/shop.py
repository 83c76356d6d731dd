"""The workspace and the visitors of the fault tests, and the receivers that fall ill."""

import contextlib
import itertools
import json
import random
import threading
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

CATEGORIES: Final = ("ads", "analytics", "chat")
_PREFERENCES: Final = (True, False, "yes", None)


def workspace(*destinations: Mapping[str, Any]) -> dict[str, Any]:
    """Three categories, and destinations mapped to them in turn; without `destinations`, four that write files."""
    wanted = list(destinations) or [{"id": name} for name in ("adverts", "product", "support", "lake")]
    return {
        "workspace": "faults",
        "consent": {
            "categories": [
                {"id": category, "destinations": [one["id"] for one in wanted[index::3]]}
                for index, category in enumerate(CATEGORIES)
            ]
        },
        "sources": [{"id": "web", "write_key": "wk_faults"}],
        "destinations": wanted,
    }


def event(number: int, *, person: int | None = None) -> dict[str, Any]:
    """The event with that number: each a little different in whom it is about and what they consented to."""
    choice = random.Random(number)
    consent = {one: choice.choice(_PREFERENCES) for one in CATEGORIES if choice.random() < 0.9}
    return {
        "type": "track",
        "event": "Seen",
        "messageId": f"m-{number}",
        "userId": f"u-{person if person is not None else number % 7}",
        "properties": {"number": number},
        "context": {"consent": {"categoryPreferences": consent}} if choice.random() < 0.9 else {},
    }


class Sender(threading.Thread):
    """A client that sends event after event, one a request, and remembers which were acknowledged.

    One that was not is sent again, as Segment's clients do, until `stop`.
    """

    def __init__(self, port: int, numbers: Iterator[int]) -> None:
        super().__init__(daemon=True)
        self.acknowledged: list[dict[str, Any]] = []
        self.statuses: set[int] = set()
        self._port = port
        self._numbers = numbers
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        while not self._stopping.is_set():
            one = event(next(self._numbers))
            while not self._stopping.is_set():
                if self._send(one):
                    self.acknowledged.append(one)
                    break
                time.sleep(0.02)

    def _send(self, one: Mapping[str, Any]) -> bool:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=10)
        with contextlib.closing(connection):
            try:
                connection.request("POST", "/v1/track", json.dumps({**one, "writeKey": "wk_faults"}))
                status = connection.getresponse().status
            except (OSError, HTTPException):
                return False
        self.statuses.add(status)
        return status == 200


@contextlib.contextmanager
def sending(port: int, clients: int) -> Iterator[list[Sender]]:
    """Clients that send until the block ends."""
    numbers = itertools.count()
    senders = [Sender(port, _Shared(numbers)) for _ in range(clients)]
    for one in senders:
        one.start()
    try:
        yield senders
    finally:
        for one in senders:
            one.stop()
        for one in senders:
            one.join(20)


class _Shared:
    """One iterator for several threads."""

    _lock = threading.Lock()

    def __init__(self, numbers: Iterator[int]) -> None:
        self._numbers = numbers

    def __iter__(self) -> "_Shared":
        return self

    def __next__(self) -> int:
        with self._lock:
            return next(self._numbers)


class Receiver:
    """A webhook on loopback that can be well, hang, or answer with any status; what it took is in `events`."""

    def __init__(self, port: int = 0) -> None:
        self.events: list[tuple[float, dict[str, Any]]] = []
        self.status = 200
        self.refused = 0
        self._well = threading.Event()
        self._well.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def hang(self) -> None:
        self._well.clear()

    def recover(self) -> None:
        self.status = 200
        self._well.set()

    def close(self) -> None:
        self.recover()
        self._server.shutdown()
        self._server.server_close()

    def take(self, body: bytes) -> int:
        """The status to answer; waits while the receiver hangs, and takes nothing then."""
        if not self._well.is_set():
            self.refused += 1
            self._well.wait(60)
            return 503
        if self.status != 200:
            self.refused += 1
            return self.status
        received = json.loads(body)
        now = time.monotonic()
        self.events += [(now, one) for one in (received if isinstance(received, list) else [received])]
        return 200


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status = receiver.take(self.rfile.read(int(self.headers["Content-Length"])))
            with contextlib.suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    return Handler
