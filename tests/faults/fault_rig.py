"""What the tests of faults share: clients that keep sending, receivers that fall ill, and what must hold in the end."""

import http.client
import json
import random
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from assent.app.cli.data_directory import stores_of
from assent.app.wiring import open_log_snapshot
from assent.delivery.hearing import Hearing
from assent.domain.decision import Verdict
from assent.domain.receipt import Receipt, Statement
from assent.domain.workspace import Workspace
from assent.engine.decide import decide
from harness import Server

Event = dict[str, Any]

KEY: Final = "web-key"
CONSENT: Final = {
    "preset": "segment-beta",
    "categories": [{"id": "C1", "destinations": ["ads", "both"]}, {"id": "C2", "destinations": ["stats", "both"]}],
}
SOURCES: Final = [{"id": "web", "write_key": KEY}]
_CHOICES: Final[Sequence[Any]] = (
    None,
    {"C1": True, "C2": True},
    {"C1": True, "C2": False},
    {"C1": False, "C2": False},
    {"C2": True},
    {},
)


def an_event(message_id: str, person: str, choice: Any = None, **fields: Any) -> Event:
    context = {"consent": {"categoryPreferences": choice}} if choice is not None else {}
    event = {"type": "track", "event": "Seen", "messageId": message_id, "userId": person, "context": context}
    return {**event, "properties": {"text": "x" * 100}, "writeKey": KEY, **fields}


# --- clients


class Clients:
    """Clients that send one request after the other, and one that got no answer again, until the block ends.

    Each has people of its own. `acknowledged` are the events that were answered 200, by message id, with the time
    when they were; `sent` all that were ever sent.
    """

    def __init__(self, port: int, *, clients: int = 4, pause: float = 0.0, name: str = "m") -> None:
        self.sent: dict[str, Event] = {}
        self.acknowledged: dict[str, float] = {}
        self.statuses: Counter[int] = Counter()
        self._port = port
        self._pause = pause
        self._name = name
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._send_all, args=(number,)) for number in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Have each finish its request, so the server must be there."""
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _send_all(self, client: int) -> None:
        chance = random.Random(client)
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        number = 0
        while not self._ending.is_set():
            many = 1 if chance.random() < 0.7 else chance.randint(2, 30)
            events = [self._make(chance, client, number + at) for at in range(many)]
            number += many
            self.sent.update((one["messageId"], one) for one in events)
            body = json.dumps(events[0] if many == 1 else {"batch": events, "writeKey": KEY}).encode()
            if not self._send_surely(connection, "/v1/track" if many == 1 else "/v1/batch", body):
                break
            now = time.monotonic()
            self.acknowledged.update((one["messageId"], now) for one in events)
            if self._pause:
                self._ending.wait(self._pause)
        connection.close()

    def _make(self, chance: random.Random, client: int, number: int) -> Event:
        person = f"person {client}-{chance.randrange(5)}"
        return an_event(f"{self._name}{client}-{number:06}", person, chance.choice(_CHOICES))

    def _send_surely(self, connection: http.client.HTTPConnection, path: str, body: bytes) -> bool:
        """Send it again until it is acknowledged, as Segment's clients do; False when the block ends before."""
        while True:
            try:
                connection.request("POST", path, body)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                if self._ending.wait(0.02):
                    return False
                continue
            self.statuses[answer.status] += 1
            if answer.status == 200:
                return True
            if self._ending.wait(0.05):
                return False


# --- receivers


class Arrival(NamedTuple):
    """An event as a receiver took it, and when."""

    event: Event
    at: float


class Receiver:
    """An HTTP server that takes batches of events, or is ill: it answers errors, hangs, refuses to connect or waits."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self._illness: str | None = None
        self._well = threading.Event()
        self._well.set()
        self._server = self._listen(0)
        self.port: int = self._server.server_port
        # Servers of other tests may still be trying to reach one that had this port before.
        self.path = f"/{secrets.token_hex(8)}"
        self.url = f"http://127.0.0.1:{self.port}{self.path}"

    @property
    def events(self) -> list[Event]:
        return [one.event for one in self.arrivals]

    def fall_ill(self, illness: str) -> None:
        """A status that it answers, `hangs`, `refuses`, or `waits`, which is to answer when it has recovered."""
        self._well.clear()
        self._illness = illness
        if illness == "refuses":
            self._close()

    def recover(self) -> None:
        if self._illness == "refuses":
            self._server = self._listen(self.port)
        self._illness = None
        self._well.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._well.set()
        self._close()

    def _listen(self, port: int) -> "_HttpServer":
        server = _HttpServer(("127.0.0.1", port), self)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    def _close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()

    def judge(self, body: bytes) -> int | None:
        """The status of an answer; None for none at all."""
        illness = self._illness
        if illness is not None:
            if illness.isdigit():
                return int(illness)
            self._well.wait()
            if illness == "hangs":
                return None
        now = time.monotonic()
        batch = json.loads(body)
        self.arrivals += [Arrival(one, now) for one in (batch if isinstance(batch, list) else [batch])]
        return 200


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], receiver: Receiver) -> None:
        self.receiver = receiver
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for one in list(self._open):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that break are what this is about."""


class _Handler(BaseHTTPRequestHandler):
    server: _HttpServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver = self.server.receiver
        status = receiver.judge(body) if self.path == receiver.path else 404
        if status is None:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        """Says nothing."""


# --- what must hold


def expected(workspace: Workspace, destination: str, events: Iterable[Event]) -> set[str]:
    """The message ids of those events that the readable decision delivers to a destination."""
    [wanted] = [one for one in workspace.destinations if one.id == destination]
    rules, categories = workspace.rules, workspace.categories
    return {one["messageId"] for one in events if decide(rules, categories, wanted, one).verdict is Verdict.DELIVER}


def assert_complete_and_allowed(server: Server, clients: Clients, received: Mapping[str, Sequence[Event]]) -> int:
    """No acknowledged event is missing where it should be, none is where it should not be, each as it was sent.

    Returns how many came more than once, which is allowed.
    """
    workspace = server.workspace
    acknowledged = [clients.sent[one] for one in clients.acknowledged]
    duplicates = 0
    for destination, events in received.items():
        got = {one["messageId"] for one in events}
        missing = expected(workspace, destination, acknowledged) - got
        assert not missing, f"`{destination}` misses {len(missing)} acknowledged events, such as {sorted(missing)[:5]}"
        wrong = got - expected(workspace, destination, clients.sent.values())
        assert not wrong, f"`{destination}` got {len(wrong)} events that it should not, such as {sorted(wrong)[:5]}"
        for one in events:
            sent = clients.sent[one["messageId"]]
            assert {name: one.get(name) for name in ("userId", "context", "event")} == {
                name: sent[name] for name in ("userId", "context", "event")
            }
        duplicates += len(events) - len(got)
    return duplicates


def assert_order_of_each_person(events: Sequence[Event], name: str = "") -> None:
    """A person's events came for the first time in the order in which they were sent: their ids count."""
    last: dict[str, str] = {}
    seen: set[str] = set()
    for one in events:
        person, message_id = one["userId"], one["messageId"]
        if message_id in seen:
            continue
        seen.add(message_id)
        assert last.get(person, "") < message_id, f"{name}: {message_id} came after {last[person]} of {person}"
        last[person] = message_id


# --- the ledger


def assert_ledger_is_whole(data: Path, again: Path) -> None:
    """The chain holds, and says what a ledger says that reads the same log in one go, into the directory `again`."""
    with closing(open_log_snapshot(data)) as log, stores_of(data) as stores, stores_of(again) as fresh:
        assert stores.ledger.verify() is None
        position = stores.ledger.state().position
        hearing, at = Hearing(fresh.ledger), 0
        while at < position:
            records = log.read(at, min(1_000, position - at))
            hearing.take_in(records, at, at)
            at += len(records)
        found, expected = (list(map(_said, one.ledger.export())) for one in (stores, fresh))
        assert found == expected
        assert len(found) > 0
        print(f"{len(found)} receipts of {position} events")


def _said(receipt: Receipt) -> Statement:
    return receipt.said
