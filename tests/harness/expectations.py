"""What must hold between the events that were sent and what each destination got."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from assent.domain.decision import Verdict
from assent.engine.policy import Policy
from harness.server import Server
from harness.waiting import wait_until


def ids(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """The message ids of `events`, sorted, so that one that came twice is there twice."""
    return sorted(event["messageId"] for event in events)


def assert_delivered_as_decided(server: Server, sent: Sequence[Mapping[str, Any]]) -> None:
    """Each destination got exactly the events of `sent` that `decide` says, once, with the consent they were sent with.

    What every client sent must be acknowledged by now, or on its way: this waits until the server has settled it.
    """
    expected = _expected(server, sent)
    _wait_for(server, expected)
    server.settle()
    for destination, events in expected.items():
        got = server.delivered(destination)
        assert ids(got) == ids(events), f"`{destination}` got {ids(got)}, decided was {ids(events)}"
        assert _consents(got) == _consents(events), f"`{destination}` got events with another consent than was sent"


def assert_accounts_balance(server: Server) -> None:
    """`assent audit` of a server that is stopped: every accepted event is accounted for at every destination."""
    audit = server.run("audit", "--data", server.data)
    assert audit.returncode == 0, audit.stdout + audit.stderr


def _expected(server: Server, sent: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    policy = Policy(server.workspace)
    decisions = [(event, policy.decide(event)) for event in sent]
    return {
        one.id: [event for event, decided in decisions if decided[one.id].verdict is Verdict.DELIVER]
        for one in server.workspace.destinations
    }


def _wait_for(server: Server, expected: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    def missing() -> dict[str, list[str]]:
        return {
            name: lacking
            for name, events in expected.items()
            if (lacking := sorted(set(ids(events)) - set(ids(server.delivered(name)))))
        }

    wait_until(lambda: not missing(), lambda: f"these events are delivered: {missing()}")


def _consents(events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {event["messageId"]: event["context"].get("consent") for event in events}
