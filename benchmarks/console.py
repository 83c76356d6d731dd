"""Every page of the console, and what the API answers, with five million events in the log."""

import http.client
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote, urlencode

from assent.app.console import PAGES
from assent.app.wiring import now
from benchmarks.history import DAYS, DESTINATIONS, MESSAGE_ID, SOURCES, make_history
from benchmarks.samples import CATEGORIES
from benchmarks.server import Running, running
from benchmarks.table import table

_EVENTS: Final = int(os.environ.get("BENCH_EVENTS", "5000000"))
_TIMES: Final = 30
_LIMIT_MS: Final = 200
_PASSWORD: Final = "correct horse battery"
_NOT_PAGES: Final = ("/static/", "/join/", "/sign-in")
_IDS: Final = {
    "message": MESSAGE_ID % (_EVENTS // 2),
    "destination": DESTINATIONS[2],
    "source": SOURCES[0],
    "category": CATEGORIES[0],
    "version": "1",
    "number": "1",
}
_VARIANTS: Final = {
    "/delivery": [
        *({"window": one} for one in ("10m", "1h", "6h", "7d", "14d")),
        *({"window": "14d", "by": one} for one in ("destination", "source", "event")),
        {"window": "14d", "source": SOURCES[1], "destination": DESTINATIONS[1]},
    ],
    "/delivery/flow": [{"window": "14d"}],
    "/delivery/samples": [
        {"outcome": "withheld", "reason": "category_disabled"},
        {"outcome": "failed"},
        {"outcome": "delivered", "reason": "consented"},
    ],
    "/delivery/discards": [{"code": "no_user_anon_id"}],
    "/delivery.csv": [{"window": "14d", "by": "event"}],
    "/api/v1/delivery": [{"groupBy": "destination,event,state"}],
    "/api/v1/delivery/overview": [{"window": "14d"}, {"window": "14d", "by": "event"}],
    "/api/v1/delivery/flow": [{"window": "14d"}],
    "/api/v1/delivery/samples": [{"outcome": "failed"}],
}


class _Figures(NamedTuple):
    median: float
    p95: float
    most: float
    kilobytes: float


class _Visitor:
    """One connection, signed in."""

    def __init__(self, server: Running, headers: dict[str, str] | None = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._headers = headers or {}

    def join(self, link: str) -> None:
        """Become the owner."""
        cookies: dict[str, str] = {}
        self._ask("GET", link, cookies)
        form = {"email": "o@example.com", "name": "O", "password": _PASSWORD, "again": _PASSWORD}
        self._ask("POST", link, cookies, urlencode({**form, "_csrf_token": cookies["assent_form"]}))
        self._headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}

    def _ask(self, method: str, path: str, cookies: dict[str, str], body: str | None = None) -> None:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        answer.read()
        for one in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = one.partition(";")[0].partition("=")
            cookies[name] = value

    def read(self, path: str) -> bytes:
        self._connection.request("GET", path, headers=self._headers)
        return self._connection.getresponse().read()

    def measure(self, path: str) -> _Figures | None:
        """How long the answer takes from the request to its last byte; None for one that is no page, or has no end."""
        took, size = [], 0
        self._connection.close()  # perhaps the server has, after a while in which nothing was asked
        for _ in range(_TIMES):
            started = time.perf_counter()
            self._connection.request("GET", path, headers=self._headers)
            answer = self._connection.getresponse()
            if answer.headers.get_content_type() == "text/event-stream":
                self._connection.close()
                return None
            size = len(answer.read())
            if answer.status != 200:
                print(f"  {answer.status} {path}", file=sys.stderr)
                return None
            took.append((time.perf_counter() - started) * 1000)
        took.sort()
        return _Figures(took[_TIMES // 2], took[int(_TIMES * 0.95)], took[-1], size / 1024)


def run() -> str:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as directory:
        data = Path(directory)
        stores = make_history(data, _EVENTS)
        soon = now() + 24 * 3600 * 1000
        link = stores.invitations.create("o@example.com", "owner", invited_by="benchmark", expires_at=soon)
        token = stores.tokens.create("benchmark", "member", at=now())
        stores.engine.dispose()
        with running(data=data) as server:
            rows = list(_measure(server, f"/join/{link}", token))
    slow = sum(figures.p95 > _LIMIT_MS for _, figures in rows)
    return table(
        f"Pages and answers with {_EVENTS:,} events",
        ("address", "median ms", "p95 ms", "most ms", "KB"),
        [(path, *(f"{one:,.0f}" for one in figures)) for path, figures in rows],
        f"Each asked {_TIMES} times one after the other on one connection, from the request to the last byte of the "
        f"answer; {len(rows) - slow} of {len(rows)} answer within {_LIMIT_MS} ms at p95. The events are of {DAYS} "
        "days, from three sources, with 300 routing keys and 20 names, decided for six destinations. They were written "
        "to the log and counted in bulk, without HTTP; everything that is measured is a real server.",
    )


def _measure(server: Running, link: str, token: str) -> Iterator[tuple[str, _Figures]]:
    owner = _Visitor(server)
    owner.join(link)
    program = _Visitor(server, {"Authorization": f"Bearer {token}"})
    document = json.loads(program.read("/api/docs/openapi.json"))
    routes = [path for path, methods in document["paths"].items() if "get" in methods]
    for visitor, paths in ((owner, _pages()), (program, sorted(routes))):
        for path in paths:
            for address in _addresses(path):
                if figures := visitor.measure(address):
                    print(f"  {figures.p95:,.0f} ms {address}", file=sys.stderr)
                    yield address, figures


def _pages() -> list[str]:
    """The paths of all pages, from the routes of the console."""
    paths = {path for one in PAGES if "GET" in one.http_methods for path in one.paths}
    return sorted(path for path in paths if path != "/" and not path.startswith(_NOT_PAGES))


def _addresses(path: str) -> Iterator[str]:
    """A path with ids that there are, alone and with queries."""
    filled = re.sub(r"{(\w+)(:\w+)?}", lambda found: quote(_id_for(found[1]), safe=""), path)
    needed = {"/delivery/discards"}
    if path not in needed:
        yield filled
    for query in _VARIANTS.get(path, []):
        yield f"{filled}?{urlencode(query)}"


def _id_for(name: str) -> str:
    return next((id_ for kind, id_ in _IDS.items() if kind in name), "1")
