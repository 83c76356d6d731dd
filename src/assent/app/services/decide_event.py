"""Deciding an event that need not have come in: at every destination, with the rules that settled it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from assent.delivery.in_force import InForce
from assent.domain.decision import Decision
from assent.domain.errors import InvalidInput
from assent.engine.json import decode_leniently
from assent.engine.rule import DecisiveRule, decisive_rules


class Decided(NamedTuple):
    """The decision at one destination (its id) and the rules that settled it."""

    destination: str
    decision: Decision
    rules: tuple[DecisiveRule, ...]


def read_event(body: bytes) -> dict[str, Any]:
    """The event in some JSON. Raises InvalidInput."""
    event = decode_leniently(body)
    if not isinstance(event, dict):
        raise InvalidInput("an event is a JSON object")
    return event


def decide_everywhere(deciding: InForce, event: dict[str, Any]) -> Sequence[Decided]:
    """What would become of an event under a version, at each of its destinations."""
    workspace = deciding.version.workspace
    return [
        Decided(destination, decision, decisive_rules(workspace, destination, event))
        for destination, decision in deciding.policy.decide(event).items()
    ]
