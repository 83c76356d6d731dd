"""Destinations that hang, answer 500, answer 429 or refuse connections, for a stretch, beside two well ones.

How long the stretch is, in seconds, is ASSENT_TEST_OUTAGE (the suite's is short).
"""

import contextlib
import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faults.fault_rig import (
    SOURCES,
    Arrival,
    Clients,
    Receiver,
    assert_complete_and_allowed,
    assert_order_of_each_person,
)
from harness import assert_accounts_balance, running_server, wait_until

OUTAGE_SECONDS = float(os.environ.get("ASSENT_TEST_OUTAGE", "6"))
HEALTHY_SECONDS = 3.0
ILLNESSES = ("hangs", "500", "429", "refuses")


def a_webhook(name: str, url: str) -> dict[str, Any]:
    return {"id": name, "connector": "webhook", "settings": {"url": url, "timeout": 1, "concurrency": 4}}


def latency(arrivals: Sequence[Arrival], clients: Clients, since: float, until: float) -> float:
    """Seconds from the answer to the arrival, in the middle, of events acknowledged in [since, until)."""
    acknowledged = clients.acknowledged
    took = [
        one.at - at for one in list(arrivals) if since <= (at := acknowledged.get(one.event["messageId"], 0.0)) < until
    ]
    assert len(took) >= 20
    return statistics.median(took)


def test_sick_destinations_delay_no_other_and_get_everything_once_they_recover(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        sick = {illness: stack.enter_context(Receiver()) for illness in ILLNESSES}
        well = stack.enter_context(Receiver())
        webhooks = [a_webhook(name, one.url) for name, one in {**sick, "well": well}.items()]
        workspace = {
            "consent": {"preset": "segment-ga"},
            "sources": SOURCES,
            "destinations": [*webhooks, {"id": "file"}],
        }
        server = stack.enter_context(running_server(workspace, tmp_path))
        clients = stack.enter_context(Clients(server.port, clients=2, pause=0.05))
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > HEALTHY_SECONDS, "some healthy time")
        fell_ill = time.monotonic()
        for illness, receiver in sick.items():
            receiver.fall_ill(illness)
        wait_until(lambda: time.monotonic() - fell_ill > OUTAGE_SECONDS, "the outage", OUTAGE_SECONDS + 20)
        recovered = time.monotonic()
        for receiver in sick.values():
            receiver.recover()
        clients.end()
        control = latency(well.arrivals, clients, began, fell_ill)
        beside = latency(well.arrivals, clients, fell_ill, recovered)
        assert beside < 2 * control + 0.1, f"{beside:.3f} s beside sick ones, {control:.3f} s before"
        server.settle(60)
        received = {name: one.events for name, one in {**sick, "well": well}.items()}
        received["file"] = server.delivered("file")
        server.stop()
        assert_complete_and_allowed(server, clients, received)
        for name, events in received.items():
            assert len(events) >= len(clients.acknowledged), name
            assert_order_of_each_person(events, name)
        assert len({one["messageId"] for one in well.events}) == len(well.events)
        for receiver in sick.values():
            assert not any(fell_ill + 0.5 < one.at < recovered for one in receiver.arrivals)
        assert_accounts_balance(server)
