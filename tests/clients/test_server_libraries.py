"""The libraries that servers send with, as published: their events arrive, and go where `decide` says."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from harness import (
    Request,
    Server,
    Wire,
    assert_accounts_balance,
    assert_delivered_as_decided,
    node,
    node_modules,
    running_server,
)

_HERE: Final = Path(__file__).parent

WRITE_KEY: Final = "server-side-key"

WORKSPACE: Final = {
    "workspace": "Shop",
    "consent": {
        "preset": "segment-beta",
        "categories": [
            {"id": "advertising", "name": "Advertising", "destinations": ["facebook", "google-ads", "crm"]},
            {"id": "analytics", "name": "Analytics", "destinations": ["facebook", "amplitude", "sleeping"]},
            {"id": "retired", "name": "Retired", "enabled": False, "destinations": ["heap"]},
        ],
    },
    "sources": [{"id": "src_backend", "name": "Backend", "write_key": WRITE_KEY}],
    "destinations": [
        {"id": "facebook", "integration": "Facebook Conversions API"},
        {"id": "google-ads", "integration": "Google Ads"},
        {"id": "amplitude", "integration": "Amplitude"},
        {"id": "heap", "integration": "Heap"},
        {"id": "slack", "integration": "Slack"},
        {"id": "crm", "integration": "Webhook", "receives_consent_updates": True},
        {"id": "sleeping", "integration": "Mixpanel", "enabled": False},
    ],
}


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(WORKSPACE, tmp_path_factory.mktemp("server")) as server:
        yield server
        server.stop()
        assert_accounts_balance(server)


@pytest.fixture
def server(one_server: Server) -> Iterator[Server]:
    one_server.begin_anew()
    yield one_server
    one_server.print_output()


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    with Wire(server.port) as wire:
        yield wire


Calls = list[dict[str, Any]]


LIBRARIES: Final = {
    "segment-analytics-python": "send_segment_python.py",
    "segment-analytics-python, gzip": "send_segment_python.py",
    "@segment/analytics-node": "send_segment_node.mjs",
    "@rudderstack/rudder-sdk-node": "send_rudder_node.mjs",
}
COMPRESSED: Final = {"segment-analytics-python, gzip", "@rudderstack/rudder-sdk-node"}


def send(library: str, host: str, calls: Calls, write_key: str = WRITE_KEY) -> str:
    """Send with a library in a process of its own; what it reports as failed, or nothing."""
    script = LIBRARIES[library]
    runtime = sys.executable if script.endswith(".py") else node()
    task = {"host": host, "writeKey": write_key, "gzip": library in COMPRESSED, "calls": calls}
    done = subprocess.run(
        [runtime, script], input=json.dumps(task), cwd=_HERE, capture_output=True, text=True, timeout=60, check=False
    )
    return f"{done.stdout}{done.stderr}" if done.returncode else ""


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if LIBRARIES[name].endswith(".mjs"):
        node_modules()
    return name


def _consent(**preferences: Any) -> dict[str, Any]:
    return {"consent": {"categoryPreferences": preferences}}


CALLS: Final[Calls] = [
    {
        "type": "identify",
        "userId": "u1",
        "traits": {"plan": "pro"},
        "context": _consent(advertising=True, analytics=True),
    },
    {"type": "track", "userId": "u1", "event": "Signed Up", "context": _consent(advertising=True, analytics=False)},
    {"type": "track", "userId": "u1", "event": "Refused", "context": _consent(advertising=False, analytics=False)},
    {"type": "track", "anonymousId": "a1", "event": "Half Said", "context": _consent(analytics=True)},
    {"type": "track", "anonymousId": "a1", "event": "Said Nothing"},
    {"type": "track", "userId": "u1", "event": "Nothing Granted", "context": _consent()},
    {"type": "track", "userId": "u1", "event": "Unreadable", "context": _consent(advertising="true", analytics=1)},
    {"type": "track", "userId": "u1", "event": "Retired", "context": _consent(retired=True)},
    {"type": "track", "userId": "u1", "event": "Closed", "integrations": {"All": False, "Slack": True}},
    {
        "type": "track",
        "userId": "u1",
        "event": "Consent Wins",
        "integrations": {"Amplitude": False},
        "context": _consent(analytics=True),
    },
    {
        "type": "track",
        "userId": "u1",
        "event": "Segment Consent Preference Updated",
        "context": _consent(advertising=False, analytics=True),
    },
    {
        "type": "page",
        "userId": "u1",
        "name": "Café ☕",
        "properties": {"price": 9.5},
        "context": _consent(analytics=True),
    },
    {"type": "screen", "anonymousId": "a1", "name": "Cart", "context": _consent(advertising=True)},
    {"type": "group", "userId": "u1", "groupId": "g1", "traits": {"seats": 3}, "context": _consent(analytics=True)},
    {"type": "alias", "userId": "u1", "previousId": "a1", "context": _consent(advertising=True, analytics=True)},
]


def test_every_kind_of_call_goes_where_decide_says(library: str, server: Server, wire: Wire) -> None:
    assert not send(library, wire.url, CALLS)

    sent = wire.events()
    assert Counter(event["type"] for event in sent) == Counter(call["type"] for call in CALLS)
    assert {bool(request.headers.get("content-encoding")) for request in wire.posts()} == {library in COMPRESSED}
    assert_delivered_as_decided(server, sent)
    assert len(server.delivered("amplitude")) == 8
    assert [event["event"] for event in server.delivered("slack")] == ["Said Nothing", "Closed"]


def test_what_a_destination_gets_is_what_was_sent_and_the_times(library: str, server: Server, wire: Wire) -> None:
    assert not send(library, wire.url, CALLS[:1])

    (sent,) = wire.events()
    assert_delivered_as_decided(server, [sent])
    (got,) = server.delivered("amplitude")
    added = {"receivedAt", "timestamp", "originalTimestamp", "sentAt", "writeKey"}
    assert {name: got[name] for name in got.keys() - added} == {name: sent[name] for name in sent.keys() - added}
    assert got["traits"] == {"plan": "pro"}
    assert got["receivedAt"] >= got["timestamp"]


def test_an_answer_lost_on_the_way_brings_the_events_again_and_they_are_delivered_once(
    library: str, server: Server, wire: Wire
) -> None:
    wire.loses = _first_of_each_event()
    assert not send(library, wire.url, CALLS)

    times_sent = Counter(event["messageId"] for request in wire.posts() for event in request.events)
    assert set(times_sent.values()) == {2}
    if "rudder" not in library:
        assert {request.retry_count for request in wire.posts()} == {0, 1}
    assert_delivered_as_decided(server, wire.events())


def _first_of_each_event() -> Callable[[Request], bool]:
    answered: set[str] = set()

    def loses(request: Request) -> bool:
        new = {event["messageId"] for event in request.events} - answered
        answered.update(new)
        return bool(new)

    return loses


def test_an_unknown_write_key_is_a_failure_that_the_library_reports_and_does_not_repeat(
    library: str, server: Server, wire: Wire
) -> None:
    assert send(library, wire.url, CALLS[:1], write_key="of-somebody-else")
    assert len(wire.posts()) == 1
    assert not server.delivered("amplitude")
