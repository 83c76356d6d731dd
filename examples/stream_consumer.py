"""Consent inside a stream consumer: each event goes on to the topics of the destinations that may have it.

    python examples/stream_consumer.py examples/workspace.yaml < examples/events.jsonl

Here messages are lines of standard input, and topics are lines of standard output. `messages` may be any iterable of
bytes, such as the values of what a Kafka consumer polls, and `produce` anything that takes a topic and bytes.
"""

import sys
from collections.abc import Callable, Iterable

import assent


def route(messages: Iterable[bytes], policy: assent.Policy, produce: Callable[[str, bytes], None]) -> None:
    """Pass every message on; one that is not JSON goes to a topic where somebody will look at it."""
    for message in messages:
        try:
            decisions = policy.decide(message)
        except assent.InvalidInput:
            produce("events.unreadable", message)
            continue
        for destination, decision in decisions.items():
            if decision.verdict is assent.Verdict.DELIVER:
                produce(f"events.{destination}", message)


def main(workspace_file: str) -> None:
    policy = assent.Policy(assent.Workspace.load(workspace_file))
    lines = (line.rstrip(b"\r\n") for line in sys.stdin.buffer)
    route(lines, policy, lambda topic, message: print(topic, message.decode(errors="replace"), sep="\t"))


if __name__ == "__main__":
    main(sys.argv[1])
