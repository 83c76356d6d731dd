"""Kill -9 under load: what was acknowledged is delivered where it should be, and nowhere else."""

import random
import time
from pathlib import Path

from assent.domain.decision import Verdict
from assent.engine.policy import Policy
from faults.shop import sending, workspace
from harness import Server, assert_accounts_balance, ids

_KILLS = 20


def test_no_acknowledged_event_is_lost_over_twenty_kills(tmp_path: Path) -> None:
    server = Server(workspace(), tmp_path).start()
    pause = random.Random(20)
    try:
        with sending(server.port, clients=6) as senders:
            for _ in range(_KILLS):
                time.sleep(pause.uniform(0.1, 0.5))
                server.kill()
                server.start()
        acknowledged = [one for sender in senders for one in sender.acknowledged]
        assert len(acknowledged) > 10 * _KILLS
        server.settle()
        _assert_each_where_decided(server, acknowledged)
        server.stop()
        assert_accounts_balance(server)
    finally:
        server.kill()
        server.print_output()


def _assert_each_where_decided(server: Server, acknowledged: list[dict[str, object]]) -> None:
    """At least once where `decide` says, never elsewhere. A client may have sent more than was acknowledged to it."""
    policy = Policy(server.workspace)
    for destination in server.workspace.destinations:
        got = server.delivered(destination.id)
        due = [one for one in acknowledged if policy.decide(one)[destination.id].verdict is Verdict.DELIVER]
        assert not set(ids(due)) - set(ids(got)), f"`{destination.id}` lacks acknowledged events"
        wrong = [one for one in got if policy.decide(one)[destination.id].verdict is not Verdict.DELIVER]
        assert not wrong, f"`{destination.id}` got what it should not have"
        assert len(due) > _KILLS
