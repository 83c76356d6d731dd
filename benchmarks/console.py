"""Every page of the console, and every answer of the API to GET, with five million events in the log."""

import http.client
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from assent.app.console import PAGES
from assent.app.services.drafts import create
from assent.app.services.workspaces import apply
from assent.app.wiring import Stores, now, open_stores
from assent.domain.decision import Reason
from assent.domain.job import Job, JobState
from assent.domain.outcome import Selection, State
from assent.domain.regulation import Regulation, RegulationStatus, RegulationType, SubjectId, SubjectType
from assent.store.regulations import new_regulation_id
from benchmarks.history import DAYS, DESTINATIONS, MESSAGE_ID, SOURCES, make_history
from benchmarks.samples import CATEGORIES
from benchmarks.server import Running, running
from benchmarks.table import table

_EVENTS: Final = int(os.environ.get("BENCH_EVENTS", "5000000"))
_KEPT: Final = os.environ.get("BENCH_KEEP")
"""A directory to keep the data in: making it takes minutes, and the next run finds it there."""

_KEYS: Final = 300
_MANY_KEYS: Final = 20_000
_TIMES: Final = 30
_A_DAY_MS: Final = 24 * 3600 * 1000
_LIMIT_MS: Final = 200
_PASSWORD: Final = "correct horse battery"
_NOT_MEASURED: Final = (
    *("/static/", "/join/", "/sign-in", "/live/events"),
    *("/people/export", "/api/v1/profiles/{profileId}/export", "/api/v1/receipts/export"),
)
"""Files; pages for who is not signed in; one without an end; and archives, streamed as long as it takes."""

_LEADING_ELSEWHERE: Final = ("/", "/settings")

_DRAFT: Final = "draft of the benchmark"

_PREVIEW: Final = {
    "destinations": DESTINATIONS[0],
    "reasons": "category_denied",
    "since": f"{datetime.now(UTC) - timedelta(minutes=1):%Y-%m-%dT%H:%M}",
    "until": f"{datetime.now(UTC):%Y-%m-%dT%H:%M}",
}
_QUERIES: Final[dict[str, list[dict[str, str]]]] = {
    "/backfills/preview": [_PREVIEW],
    "/connections/destinations/new": [{"connector": "webhook"}],
    "/connections/destinations/{destination_id}/impact": [
        {"change": "disable"},
        {"categories": CATEGORIES[1], "change": "categories"},
    ],
    "/delivery": [
        {},
        *({"window": one} for one in ("10m", "1h", "6h", "7d", "14d")),
        *({"window": "14d", "by": one} for one in ("destination", "source", "event")),
        {"window": "14d", "source": SOURCES[1], "destination": DESTINATIONS[1]},
        {"window": "14d", "by": "event", "source": SOURCES[1], "destination": DESTINATIONS[1]},
    ],
    "/delivery.csv": [{}, {"window": "14d", "by": "event"}],
    "/delivery/discards": [{"code": "no_user_anon_id"}],
    "/delivery/flow": [{}, {"window": "7d"}, {"window": "14d"}],
    "/delivery/samples": [
        {"outcome": "withheld", "reason": "category_disabled"},
        {"outcome": "failed"},
        {"outcome": "delivered", "reason": "consented"},
    ],
    "/events": [{}, {"user": "user-17"}, {"text": "no such text"}, {"reason": "category_missing"}],
    "/failed": [{}, {"destination": "crm", "answer": "no such field"}],
    "/holds/change": [{"kind": "workspace"}, {"kind": "destination", "id": DESTINATIONS[0]}],
    "/holds/trial": [{"kind": "destination", "id": DESTINATIONS[0]}, {"kind": "category", "id": CATEGORIES[0]}],
    "/privacy/consent/category": [{"id": CATEGORIES[0]}],
    "/privacy/consent/category/delete": [{"id": CATEGORIES[0]}],
    "/privacy/consent/category/disable": [{"id": CATEGORIES[0]}],
    "/privacy/consent/category/enable": [{"id": CATEGORIES[0]}],
    "/privacy/consent/setup/sources/first": [{"from": "0"}],
    "/what-if": [{}, {"event": MESSAGE_ID % (_EVENTS // 2)}],
    "/api/v1/delivery": [{}, {"groupBy": "destination,event,state"}],
    "/api/v1/delivery/overview": [{}, {"window": "14d"}, {"window": "14d", "by": "event"}],
    "/api/v1/delivery/breakdown.csv": [{"window": "14d", "by": "event"}],
    "/api/v1/delivery/flow": [{}, {"window": "14d"}],
    "/api/v1/delivery/samples": [{"outcome": "failed"}],
}
"""What pages are asked with, where they are asked with something."""

_BY_KEY: Final = (
    "/connections/destinations/{destination_id}/impact",
    "/delivery",
    "/privacy/consent",
    "/versions/",
    "/api/v1/delivery/flow",
    "/api/v1/warnings",
    "/api/v1/consent",
    "/api/v1/drafts",
)
"""How those paths begin that cost more where there are more distinct routing keys."""


class _Figures(NamedTuple):
    median: float
    p95: float
    most: float
    cpu: float
    kilobytes: float

    @property
    def verdict(self) -> str:
        return "yes" if self.p95 <= _LIMIT_MS else "NO"


class _Visitor:
    """One connection, signed in."""

    def __init__(self, server: Running, headers: dict[str, str] | None = None) -> None:
        self._server = server
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._headers = headers or {}

    def join(self, link: str, email: str) -> None:
        """Become an owner."""
        cookies: dict[str, str] = {}
        self._ask("GET", link, cookies)
        form = {"email": email, "name": "O", "password": _PASSWORD, "again": _PASSWORD}
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
        """What is there. Raises RuntimeError for anything but 200: what is not shown must not count as quick."""
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}: give it what it needs, in benchmarks/console.py")
        return body

    def measure(self, path: str) -> _Figures:
        """How long the answer takes from the request to its last byte, and how much of a processor."""
        took, size = [], 0
        cpu = self._server.cpu_seconds()
        self._connection.close()  # perhaps the server has, after a while in which nothing was asked
        for _ in range(_TIMES):
            started = time.perf_counter()
            size = len(self.read(path))
            took.append((time.perf_counter() - started) * 1000)
        took.sort()
        cpu = (self._server.cpu_seconds() - cpu) / _TIMES * 1000
        return _Figures(took[_TIMES // 2], took[int(_TIMES * 0.95)], took[-1], cpu, size / 1024)


def run() -> str:
    return "\n".join([_table(_KEYS), _table(_MANY_KEYS, _BY_KEY)])


def _table(keys: int, beginnings: tuple[str, ...] = ("/",)) -> str:
    with _data(keys) as data:
        stores = open_stores(data)
        ids = _prepare(stores)
        at = now()
        owner = f"o-{at}@example.com"
        link = stores.invitations.create(owner, "owner", invited_by="benchmark", at=at, expires_at=at + _A_DAY_MS)
        token = stores.tokens.create("benchmark", "member", at=at, author="benchmark").text
        stores.engine.dispose()
        with running(data=data) as server:
            rows = list(_measure(server, (f"/join/{link}", owner), token, ids, beginnings))
            megabytes = server.megabytes()
    slow = sum(figures.p95 > _LIMIT_MS for _, figures in rows)
    return table(
        f"Pages and answers with {_EVENTS:,} events of {keys:,} distinct routing keys",
        ("address", "median ms", "p95 ms", "most ms", "CPU ms", "KB", f"within {_LIMIT_MS} ms"),
        [(path, *(f"{one:,.0f}" for one in figures), figures.verdict) for path, figures in rows],
        f"Each asked {_TIMES} times one after the other on one connection, from the request to the last byte of the "
        f"answer; {len(rows) - slow} of {len(rows)} answer within {_LIMIT_MS} ms at p95. The events are of {DAYS} "
        f"days, from three sources, with 20 names, decided for six destinations. They were written to the log and "
        "counted in bulk, without HTTP; everything that is measured is a real server. It had "
        f"{megabytes:,.0f} MB of memory at the end. Processors had {os.getloadavg()[1]:.1f} things to do, these among "
        "them.",
    )


@contextmanager
def _data(keys: int) -> Iterator[Path]:
    """A data directory with a history."""
    if _KEPT is not None:
        data = Path(_KEPT) / f"{_EVENTS}-{keys}"
        if not data.exists():
            making = data.with_name(f"{data.name}.making")
            make_history(making, _EVENTS, keys).engine.dispose()
            making.rename(data)
        yield data
        return
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as directory:
        make_history(Path(directory), _EVENTS, keys).engine.dispose()
        yield Path(directory)


def _prepare(stores: Stores) -> dict[str, str]:
    """Something of every kind that pages show; by the name that paths give it, its id."""
    at = now()
    first = stores.versions.get(1)
    changed = msgspec.structs.replace(
        first.workspace, consent=msgspec.structs.replace(first.workspace.consent, preset="strict")
    )
    if stores.versions.current_number() == 1:
        apply(stores, changed, author="benchmark", at=at, comment="another")
    member = stores.users.add(f"m-{at}@example.com", "M", "member", None, at=at)
    draft = create(stores, _DRAFT, author="benchmark", at=at)
    selection = Selection(State.WITHHELD, (Reason.CATEGORY_DENIED,))
    job = Job(f"bkf_{at}", DESTINATIONS[0], 0, 1, 1, selection, "benchmark", "to see", JobState.DONE, None, at, at)
    stores.jobs.start([job], at=at)
    nobody = SubjectId(SubjectType.USER_ID, "nobody-there")
    done = RegulationStatus.FINISHED
    asked = Regulation(
        new_regulation_id(), RegulationType.SUPPRESS_ONLY, nobody.type, 1, done, "benchmark", "to see", at, at
    )
    stores.regulations.add(asked, [nobody], at=at)
    return {
        "message": MESSAGE_ID % (_EVENTS // 2),
        "destination": DESTINATIONS[2],
        "source": SOURCES[0],
        "category": CATEGORIES[0],
        "version": "1",
        "number": "1",
        "at": "0",
        "job": job.id,
        "backfill": job.id,
        "draft": draft.id,
        "user": member.id,
        "regulation": asked.id,
    }


def _measure(
    server: Running, invitation: tuple[str, str], token: str, ids: dict[str, str], beginnings: tuple[str, ...]
) -> Iterator[tuple[str, _Figures]]:
    _wait_for_ledger(server)
    owner = _Visitor(server)
    owner.join(*invitation)
    owner.read("/account")  # raises where it did not come in
    program = _Visitor(server, {"Authorization": f"Bearer {token}"})
    document = json.loads(program.read("/api/docs/openapi.json"))
    routes = [path for path, methods in document["paths"].items() if "get" in methods]
    routes = sorted(path for path in routes if not path.startswith(_NOT_MEASURED))
    receipt = json.loads(program.read("/api/v1/receipts?pagination.count=1"))["data"]["receipts"][0]
    person = receipt["userId"] or receipt["anonymousId"]
    found = {**ids, "preview": _counted(owner), "receipt": receipt["id"], "person": person, "any": person}
    for visitor, paths in ((owner, _pages()), (program, routes)):
        for path in paths:
            for address in _addresses(path, found) if path.startswith(beginnings) else ():
                figures = visitor.measure(address)
                print(f"  {figures.p95:,.0f} ms {address}", file=sys.stderr)
                yield address, figures


def _wait_for_ledger(server: Running) -> None:
    """A history is written without its ledger: pages are as ever once the server has read it."""
    while left := server.metric("assent_ledger_lag_events"):
        print(f"  the ledger has {left:,.0f} events to read", file=sys.stderr)
        time.sleep(5)


def _counted(owner: _Visitor) -> str:
    """The id of a preview that took so long that its page is one to come back to; it is done."""
    query = {**_PREVIEW, "since": f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M}"}
    found = re.search(rb"/backfills/preview/(\w+)", owner.read(f"/backfills/preview?{urlencode(query)}"))
    if found is None:
        return "done-at-once"  # the page then says that it is no longer kept
    id_ = found[1].decode()
    while b"<progress" in owner.read(f"/backfills/preview/{id_}"):
        time.sleep(1)
    return id_


def _pages() -> Sequence[str]:
    """The paths of all pages, from the routes of the console."""
    paths = {re.sub(r":\w+}", "}", path) for one in PAGES if "GET" in one.http_methods for path in one.paths}
    return sorted(path for path in paths if path not in _LEADING_ELSEWHERE and not path.startswith(_NOT_MEASURED))


def _addresses(path: str, ids: dict[str, str]) -> Iterator[str]:
    """A path with ids that there are, with each of its queries."""
    filled = re.sub(r"{(\w+)}", lambda found: quote(_id_for(found[1], ids), safe=""), path)
    for query in _QUERIES.get(path, [{}]):
        yield f"{filled}?{urlencode(query)}" if query else filled


def _id_for(name: str, ids: dict[str, str]) -> str:
    """Raises RuntimeError for a parameter that nothing is known of."""
    kind = re.sub(r"(_i|I)d$", "", name)
    if kind not in ids:
        raise RuntimeError(f"no page can be asked for without `{name}`: give it a value, in benchmarks/console.py")
    return ids[kind]
