"""Deciding an event that need not have come in: at every destination, with the rules that settled it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from assent.delivery.in_force import InForce
from assent.domain.decision import Decision
from assent.domain.errors import InvalidInput, NotFound
from assent.domain.workspace import Workspace
from assent.engine.json import decode_leniently
from assent.engine.rule import DecisiveRule, decisive_rules
from assent.signals.translate import Translator


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


def as_from(workspace: Workspace, source_id: str, event: dict[str, Any]) -> dict[str, Any]:
    """The event as it would be kept if it came from this source, with the consent that it states in another way.

    Raises NotFound.
    """
    source = workspace.source(source_id)
    if source is None:
        raise NotFound(f"there is no source `{source_id[:100]}`")
    return Translator(source, workspace.categories)(event) or event


def decide_everywhere(deciding: InForce, event: dict[str, Any]) -> Sequence[Decided]:
    """What would become of an event under a version, at each of its destinations."""
    workspace = deciding.version.workspace
    return [
        Decided(destination, decision, decisive_rules(workspace, destination, event))
        for destination, decision in deciding.policy.decide(event).items()
    ]
