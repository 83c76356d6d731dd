"""Health, readiness and metrics of a running server: the numbers are those of what was sent."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from harness import Server, free_port, running_server, wait_until
from harness.http_client import HttpClient

WORKSPACE = {
    "consent": {"preset": "segment-ga", "categories": [{"id": "C1", "destinations": ["ads"]}]},
    "sources": [{"id": "web", "write_key": "web-key"}, {"id": "off", "write_key": "off-key", "enabled": False}],
    "destinations": [
        {"id": "ads"},
        {"id": "everything"},
        {"id": "down", "connector": "webhook", "settings": {"url": f"http://127.0.0.1:{free_port()}/"}},
    ],
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_server(WORKSPACE, tmp_path) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[HttpClient]:
    client = HttpClient(server.port)
    yield client
    client.close()


def scrape(client: HttpClient) -> dict[str, Metric]:
    answer = client.get("/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {family.name: family for family in text_string_to_metric_families(answer.body.decode())}


def value(metrics: dict[str, Metric], family: str, suffix: str = "", **labels: str) -> float:
    """The one sample with these labels; 0 where there is none."""
    samples = metrics[family].samples if family in metrics else []
    found = [one.value for one in samples if one.name == family + suffix and one.labels == labels]
    assert len(found) <= 1
    return found[0] if found else 0.0


def an_event(number: int, **preferences: bool) -> dict[str, object]:
    consent = {"consent": {"categoryPreferences": preferences}} if preferences else {}
    event = {"type": "track", "event": "e", "userId": f"u{number}", "messageId": f"m{number}", "context": consent}
    return {**event, "writeKey": "web-key"}


def test_a_server_is_healthy_and_ready(client: HttpClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").json == {"status": "ready"}


def test_metrics_agree_with_what_was_sent(client: HttpClient) -> None:
    for number in range(10):
        assert client.post("/v1/track", an_event(number, C1=number < 3)).status == 200
    batch = [an_event(number) for number in range(8, 14)]
    assert client.post("/v1/batch", {"batch": [*batch, {"type": "track"}], "writeKey": "web-key"}).status == 200
    assert client.post("/v1/track", {**an_event(99), "writeKey": "off-key"}).status == 200
    assert client.post("/v1/track", b"{").status == 400
    assert client.post("/v1/track", b"x" * 40_000).status == 400
    assert client.post("/v1/track", an_event(99), {"Authorization": "Basic eDo="}).status == 401

    def is_settled() -> bool:
        metrics = scrape(client)
        return all(value(metrics, "assent_cursor_lag_events", destination=one) == 0 for one in ("ads", "everything"))

    wait_until(is_settled, "all is delivered")
    metrics = scrape(client)
    assert value(metrics, "assent_requests", "_total", status="200") == 12
    assert value(metrics, "assent_requests", "_total", status="400") == 2
    assert value(metrics, "assent_requests", "_total", status="401") == 1
    assert value(metrics, "assent_accepted_events", "_total", source="web") == 14
    assert value(metrics, "assent_discarded", "_total", source="web", code="duplicate") == 2
    assert value(metrics, "assent_discarded", "_total", source="web", code="no_user_anon_id") == 1
    assert value(metrics, "assent_discarded", "_total", source="off", code="source_disabled") == 1
    assert value(metrics, "assent_log_head") == 14
    settled = {
        (one.labels["destination"], one.labels["state"], one.labels["reason"]): one.value
        for one in metrics["assent_settled_events"].samples
        if one.labels["destination"] != "down"
    }
    assert settled == {
        ("ads", "delivered", "consented"): 3,
        ("ads", "withheld", "category_denied"): 7,
        ("ads", "delivered", "consent_absent"): 4,
        ("everything", "delivered", "destination_unmapped"): 10,
        ("everything", "delivered", "consent_absent"): 4,
    }
    assert value(metrics, "assent_request_seconds", "_count") == 12
    assert value(metrics, "assent_commit_seconds", "_count") >= 1
    assert value(metrics, "assent_commit_seconds", "_sum") > 0
    buckets = [one for one in metrics["assent_request_seconds"].samples if one.name.endswith("_bucket")]
    assert [one.value for one in buckets] == sorted(one.value for one in buckets)
    assert buckets[-1].labels["le"] == "+Inf"


def test_metrics_show_a_destination_that_is_down(client: HttpClient) -> None:
    for number in range(20):
        client.post("/v1/track", an_event(number))
    wait_until(lambda: value(scrape(client), "assent_retrying_events", destination="down") >= 1, "an event waits")
    wait_until(lambda: value(scrape(client), "assent_breaker_open", destination="down") == 1, "its breaker is open")
    metrics = scrape(client)
    waiting = value(metrics, "assent_retrying_events", destination="down")
    assert waiting + value(metrics, "assent_cursor_lag_events", destination="down") == 20
    assert value(metrics, "assent_breaker_open", destination="ads") == 0
