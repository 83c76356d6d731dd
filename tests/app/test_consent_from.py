"""Sources that state consent in other ways than Segment's, through a real server: enforced, explained, kept as sent."""

from collections.abc import Iterator
from typing import Any

import pytest

from harness import Server, running_server
from harness.http_client import HttpClient

WORKSPACE = {
    "consent": {
        "preset": "strict",
        "categories": [
            {"id": "C0002", "destinations": ["warehouse"]},
            {"id": "advertising", "destinations": ["ads"], "signals": ["onetrust:C0004", "rudderstack:ads", "gpc"]},
        ],
    },
    "sources": [
        {"id": "pages", "write_key": "pages-key", "consent_from": ["cookie", "gpc"]},
        {"id": "rudder", "write_key": "rudder-key", "consent_from": ["rudderstack"]},
        {"id": "stock", "write_key": "stock-key"},
    ],
    "destinations": [{"id": "warehouse"}, {"id": "ads"}],
}
COOKIE = "session=1; OptanonConsent=consentId=a&interactionCount=1&groups=C0002%3A1%2CC0004%3A{ads}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(WORKSPACE, tmp_path_factory.mktemp("dialects")) as server:
        yield server


def test_events_go_where_what_they_say_allows(server: Server) -> None:
    rudder = {"allowedConsentIds": ["C0002", "ads"], "deniedConsentIds": ["ads"], "provider": "custom"}
    cases: dict[str, tuple[str, Any, set[str]]] = {
        "all": ("pages", {"consent": {"cookie": COOKIE.format(ads=1)}}, {"warehouse", "ads"}),
        "part": ("pages", {"consent": {"cookie": COOKIE.format(ads=0)}}, {"warehouse"}),
        "gpc": ("pages", {"consent": {"cookie": COOKIE.format(ads=1), "gpc": True}}, {"warehouse"}),
        "broken": ("pages", {"consent": {"cookie": "OptanonConsent=broken"}}, set()),
        "nobody": ("pages", {"consent": {"cookie": "session=1"}}, set()),
        "stamped": ("pages", {"consent": {"categoryPreferences": {"C0002": True}}}, {"warehouse"}),
        "rudder": ("rudder", {"consentManagement": rudder}, {"warehouse"}),
        "stray": ("stock", {"consent": {"cookie": COOKIE.format(ads=1)}, "consentManagement": rudder}, set()),
    }
    client = HttpClient(server.port)
    for name, (source, context, _) in cases.items():
        event = {"event": "Bought", "userId": "u1", "messageId": name, "writeKey": f"{source}-key", "context": context}
        assert client.post("/v1/track", event).status == 200
    client.close()
    server.settle()
    delivered = {one: {event["messageId"]: event for event in server.delivered(one)} for one in ("warehouse", "ads")}
    assert {name: {one for one in delivered if name in delivered[one]} for name in cases} == {
        name: expected for name, (_, _, expected) in cases.items()
    }
    # A destination sees what was read, and what it was read from.
    assert delivered["warehouse"]["part"]["context"]["consent"] == {
        "cookie": COOKIE.format(ads=0),
        "categoryPreferences": {"C0002": True, "advertising": False},
    }
