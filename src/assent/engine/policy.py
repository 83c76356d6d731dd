"""The compiled decision: a workspace made ready to decide for all destinations at once, by routing key."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import msgspec

from assent.domain.decision import Decision, Reason, Verdict
from assent.domain.errors import InvalidInput
from assent.domain.workspace import Category, Destination, Rules, Workspace
from assent.engine.consent import Whole, is_consent_update, read_preferences
from assent.engine.decide import decide
from assent.engine.json import JSON_ERRORS, check_utf8, decode_leniently
from assent.engine.routing import Routed, quick_routing_key, routing_key

Decisions: TypeAlias = Mapping[str, Decision]

KEYS_REMEMBERED: Final = 10_000

_decode_routed = msgspec.json.Decoder(Routed).decode

_UPDATE = Decision(Verdict.DELIVER, Reason.CONSENT_UPDATE)
_CLOSED = Decision(Verdict.WITHHOLD, Reason.INTEGRATIONS_OBJECT)
_BUNDLED = Decision(Verdict.WITHHOLD, Reason.SENT_CLIENT_SIDE)
_DISABLED = Decision(Verdict.WITHHOLD, Reason.DESTINATION_DISABLED)


_NOTHING_READABLE = {"context": 0, "integrations": {"All": False}}


class Policy:
    """The rules, categories and destinations of one workspace, compiled for speed.

    It agrees with `decide` on every input. A routing key seen before is one dictionary look-up; at most
    `KEYS_REMEMBERED` are remembered, because senders choose them.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._destinations = tuple(
            _Compiled(workspace.rules, workspace.categories, destination) for destination in workspace.destinations
        )
        self._remembered: dict[bytes, Decisions] = {}

    def decide(self, event: Any) -> Decisions:
        """The decision per destination id, for an event as parsed JSON, or as the bytes or text of its JSON.

        Raises InvalidInput for bytes or text that are not JSON, or too deep.
        """
        if isinstance(event, bytes):
            return self._decide_json(event)
        if isinstance(event, str):
            return self._decide_json(event.encode("utf-8", "replace"))
        try:
            key = routing_key(event)
        except (TypeError, ValueError, OverflowError, RecursionError):
            workspace = self.workspace
            return {one.id: decide(workspace.rules, workspace.categories, one, event) for one in workspace.destinations}
        return self.decide_key(key)

    def _decide_json(self, body: bytes) -> Decisions:
        if not body.isascii():
            check_utf8(body)
        try:
            event = _decode_routed(body)
        except JSON_ERRORS:
            return self.decide(decode_leniently(body))
        return self.decide_key(quick_routing_key(event, event.type))

    def decide_key(self, key: bytes) -> Decisions:
        """The decision per destination id for a routing key, as `routing_key` makes it."""
        decisions = self._remembered.get(key)
        if decisions is None:
            decisions = self._decide_anew(_event_of(key))
            if len(self._remembered) >= KEYS_REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = decisions
        return decisions

    def _decide_anew(self, event: Any) -> Decisions:
        preferences = read_preferences(event)
        update = is_consent_update(event)
        integrations = event.get("integrations") if isinstance(event, dict) else None
        said = integrations if isinstance(integrations, dict) else {}
        bundled = _bundled(event)
        return MappingProxyType({one.id: one.decide(preferences, said, bundled, update) for one in self._destinations})


def _event_of(key: bytes) -> Any:
    """The smallest event of a routing key; one that no parser can read closes everything."""
    try:
        return decode_leniently(key)
    except InvalidInput:
        return _NOTHING_READABLE


def _bundled(event: Any) -> list[Any]:
    metadata = event.get("_metadata") if isinstance(event, dict) else None
    bundled = metadata.get("bundled") if isinstance(metadata, dict) else None
    return bundled if isinstance(bundled, list) else []


class _Compiled:
    """One destination with everything that does not depend on the event worked out."""

    def __init__(self, rules: Rules, categories: tuple[Category, ...], destination: Destination) -> None:
        self.id = destination.id
        self._enabled = destination.enabled
        self._wants_updates = destination.receives_consent_updates
        self._names = tuple(name for name in (destination.title, destination.integration) if name)
        mapped = [one for one in categories if destination.id in one.destinations]
        ignores_disabled = rules.disabled_category == "ignore"
        self._asked = tuple(one.id for one in mapped if one.enabled)
        self._switched_off = () if ignores_disabled else tuple(one.id for one in mapped if not one.enabled)
        self._order = tuple(one.id for one in mapped if one.enabled or not ignores_disabled)
        self._any = rules.several_categories == "any"
        self._grant_is_final = rules.integrations_object == "yield"
        self._unmapped = Decision(Verdict(rules.unmapped_destination), Reason.DESTINATION_UNMAPPED)
        needs_none = not self._order and rules.unmapped_destination == "deliver"
        self._absent = Decision(
            Verdict.DELIVER if rules.no_consent == "deliver" or needs_none else Verdict.WITHHOLD, Reason.CONSENT_ABSENT
        )
        self._switched_off_decision = Decision(Verdict.WITHHOLD, Reason.CATEGORY_DISABLED, self._switched_off)

    def decide(
        self, preferences: Mapping[str, Any] | Whole, integrations: dict[str, Any], bundled: list[Any], update: bool
    ) -> Decision:
        if not self._enabled:
            return _DISABLED
        if bundled and any(name in bundled for name in self._names):
            return _BUNDLED
        if update and self._wants_updates:
            decision = _UPDATE
        else:
            decision = self._by_consent(preferences)
            if decision.reason is Reason.CONSENTED and self._grant_is_final:
                return decision
        if decision.verdict is Verdict.DELIVER and integrations and self._is_closed_by(integrations):
            return _CLOSED
        return decision

    def _by_consent(self, preferences: Mapping[str, Any] | Whole) -> Decision:
        if preferences is Whole.ABSENT:
            return self._absent
        if not self._order:
            return self._unmapped
        if isinstance(preferences, Whole):
            return _refused(Reason.CONSENT_UNREADABLE, self._asked) if self._asked else self._switched_off_decision
        granted = tuple(one for one in self._asked if preferences.get(one) is True)
        if granted and (self._any or len(granted) == len(self._order)):
            return Decision(Verdict.DELIVER, Reason.CONSENTED, granted)
        return self._first_refusal(preferences)

    def _first_refusal(self, preferences: Mapping[str, Any]) -> Decision:
        for reason, holds in _REFUSALS:
            if refusing := tuple(one for one in self._asked if holds(preferences, one)):
                return _refused(reason, refusing)
        return self._switched_off_decision

    def _is_closed_by(self, integrations: dict[str, Any]) -> bool:
        for name in self._names:
            if name in integrations:
                return integrations[name] is False
        return integrations.get("All") is False


def _refused(reason: Reason, categories: tuple[str, ...]) -> Decision:
    return Decision(Verdict.WITHHOLD, reason, categories)


_REFUSALS: tuple[tuple[Reason, Callable[[Mapping[str, Any], str], bool]], ...] = (
    (Reason.CATEGORY_DENIED, lambda preferences, one: preferences.get(one) is False),
    (Reason.CONSENT_UNREADABLE, lambda preferences, one: one in preferences and not isinstance(preferences[one], bool)),
    (Reason.CATEGORY_MISSING, lambda preferences, one: one not in preferences),
)
