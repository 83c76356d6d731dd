"""Kill -9 of the server, twenty times under load."""

import random
from pathlib import Path

import pytest

from faults.fault_rig import (
    CONSENT,
    SOURCES,
    Clients,
    Receiver,
    assert_complete_and_allowed,
    assert_ledger_is_whole,
    assert_order_of_each_person,
)
from harness import Server, assert_accounts_balance, wait_until

KILLS = 20


def workspace(hook: Receiver) -> dict[str, object]:
    return {
        "consent": CONSENT,
        "sources": SOURCES,
        "destinations": [
            {"id": "ads"},
            {"id": "stats"},
            {"id": "both", "connector": "webhook", "settings": {"url": hook.url, "batch_size": 20, "concurrency": 2}},
        ],
    }


def kill_while_it_starts(server: Server) -> None:
    before = len(server.output)
    server.spawn()
    wait_until(lambda: len(server.output) > before, "its first line")
    server.kill()


@pytest.mark.timeout(400)
def test_nothing_acknowledged_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    chance = random.Random(20)
    with Receiver() as hook:
        server = Server(workspace(hook), tmp_path)
        try:
            server.start()
            with Clients(server.port) as clients:
                for kill in range(KILLS):
                    enough = len(clients.acknowledged) + chance.randint(1, 600)
                    wait_until(lambda enough=enough: len(clients.acknowledged) >= enough, "events are acknowledged")
                    server.kill()
                    if kill % 5 == 4:
                        kill_while_it_starts(server)
                    server.start()
                clients.end()
            server.settle()
            server.stop()
            received = {"ads": server.delivered("ads"), "stats": server.delivered("stats"), "both": hook.events}
            duplicates = assert_complete_and_allowed(server, clients, received)
            for name, events in received.items():
                assert_order_of_each_person(events, name)
            assert_accounts_balance(server)
            assert_ledger_is_whole(server.data, tmp_path / "again")
            total = sum(len(events) for events in received.values())
            print(f"{len(clients.acknowledged)} acknowledged, {total} delivered, {duplicates} of them again")
            assert len(clients.acknowledged) >= 20 * KILLS
            assert clients.statuses.keys() == {200}
        finally:
            server.kill()
            server.print_output()
