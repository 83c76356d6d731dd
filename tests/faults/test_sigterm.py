"""SIGTERM under load: what is in flight is finished, nothing acknowledged is lost, nothing is sent twice."""

import re
import time
from contextlib import ExitStack
from pathlib import Path

import httpx

from faults.fault_rig import (
    CONSENT,
    SOURCES,
    Clients,
    Receiver,
    assert_complete_and_allowed,
    assert_order_of_each_person,
)
from harness import Server, assert_accounts_balance, wait_until

STOPS = 2
AT_ONCE_SECONDS = 5
"""Much less than the ten that answers under way are given."""


def test_a_server_that_is_asked_to_stop_finishes_what_is_in_flight(tmp_path: Path) -> None:
    with Receiver() as hook:
        webhook = {"id": "both", "connector": "webhook", "settings": {"url": hook.url, "concurrency": 4}}
        workspace = {"consent": CONSENT, "sources": SOURCES, "destinations": [{"id": "ads"}, {"id": "stats"}, webhook]}
        server = Server(workspace, tmp_path)
        try:
            server.start()
            with Clients(server.port) as clients:
                for _ in range(STOPS):
                    enough = len(clients.acknowledged) + 500
                    wait_until(lambda enough=enough: len(clients.acknowledged) >= enough, "events are acknowledged")
                    server.stop()
                    assert_accounts_balance(server)
                    server.start()
                clients.end()
            server.settle()
            server.stop()
            received = {"ads": server.delivered("ads"), "stats": server.delivered("stats"), "both": hook.events}
            assert assert_complete_and_allowed(server, clients, received) == 0
            for name, events in received.items():
                assert_order_of_each_person(events, name)
            assert clients.statuses.keys() == {200}
            assert "Traceback" not in server.output
            assert_accounts_balance(server)
        finally:
            server.kill()
            server.print_output()


def test_a_server_that_is_asked_to_stop_does_not_wait_for_who_looks_on(tmp_path: Path) -> None:
    server = Server({"sources": SOURCES}, tmp_path)
    try:
        server.start()
        with httpx.Client(base_url=server.url) as owner, ExitStack() as streams:
            _become_owner(server, owner)
            streams.enter_context(owner.stream("GET", "/live/events"))
            started = time.monotonic()
            server.stop()
            assert time.monotonic() - started < AT_ONCE_SECONDS
        assert "Traceback" not in server.output
    finally:
        server.kill()
        server.print_output()


def _become_owner(server: Server, client: httpx.Client) -> None:
    [link] = re.findall(r"/join/[\w-]+", server.output)
    client.get(link)
    password = "correct horse battery"
    form = {"email": "o@example.com", "name": "O", "password": password, "again": password}
    answer = client.post(link, data={**form, "_csrf_token": client.cookies["assent_form"]})
    assert answer.status_code == 303
