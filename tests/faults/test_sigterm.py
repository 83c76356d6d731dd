"""SIGTERM under load: what is in flight is finished, nothing acknowledged is lost, nothing is sent twice."""

from pathlib import Path

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
