"""HTTP as a test wants to send it: any bytes, and the whole answer."""

import http.client
import json
import socket
from base64 import b64encode
from contextlib import closing
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """What the server said; the names of `headers` are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class HttpClient:
    """Sends requests to a server on loopback, over one connection that it opens again when it has to."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """`body` is sent as it is when it is bytes, else as JSON."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        self._connection.request(method, path, content, headers or {})
        return self._read()

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return self.send("GET", path, None, headers)

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Answer:
        return self.send("POST", path, body, headers)

    def close(self) -> None:
        self._connection.close()

    def _read(self) -> Answer:
        response = self._connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        answer = Answer(response.status, headers, response.read())
        if headers.get("connection") == "close":
            self._connection.close()
        return answer


def basic(write_key: str, password: str = "") -> dict[str, str]:
    """The header of HTTP Basic with the write key as user name, as Segment's libraries send it."""
    return {"Authorization": f"Basic {b64encode(f'{write_key}:{password}'.encode()).decode()}"}


def exchange(port: int, request: bytes) -> bytes:
    """Everything the server says to these bytes, until it closes the connection."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer
