"""Ten thousand bad requests: no 5xx, no good event lost beside them, and no consent read where there was none."""

import contextlib
import gzip
import json
import random
import socket
import threading
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from assent.domain.decision import Verdict
from assent.domain.errors import InvalidInput
from assent.domain.record import EVENT_TYPES
from assent.engine.accept import BATCH_BYTES, EVENT_BYTES
from assent.engine.decide import decide
from assent.engine.fault import find_fault
from assent.engine.json import decode_leniently
from assent.engine.merge import merge_root
from faults.fault_rig import CONSENT, KEY, SOURCES, an_event
from harness import Server, assert_accounts_balance, running_server

REQUESTS: Final = 10_000
CLIENTS: Final = 4
_GOOD_EVERY: Final = 10

WORKSPACE: Final = {
    "consent": CONSENT,
    "sources": SOURCES,
    "destinations": [
        {"id": "ads", "integration": "Facebook"},
        {"id": "stats", "receives_consent_updates": True},
        {"id": "both", "integration": "Amplitude"},
        {"id": "unmapped"},
        {"id": "off", "enabled": False},
    ],
}
_ONE: Final = {f"/v1/{one}": one for one in EVENT_TYPES} | {f"/v1/{one[0]}": one for one in EVENT_TYPES}
_MANY: Final = ("/v1/batch", "/v1/b", "/v1/import")


class Request(NamedTuple):
    """One request as it goes over the wire; `body` is what a server that reads it sees, before decompression.

    `leaves_after` is how many bytes are sent before the client goes away; None for one that waits for its answer.
    """

    path: str
    body: bytes
    headers: bytes = b""
    chunked: bool = False
    leaves_after: int | None = None

    def on_the_wire(self, chance: random.Random) -> bytes:
        if not self.chunked:
            framing, content = b"Content-Length: %d\r\n" % len(self.body), self.body
        else:
            framing, content = b"Transfer-Encoding: chunked\r\n", b""
            at = 0
            while at < len(self.body):
                part = self.body[at : at + chance.choice((1, 7, 100, 5000))]
                content += b"%x\r\n%b\r\n" % (len(part), part)
                at += len(part)
            content += b"0\r\n\r\n"
        return b"POST %b HTTP/1.1\r\nHost: x\r\n%b%b\r\n%b" % (self.path.encode(), self.headers, framing, content)


# --- what is sent

_ODD: Final = (
    None,
    True,
    False,
    0,
    1,
    1.0,
    -1.5,
    10**30,
    "",
    "x",
    "true",
    [],
    {},
    [[]],
    {"a": {"b": []}},
    [True],
    "\ud800",
)
_CONSENTS: Final = (
    *_ODD,
    {"categoryPreferences": {}},
    *({"categoryPreferences": odd} for odd in _ODD),
    *({"categoryPreferences": {"C1": odd, "C2": True}} for odd in _ODD),
    {"categoryPreferences": {"C1": True, "C2": True}},
    {"categoryPreferences": {"c1": True, "C1 ": True, "C2": False}},
    {"categorypreferences": {"C1": True}},
)
_INTEGRATIONS: Final = (
    *_ODD,
    {"All": False},
    {"All": 0},
    {"Facebook": False},
    {"ads": False, "All": True},
    {"ads": {}},
)
_BUNDLED: Final = (*_ODD, {"bundled": ["Amplitude"]}, {"bundled": "ads"}, {"bundled": [1, None, "stats"]})


def a_name(chance: random.Random) -> str:
    """So long that one with a letter changed is not another's."""
    return f"{chance.getrandbits(64):016x}"


def odd_event(chance: random.Random, name: str) -> dict[str, Any]:
    """Nearly an event; `mark` is always there to know it again by."""
    event: dict[str, Any] = {**an_event(name, f"person {chance.randrange(9)}"), "mark": name}
    for field in chance.sample([*event], chance.randrange(3)):
        if field == "messageId":
            event[field] = chance.choice((None, "", 17, [], {}))  # two alike would be one event
        elif field not in ("mark", "writeKey"):
            event[field] = chance.choice(_ODD)
    if chance.random() < 0.8:
        event["context"] = chance.choice(({"consent": chance.choice(_CONSENTS)}, chance.choice(_ODD)))
    if chance.random() < 0.3:
        event["integrations"] = chance.choice(_INTEGRATIONS)
    if chance.random() < 0.2:
        event["_metadata"] = chance.choice(_BUNDLED)
    if chance.random() < 0.1:
        event["event"] = "Segment Consent Preference Updated"
    return event


def odd_json(chance: random.Random, name: str) -> Request:
    if chance.random() < 0.6:
        event = odd_event(chance, name)
        return Request(
            chance.choice([*_ONE]), json.dumps(event, ensure_ascii=chance.random() < 0.9).encode(errors="surrogatepass")
        )
    items: Any = [odd_event(chance, a_name(chance)) for _ in range(chance.randrange(6))]
    items += chance.sample(_ODD, chance.randrange(2))
    root: dict[str, Any] = {"batch": items if chance.random() < 0.9 else chance.choice(_ODD), "writeKey": KEY}
    if chance.random() < 0.4:
        root["context"] = chance.choice(({"consent": chance.choice(_CONSENTS)}, chance.choice(_ODD)))
    if chance.random() < 0.2:
        root["integrations"] = chance.choice(_INTEGRATIONS)
    return Request(chance.choice(_MANY), json.dumps(root).encode())


def broken_json(chance: random.Random, name: str) -> Request:
    request = odd_json(chance, name)
    body = request.body
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(body))
        piece = chance.choice(
            (b"", bytes([chance.randrange(256)]), b'"', b"}", b",", b"\\", b"null", b"true", b"\xed\xa0\x80")
        )
        body = body[:at] + piece + body[at + chance.randrange(3) :]
    return request._replace(body=body[: chance.choice((len(body), chance.randrange(len(body) + 1)))])


def bytes_of_any_kind(chance: random.Random, name: str) -> Request:
    return Request(chance.choice([*_ONE, *_MANY]), chance.randbytes(chance.randrange(300)), basic(KEY))


_TRICKS: Final = (
    '"context":{"consent":{"categoryPreferences":{"C1":true}}},"context":{"consent":{"categoryPreferences":{"C1":false}}}',
    '"context":{"consent":{"categoryPreferences":{"C1":false}}},"context":null',
    '"context":{"consent":{"categoryPreferences":{"C1":true,"C1":false,"C2":true,"C2":0}}}',
    '"context":{"consent":{"\\u0063ategoryPreferences":{"C1":false,"C\\u0032":true}}}',
    '"\\u0063ontext":{"consent":{"categoryPreferences":{"C1":false}}}',
    '"context":{"consent":{"categoryPreferences":{"C1":1e999,"C2":true}}}',
    '"context":{"consent":{"categoryPreferences":{"C1":true}},"x":NaN}',
    '"context":{"consent":{"categoryPreferences":{"C1":true,"\\ud800":true}}}',
    '"context":{"consent":{"categoryPreferences":{"C1":true}},"x":"\\ud83d"}',
    '"context":{"consent":{"categoryPreferences":{"C1":true}},"x":1e400,"y":-0,"z":' + "9" * 5000 + "}",
    '"context":{"consent":{"categoryPreferences":"{\\"C1\\":true}"}}',
    '"context":{"consent":[{"categoryPreferences":{"C1":true}}]}',
    '"context":{"consent":{"categoryPreferences":{"C1":true}}}},"a":{"b":1',
    '"context" : { "consent" :\n{ "categoryPreferences"\t:{ "C1" :true , "C2": false } } }',
    '"integrations":{"All":false,"All":true},"_metadata":{"bundled":["both"],"bundled":[]}',
)


def tricky_text(chance: random.Random, name: str) -> Request:
    """JSON that parsers disagree about, and whitespace and escapes where a search for bytes would stumble."""
    event = (
        f'{{"mark":"{name}","messageId":"{name}","userId":"u","event":"e","writeKey":"{KEY}",{chance.choice(_TRICKS)}}}'
    )
    if chance.random() < 0.3:
        return Request(
            "/v1/batch",
            f'{{"batch":[{event}],"writeKey":"{KEY}"}}'.replace('"event":', '"type":"track","event":').encode(),
        )
    return Request("/v1/track", event.encode())


def deep(chance: random.Random, name: str) -> Request:
    depth = chance.choice((10, 100, 400, 700, 900, 1000, 1100, 3000, 15_000))
    nest = chance.choice(("[" * depth + "1" + "]" * depth, '{"a":' * depth + "1" + "}" * depth, "[" * depth))
    place = chance.choice(
        (
            '"properties":{"x":%s}',
            '"context":{"consent":%s}',
            '"integrations":{"All":%s}',
            '"x":%s',
            '"context":{"consent":{"categoryPreferences":{"C1":%s}}}',
        )
    )
    named = f'"mark":"{name}","messageId":"{name}","userId":"u","type":"track","event":"e","writeKey":"{KEY}"'
    event = f"{{{named},{place % nest}}}"
    if chance.random() < 0.5:
        return Request("/v1/track", event.encode())
    if chance.random() < 0.5:
        return Request("/v1/batch", f'{{"batch":[{event}],"writeKey":"{KEY}"}}'.encode())
    plain = json.dumps({**an_event(name, "u"), "mark": name})
    return Request("/v1/batch", f'{{"batch":[{plain}],"writeKey":"{KEY}","context":{{"x":{nest}}}}}'.encode())


def huge(chance: random.Random, name: str) -> Request:
    event = json.dumps({**an_event(name, "u"), "mark": name})
    if chance.random() < 0.5:
        return Request(
            "/v1/track", event.encode() + b" " * chance.choice((33_000, 100_000)), chunked=chance.random() < 0.3
        )
    return Request("/v1/batch", f'{{"batch":[{event}]}}'.encode() + b" " * 510_000)


def zipped(chance: random.Random, name: str) -> Request:
    request = odd_json(chance, name)
    body = gzip.compress(request.body, 1)
    damage = chance.choice(
        (
            lambda: body,
            lambda: body[: chance.randrange(len(body))],
            lambda: body + b"x",
            lambda: request.body,
            lambda: b"\x1f\x8b" + chance.randbytes(50),
            lambda: _BOMB,
        )
    )
    return request._replace(body=damage(), headers=b"Content-Encoding: gzip\r\n")


_BOMB: Final = gzip.compress(b"[" * 30_000_000, 9)


def wrong_key(chance: random.Random, name: str) -> Request:
    request = odd_json(chance, name)
    headers = chance.choice(
        (basic("wrong"), b"Authorization: Basic %%%\r\n", b"Authorization: Bearer x\r\n", basic(""))
    )
    body = request.body.replace(KEY.encode(), chance.choice((b"", b"unknown", KEY.encode())))
    return request._replace(headers=headers, body=body)


def odd_wire(chance: random.Random, name: str) -> Request:
    request = odd_json(chance, name)
    return chance.choice(
        (
            request._replace(chunked=True),
            request._replace(headers=b"Content-Encoding: br\r\n"),
            request._replace(headers=b"Expect: 100-nonsense\r\nX-Retry-Count: many\r\n"),
            request._replace(leaves_after=chance.randrange(200)),
            request._replace(leaves_after=len(request.body) // 2, chunked=True),
        )
    )


def basic(key: str) -> bytes:
    return b"Authorization: Basic %b\r\n" % b64encode(f"{key}:".encode())


KINDS: Final[tuple[tuple[int, Callable[[random.Random, str], Request]], ...]] = (
    (40, odd_json),
    (15, broken_json),
    (5, bytes_of_any_kind),
    (12, tricky_text),
    (6, deep),
    (1, huge),
    (7, zipped),
    (6, wrong_key),
    (8, odd_wire),
)


# --- what it should come to


class Outcome(NamedTuple):
    """What must become of one request: whether it may be answered 200, and its events with the mark of each."""

    is_json: bool
    events: dict[str, Any]


def judge(request: Request) -> Outcome:
    """By the readable parts of the engine, from the JSON value of the whole body."""
    body, limit = request.body, EVENT_BYTES if request.path in _ONE else BATCH_BYTES
    try:
        if b"gzip" in request.headers:
            body = gzip.decompress(body[: len(_BOMB)]) if body is not _BOMB else b"[" * (limit + 1)
        elif b"Content-Encoding" in request.headers:
            raise InvalidInput("an unknown encoding")
        value = decode_leniently(body) if len(body) <= limit else None
    except (InvalidInput, OSError, EOFError):
        return Outcome(is_json=False, events={})
    if len(body) > limit:
        return Outcome(is_json=False, events={})
    if request.path in _ONE:
        items, kinds = [value], [_ONE[request.path]]
    else:
        items = merged_items(value)
        kinds = [one.get("type") if isinstance(one, dict) else None for one in items]
    found = {}
    for item, kind in zip(items, kinds, strict=True):
        if kind in EVENT_TYPES and find_fault(item, kind) is None:
            found[mark_of(item)] = {**item, "type": kind}
    return Outcome(is_json=True, events=found)


def merged_items(value: Any) -> list[Any]:
    items = value.get("batch") if isinstance(value, dict) else None
    root = (
        {name: value[name] for name in ("context", "integrations") if value.get(name) not in (None, {})}
        if items
        else {}
    )
    return [merge_root(root, one) if isinstance(one, dict) else one for one in items] if isinstance(items, list) else []


def mark_of(event: dict[str, Any]) -> str:
    return str(event.get("mark") or event.get("messageId"))


# --- sending it


class Wire:
    """One connection that speaks HTTP by hand, opened anew when the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def send(self, request: bytes) -> int:
        """The status of the answer."""
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=20)
        self._socket.sendall(request)
        with self._socket.makefile("rb") as answer:
            status = int(answer.readline().split()[1])
            headers = {}
            while line := answer.readline().strip():
                name, _, value = line.lower().partition(b":")
                headers[name] = value.strip()
            answer.read(int(headers.get(b"content-length", 0)))
        if headers.get(b"connection") == b"close":
            self.close()
        return status

    def leave_after(self, request: bytes) -> None:
        """Send this much, and go away without waiting for anything."""
        with socket.create_connection(("127.0.0.1", self._port), timeout=20) as connection:
            connection.sendall(request)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Client(threading.Thread):
    """Sends its share of the requests, a good event among them now and then."""

    def __init__(self, port: int, number: int) -> None:
        super().__init__()
        self.number = number
        self.chance = random.Random(number)
        self.wire = Wire(port)
        self.statuses: Counter[int] = Counter()
        self.expected: dict[str, Any] = {}
        self.possible: dict[str, Any] = {}
        self.problems: list[str] = []

    def run(self) -> None:
        weights, makers = [weight for weight, _ in KINDS], [maker for _, maker in KINDS]
        with contextlib.closing(self.wire):
            for number in range(REQUESTS // CLIENTS):
                [maker] = self.chance.choices(makers, weights)
                self._send(maker(self.chance, a_name(self.chance)))
                if number % _GOOD_EVERY == 0:
                    self._send_good(f"good-{self.number}-{number}")

    def _send(self, request: Request) -> None:
        outcome, bytes_ = judge(request), request.on_the_wire(self.chance)
        if request.leaves_after is not None:
            self.wire.leave_after(bytes_[: len(bytes_) - len(request.body) + request.leaves_after])
            self.possible |= outcome.events
            return
        status = self.wire.send(bytes_)
        self.statuses[status] += 1
        if status == 200:
            self.expected |= outcome.events
        if status == 200 and not outcome.is_json:
            self.problems.append(f"200 for {request}")
        elif status == 400 and outcome.is_json:
            self.problems.append(f"400 for {request}")
        elif status not in (200, 400, 401):
            self.problems.append(f"{status} for {request}")

    def _send_good(self, name: str) -> None:
        choice = self.chance.choice(
            (None, {"C1": True, "C2": False}, {"C1": False, "C2": False}, {"C1": True, "C2": True})
        )
        event = {**an_event(name, "good", choice), "mark": name}
        if (status := self.wire.send(Request("/v1/track", json.dumps(event).encode()).on_the_wire(self.chance))) != 200:
            self.problems.append(f"{status} for the good {event}")
        self.expected[name] = event


def test_ten_thousand_bad_requests_bring_no_5xx_and_lose_nothing(tmp_path: Path) -> None:
    with running_server(WORKSPACE, tmp_path) as server:
        clients = [Client(server.port, number) for number in range(CLIENTS)]
        for one in clients:
            one.start()
        for one in clients:
            one.join()
        problems = [problem[:2000] for one in clients for problem in one.problems]
        assert not problems, f"{len(problems)}: " + "\n".join(problems[:10])
        statuses = sum((one.statuses for one in clients), Counter[int]())
        assert set(statuses) == {200, 400, 401}
        assert statuses[400] > 1000
        server.settle()
        assert_each_where_decided(server, clients)
        assert "Traceback" not in server.output
    assert_accounts_balance(server)


def assert_each_where_decided(server: Server, clients: list[Client]) -> None:
    """Every destination got exactly what the readable decision on the JSON value of each event says."""
    workspace = server.workspace
    for destination in workspace.destinations:

        def is_delivered(event: Any, destination: Any = destination) -> bool:
            return decide(workspace.rules, workspace.categories, destination, event).verdict is Verdict.DELIVER

        got = {mark_of(one) for one in server.delivered(destination.id)}
        due = {mark for one in clients for mark, event in one.expected.items() if is_delivered(event)}
        may = {mark for one in clients for mark, event in one.possible.items() if is_delivered(event)}
        assert not due - got, f"`{destination.id}` lacks {sorted(due - got)[:10]}"
        assert not got - due - may, f"`{destination.id}` got {sorted(got - due - may)[:10]} against what was decided"
        assert len(due) > 500 or destination.id == "off"
    withheld = [one for client in clients for one in client.expected]
    assert len(withheld) > 3000
