"""Ten thousand bad requests: no 5xx, no good event lost beside them, and no consent read where there was none."""

import gzip
import json
import random
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from assent.domain.decision import Verdict
from assent.engine.policy import Policy
from faults.shop import CATEGORIES, event, workspace
from harness import Server, assert_accounts_balance, ids, running_server

_REQUESTS: Final = 10_000
_GOOD_EVERY: Final = 20
_PATHS: Final = ("/v1/track", "/v1/t", "/v1/identify", "/v1/page", "/v1/batch", "/v1/b", "/v1/import", "/v1/alias")
_VALUES: Final = (None, True, 0, -1.5, 1e300, "", "x", [], {}, [[]], {"a": {"b": []}}, "true", 10**30)


def _body(choice: random.Random) -> bytes:
    """JSON that is nearly an event, with wrong types in any of its fields."""
    one: dict[str, Any] = {**event(choice.randrange(10**9)), "writeKey": "wk_faults", "properties": {"odd": True}}
    one["messageId"] = f"odd-{choice.getrandbits(60)}"
    for name in choice.sample(
        [*one, "integrations", "_metadata", "timestamp", "sentAt", "traits"], choice.randrange(4)
    ):
        one[name] = choice.choice(_VALUES)
    if choice.random() < 0.5:
        one["context"] = choice.choice(
            [
                {"consent": choice.choice(_VALUES)},
                {"consent": {"categoryPreferences": choice.choice(_VALUES)}},
                {"consent": {"categoryPreferences": {name: choice.choice(_VALUES) for name in CATEGORIES}}},
            ]
        )
    whole: Any = one
    if choice.random() < 0.4:
        items = choice.choice([[one], [one, choice.choice(_VALUES)], choice.choice(_VALUES), []])
        whole = {"batch": items, "writeKey": "wk_faults", "context": choice.choice(_VALUES)}
    return json.dumps(whole).encode()


def _broken(body: bytes, choice: random.Random) -> bytes:
    at = choice.randrange(len(body))
    return body[:at] + bytes([choice.randrange(256)]) * choice.randrange(3) + body[at + choice.randrange(4) :]


_MAKERS: Final[tuple[Callable[[random.Random], tuple[bytes, bytes]], ...]] = (
    lambda choice: (b"", _body(choice)),
    lambda choice: (b"", _body(choice)),
    lambda choice: (b"", _broken(_body(choice), choice)),
    lambda choice: (b"", _body(choice)[: choice.randrange(400)]),
    lambda choice: (b"", choice.randbytes(choice.randrange(300))),
    lambda choice: (
        b"",
        b'{"writeKey":"wk_faults","userId":"u","event":' + b"[" * choice.choice((50, 900, 5000)) + b"}",
    ),
    lambda choice: (b"", b'{"userId":"\xff\xfe","event":"x","writeKey":"wk_faults"}'),
    lambda choice: (b"", b'{"writeKey":"wk_faults","userId":"u","event":"\\ud800","p":"' + b"y" * 33_000 + b'"}'),
    lambda choice: (b"Content-Encoding: gzip\r\n", gzip.compress(_body(choice))[: choice.randrange(20, 400)]),
    lambda choice: (b"Content-Encoding: gzip\r\n", gzip.compress(b" " * 3_000_000)),
    lambda choice: (b"Content-Encoding: gzip\r\n", choice.randbytes(60)),
    lambda choice: (b"Content-Encoding: br\r\n", _body(choice)),
    lambda choice: (b"Authorization: Basic " + choice.choice((b"%%%", b"d3Jvbmc6", b"")) + b"\r\n", _body(choice)),
    lambda choice: (b"Authorization: Bearer x\r\n", _body(choice).replace(b"wk_faults", b"wk_wrong")),
)


class _Client:
    """One connection that speaks HTTP by hand, opened anew when the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def post(self, path: str, headers: bytes, body: bytes) -> int:
        """The status of the answer."""
        head = b"POST %b HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n" % (path.encode(), headers, len(body))
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=10)
        self._socket.sendall(head + body)
        answer = self._socket.makefile("rb")
        status = int(answer.readline().split()[1])
        length, closes = 0, False
        while line := answer.readline().strip():
            name, _, value = line.lower().partition(b":")
            length = int(value) if name == b"content-length" else length
            closes = closes or (name == b"connection" and value.strip() == b"close")
        answer.read(length)
        if closes:
            self.close()
        return status

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _requests() -> Iterator[tuple[str, bytes, bytes]]:
    choice = random.Random(10_000)
    for _ in range(_REQUESTS):
        yield choice.choice(_PATHS), *choice.choice(_MAKERS)(choice)


def test_ten_thousand_bad_requests_bring_no_5xx_and_lose_nothing(tmp_path: Path) -> None:
    with running_server(workspace(), tmp_path) as server:
        client = _Client(server.port)
        good = []
        statuses = set()
        for number, (path, headers, body) in enumerate(_requests()):
            statuses.add(client.post(path, headers, body))
            if number % _GOOD_EVERY == 0:
                good.append(event(number))
                assert client.post("/v1/track", b"", json.dumps({**good[-1], "writeKey": "wk_faults"}).encode()) == 200
        client.close()
        assert statuses == {200, 400, 401}
        server.settle()
        _assert_good_events_arrived(server, good)
        _assert_no_consent_was_made_up(server)
    assert_accounts_balance(server)


def _assert_good_events_arrived(server: Server, good: list[dict[str, Any]]) -> None:
    policy = Policy(server.workspace)
    for destination in server.workspace.destinations:
        due = [one for one in good if policy.decide(one)[destination.id].verdict is Verdict.DELIVER]
        assert not set(ids(due)) - set(ids(server.delivered(destination.id)))
        assert len(due) > 20


def _assert_no_consent_was_made_up(server: Server) -> None:
    """Each event that a destination got is one that `decide` sends there, as it arrived."""
    policy = Policy(server.workspace)
    odd = 0
    for destination in server.workspace.destinations:
        for one in server.delivered(destination.id):
            decision = policy.decide(one)[destination.id]
            assert decision.verdict is Verdict.DELIVER, f"`{destination.id}` got {one}: {decision}"
            odd += one["messageId"].startswith("odd-")
    assert odd > 100, "some of the odd requests hold events that may flow"


@pytest.mark.parametrize("size", [40_000, 600_000, 1_500_000])
def test_a_body_that_is_too_large_is_answered_before_it_is_all_sent(tmp_path: Path, size: int) -> None:
    with (
        running_server(workspace(), tmp_path) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection,
    ):
        path = b"/v1/track" if size < 500_000 else b"/v1/batch"
        connection.sendall(b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (path, size))
        connection.sendall(b"x" * 1000)
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")
        # The rest is taken without a reset, so that a client which sends first and reads then sees the answer.
        connection.sendall(b"x" * (size - 1000))
        assert server.get("/readyz")[0] == 200


def test_a_body_without_a_length_is_cut_off_at_the_limit(tmp_path: Path) -> None:
    with (
        running_server(workspace(), tmp_path) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection,
    ):
        connection.sendall(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(60):
            connection.sendall(b"2710\r\n" + b" " * 10_000 + b"\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_client_that_goes_away_in_the_middle_harms_nobody(tmp_path: Path) -> None:
    with running_server(workspace(), tmp_path) as server:
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
                connection.sendall(b"POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
        assert server.post("/v1/track", {**event(1), "writeKey": "wk_faults"})[0] == 200
        assert "Traceback" not in server.output
