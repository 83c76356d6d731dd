"""A clock that is set back, and forward, under a running server: order stays, and nothing breaks."""

import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from faults.fault_rig import KEY, SOURCES, Receiver, an_event
from harness import Server, assert_accounts_balance, wait_until

DAY = 24 * 3600


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with Receiver() as hook:
        yield hook


@pytest.fixture
def set_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the server's clock wrong by so many seconds."""
    monkeypatch.setenv("ASSENT_TEST_CLOCK", str(tmp_path / "clock"))

    def set_to(seconds: float) -> None:
        (tmp_path / "new").write_text(str(seconds))
        (tmp_path / "new").rename(tmp_path / "clock")

    set_to(0)
    return set_to


@pytest.fixture
def server(tmp_path: Path, hook: Receiver, set_clock: Callable[[float], None]) -> Iterator[Server]:
    workspace = {
        "consent": {"preset": "segment-ga"},
        "sources": SOURCES,
        "destinations": [{"id": "file"}, {"id": "hook", "connector": "webhook", "settings": {"url": hook.url}}],
    }
    command = [sys.executable, str(Path(__file__).with_name("at_another_time.py"))]
    server = Server(workspace, tmp_path, command=command)
    try:
        yield server.start()
        server.stop()
        assert_accounts_balance(server)
    finally:
        server.kill()
        server.print_output()


def send(server: Server, first: int, count: int) -> list[str]:
    events = [an_event(f"m{number:04}", f"person {number % 3}") for number in range(first, first + count)]
    for one in events:
        assert server.post("/v1/track", one) == (200, b'{"success": true}')
    return [one["messageId"] for one in events]


def test_a_clock_that_is_set_changes_no_order_and_loses_nothing(
    server: Server, hook: Receiver, set_clock: Callable[[float], None]
) -> None:
    sent = send(server, 0, 20)
    for number, error in enumerate((-3600, 2 * DAY, -3 * DAY, 0), start=1):
        set_clock(error)
        if number == 3:
            # A sick destination, and a start, at the time that is most wrong.
            hook.fall_ill("500")
        sent += send(server, number * 20, 20)
        if number == 3:
            wait_until(
                lambda: b'assent_retrying_events{destination="hook"} 0' not in server.get("/metrics")[1], "it waits"
            )
            server.stop()
            server.start()
            hook.recover()
    server.settle(40)
    got = [one["messageId"] for one in server.delivered("file")]
    assert got == sent
    for person in range(3):
        of_person = [one["messageId"] for one in hook.events if one["userId"] == f"person {person}"]
        assert of_person == [one for one in sent if int(one[1:]) % 3 == person]


def test_a_message_id_is_known_though_the_clock_was_set_back(
    server: Server, set_clock: Callable[[float], None]
) -> None:
    first = send(server, 0, 3)
    set_clock(-2 * DAY)
    send(server, 0, 3)
    server.settle()
    assert [one["messageId"] for one in server.delivered("file")] == first


def test_events_are_stamped_with_the_time_that_the_clock_shows(
    server: Server, set_clock: Callable[[float], None]
) -> None:
    set_clock(-2 * DAY)
    event = {**an_event("m1", "p"), "timestamp": "2026-01-01T00:00:00Z", "sentAt": "2026-01-01T00:00:10Z"}
    assert server.post("/v1/batch", {"batch": [event], "writeKey": KEY, "sentAt": event["sentAt"]})[0] == 200
    server.settle()
    [got] = server.delivered("file")
    received_at = datetime.fromisoformat(got["receivedAt"])
    assert timedelta(days=1.9) < datetime.now(received_at.tzinfo) - received_at < timedelta(days=2.1)
    assert received_at - datetime.fromisoformat(got["timestamp"]) == timedelta(seconds=10)
