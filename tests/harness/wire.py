"""The wire between clients and the server: hands on every byte, keeps every request, and can lose answers."""

import contextlib
import gzip
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httptools


@dataclass(frozen=True)
class Request:
    """One request as a client sent it; the names of `headers` are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def retry_count(self) -> int:
        """What the client says of how often it sent this before: its `X-Retry-Count`."""
        return int(self.headers.get("x-retry-count", "0"))

    @property
    def events(self) -> list[Any]:
        """The events in the body, without any that a server adds or merges."""
        if self.method != "POST" or self.path.endswith("/m"):
            return []
        plain = gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body
        root = json.loads(plain)
        if "batch" not in root:
            return [root]
        assert not root.get("context"), "this client puts a context at the root: merge it into the events here"
        return list(root["batch"])


class Wire:
    """A relay on a port of its own before the server at `port`; `url` is what clients are pointed at.

    Where `loses` says True of a request, its answer is lost: the server has given it, and the client sees the
    connection close instead.
    """

    def __init__(self, port: int) -> None:
        self.requests: list[Request] = []
        self.loses: Callable[[Request], bool] = lambda request: False
        self._upstream = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"http://{self.host}"

    def events(self) -> list[Any]:
        """Every event that was sent, as it was sent, each message id once."""
        sent = [event for request in list(self.requests) for event in request.events]
        return list({event["messageId"]: event for event in reversed(sent)}.values())[::-1]

    def posts(self) -> list[Request]:
        """The requests that carried events."""
        return [request for request in list(self.requests) if request.events]

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in list(self._open):
            _close(one)
        for thread in self._threads:
            thread.join()

    def _start(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._upstream)
            except OSError:
                client.close()
                continue
            self._open |= {client, server}
            reader = _Reader(self.requests)
            self._start(self._hand_on, client, server, reader)
            self._start(self._hand_back, client, server, reader)

    def _hand_on(self, client: socket.socket, server: socket.socket, reader: "_Reader") -> None:
        try:
            while chunk := client.recv(65536):
                reader.feed(chunk)
                server.sendall(chunk)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(client, server)

    def _hand_back(self, client: socket.socket, server: socket.socket, reader: "_Reader") -> None:
        try:
            while chunk := server.recv(65536):
                if reader.last is not None and self.loses(reader.last):
                    break
                client.sendall(chunk)
        except OSError:
            pass
        finally:
            self._drop(client, server)

    def _drop(self, *sockets: socket.socket) -> None:
        for one in sockets:
            _close(one)
            self._open.discard(one)


class _Reader:
    """Reads requests out of the bytes of one connection; `last` is the latest complete one."""

    def __init__(self, requests: list[Request]) -> None:
        self.last: Request | None = None
        self._requests = requests
        self._parser = httptools.HttpRequestParser(self)
        self.feed = self._parser.feed_data
        self.on_message_begin()

    def on_message_begin(self) -> None:
        self._url, self._body = b"", b""
        self._headers: dict[str, str] = {}

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        path = httptools.parse_url(self._url).path.decode()
        self.last = Request(self._parser.get_method().decode(), path, self._headers, self._body)
        self._requests.append(self.last)


def _close(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
