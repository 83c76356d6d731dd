"""Destinations that hang, answer 500 or refuse connections: the others are not delayed, the sick get all later."""

import contextlib
import itertools
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from faults.shop import Receiver, workspace
from harness import Server, assert_accounts_balance, free_port, running_server, wait_until

_SICK_SECONDS = float(os.environ.get("ASSENT_TEST_SICK_SECONDS", "6"))
_CONSENT = {"categoryPreferences": {"ads": True, "analytics": True, "chat": True}}


@contextlib.contextmanager
def _receivers(count: int) -> Iterator[list[Receiver]]:
    receivers = [Receiver() for _ in range(count)]
    try:
        yield receivers
    finally:
        for one in receivers:
            one.close()


def _send(server: Server, numbers: Iterator[int], seconds: float) -> list[dict[str, Any]]:
    """Send events of five people, about 50 a second, each stamped with the time it was sent."""
    sent = []
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    deadline = time.monotonic() + seconds
    with contextlib.closing(connection):
        while time.monotonic() < deadline:
            number = next(numbers)
            one = {
                "writeKey": "wk_faults",
                "event": "Seen",
                "messageId": f"m-{number}",
                "userId": f"u-{number % 5}",
                "properties": {"number": number, "at": time.monotonic()},
                "context": {"consent": _CONSENT},
            }
            connection.request("POST", "/v1/track", json.dumps(one))
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
            sent.append(one)
            time.sleep(0.02)
    return sent


def _webhook(name: str, url: str) -> dict[str, Any]:
    return {"id": name, "connector": "webhook", "settings": {"url": url, "timeout": 2}}


def _numbers(receiver: Receiver) -> list[int]:
    return [one["properties"]["number"] for _, one in receiver.events]


def _assert_in_order(receiver: Receiver) -> None:
    by_person = defaultdict(list)
    for _, one in receiver.events:
        by_person[one["userId"]].append(one["properties"]["number"])
    for person, numbers in by_person.items():
        firsts = list(dict.fromkeys(numbers))
        assert firsts == sorted(firsts), f"the events of `{person}` came out of order"


@pytest.mark.parametrize(
    "fall_ill",
    [
        pytest.param(Receiver.hang, id="hangs"),
        pytest.param(lambda one: setattr(one, "status", 500), id="answers-500"),
        pytest.param(lambda one: setattr(one, "status", 429), id="answers-429"),
    ],
)
def test_a_sick_destination_delays_nobody_and_gets_everything_later(
    tmp_path: Path, fall_ill: Callable[[Receiver], None]
) -> None:
    with _receivers(2) as (well, sick):
        destinations = _webhook("well", well.url), _webhook("sick", sick.url)
        with running_server(workspace(*destinations), tmp_path) as server:
            numbers = itertools.count()
            sent = _send(server, numbers, 1)
            wait_until(lambda: len(sick.events) == len(sent), "the destination is well at first")
            fall_ill(sick)
            sent += _send(server, numbers, _SICK_SECONDS)
            wait_until(lambda: len(_numbers(well)) == len(sent), "the well destination has everything meanwhile", 5)
            delays = sorted(at - one["properties"]["at"] for at, one in well.events)
            assert delays[len(delays) * 9 // 10] < 1.0, f"the well one waited {delays[-1]:.2f} s for the sick one"
            assert sick.refused
            sick.recover()
            wait_until(lambda: set(_numbers(sick)) == set(_numbers(well)), "the sick one gets everything", 60)
            sent += _send(server, numbers, 0.5)
            server.settle()
            assert set(_numbers(sick)) == set(_numbers(well)) == set(range(len(sent)))
            _assert_in_order(sick)
            _assert_in_order(well)
        assert_accounts_balance(server)


def test_a_destination_that_refuses_connections_gets_everything_once_it_is_there(tmp_path: Path) -> None:
    port = free_port()
    with _receivers(1) as (well,):
        destinations = _webhook("well", well.url), _webhook("absent", f"http://127.0.0.1:{port}/")
        with running_server(workspace(*destinations), tmp_path) as server:
            sent = _send(server, itertools.count(), _SICK_SECONDS / 2)
            wait_until(lambda: len(well.events) == len(sent), "the well destination has everything meanwhile", 5)
            late = Receiver(port)
            try:
                wait_until(lambda: len(set(_numbers(late))) == len(sent), "the absent one gets everything", 60)
                server.settle()
                _assert_in_order(late)
            finally:
                late.close()
        assert_accounts_balance(server)
