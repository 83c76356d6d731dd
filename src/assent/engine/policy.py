"""The compiled decision: a workspace made ready to decide for all destinations at once, by routing key."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import msgspec

from assent.domain.decision import BY_CONSENT, Decision, Reason, Verdict
from assent.domain.errors import InvalidInput
from assent.domain.record import CONSENT_UPDATE_EVENT
from assent.domain.workspace import Category, Destination, Rules, Workspace
from assent.engine.consent import Whole, is_consent_update, read_preferences
from assent.engine.hold import Holds
from assent.engine.json import JSON_ERRORS, check_utf8, decode_leniently
from assent.engine.routing import Routed, quick_routing_key, routing_key

Decisions: TypeAlias = Mapping[str, Decision]

KEYS_REMEMBERED: Final = 10_000

_decode_routed = msgspec.json.Decoder(Routed).decode

_UPDATE = Decision(Verdict.DELIVER, Reason.CONSENT_UPDATE)
_CLOSED = Decision(Verdict.WITHHOLD, Reason.INTEGRATIONS_OBJECT)
_BUNDLED = Decision(Verdict.WITHHOLD, Reason.SENT_CLIENT_SIDE)
_DISABLED = Decision(Verdict.WITHHOLD, Reason.DESTINATION_DISABLED)

_CLOSES_EVERYTHING: Final = {"context": 0, "integrations": {"All": False}}


class Policy:
    """The rules, categories and destinations of one workspace, compiled for speed.

    It agrees with `decide` on every input, or while the workspace observes, with `observe`. A routing key seen before
    is one dictionary look-up.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.rules = workspace.rules
        self.holds = Holds(workspace)
        self.stamps = self.rules.unstamped_events == "stamp"
        self.asks_newest = self.rules.revoked_since == "newest"
        self._decisions = _Decisions(workspace)

    @property
    def asks_ledger(self) -> bool:
        """Whether it takes the ledger to decide."""
        return self.stamps or self.asks_newest

    def decide(self, event: Any) -> Decisions:
        """The decision per destination id, for an event as parsed JSON, or as the bytes or text of its JSON.

        Raises InvalidInput for bytes or text that are not JSON, or too deep.
        """
        if isinstance(event, bytes):
            if not event.isascii():
                check_utf8(event)
            try:
                routed = _decode_routed(event)
            except JSON_ERRORS:
                return self._decide_parsed(decode_leniently(event))
            if routed.event == CONSENT_UPDATE_EVENT:
                return self._decide_parsed(decode_leniently(event))
            return self._decisions[quick_routing_key(routed)]
        return (
            self.decide(event.encode("utf-8", "surrogatepass"))
            if isinstance(event, str)
            else self._decide_parsed(event)
        )

    def decide_key(self, key: bytes) -> Decisions:
        """The decision per destination id for a routing key, as `routing_key` makes it."""
        return self._decisions[key]

    def _decide_parsed(self, event: Any) -> Decisions:
        try:
            key = routing_key(event)
        except UnicodeEncodeError:
            return self._decisions.anew(event)
        return self._decisions[key]


class _Decisions(dict[bytes, Decisions]):
    """What was decided per routing key; at most `KEYS_REMEMBERED`, because senders choose them."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        rules, categories = workspace.rules, workspace.categories
        compiled = [_Compiled(rules, categories, one) for one in workspace.destinations]
        self._deciders = tuple((one.id, one.observe if workspace.observe else one.decide) for one in compiled)

    def __missing__(self, key: bytes) -> Decisions:
        if len(self) >= KEYS_REMEMBERED:
            self.clear()
        decisions = self[key] = self.anew(event_of(key))
        return decisions

    def anew(self, event: Any) -> Decisions:
        """The decision per destination id on a parsed event, without a look at what was decided before."""
        preferences = read_preferences(event)
        update = is_consent_update(event)
        integrations = event.get("integrations") if isinstance(event, Mapping) else None
        said = integrations if isinstance(integrations, Mapping) else {}
        bundled = _bundled(event)
        return MappingProxyType({id_: decide(preferences, said, bundled, update) for id_, decide in self._deciders})


def event_of(key: bytes) -> Any:
    """The smallest event of a routing key; one that no parser can read closes everything."""
    try:
        return decode_leniently(key)
    except InvalidInput:
        return _CLOSES_EVERYTHING


def _bundled(event: Any) -> list[Any]:
    metadata = event.get("_metadata") if isinstance(event, Mapping) else None
    bundled = metadata.get("bundled") if isinstance(metadata, Mapping) else None
    return bundled if isinstance(bundled, list) else []


class _Compiled:
    """One destination with everything that does not depend on the event worked out."""

    def __init__(self, rules: Rules, categories: tuple[Category, ...], destination: Destination) -> None:
        self.id = destination.id
        self._enabled = destination.enabled
        self._wants_updates = destination.receives_consent_updates
        self._names = tuple(name for name in (destination.title, destination.integration) if name)
        counts_disabled = rules.disabled_category == "withhold"
        mapped = [one for one in categories if destination.id in one.destinations]
        needed = [one for one in mapped if one.enabled or counts_disabled]
        self._needed = len(needed)
        self._asked = tuple(one.id for one in needed if one.enabled)
        self._switched_off = _refused(Reason.CATEGORY_DISABLED, tuple(one.id for one in needed if not one.enabled))
        self._any = rules.several_categories == "any"
        self._grant_is_final = rules.integrations_object == "yield"
        self._unmapped = Decision(Verdict(rules.unmapped_destination), Reason.DESTINATION_UNMAPPED)
        flows = rules.no_consent == "deliver" or (not needed and rules.unmapped_destination == "deliver")
        self._absent = Decision(Verdict.DELIVER if flows else Verdict.WITHHOLD, Reason.CONSENT_ABSENT)

    def decide(
        self, preferences: Mapping[str, Any] | Whole, integrations: Mapping[str, Any], bundled: list[Any], update: bool
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

    def observe(
        self, preferences: Mapping[str, Any] | Whole, integrations: Mapping[str, Any], bundled: list[Any], update: bool
    ) -> Decision:
        """The decision where consent is not enforced: only what else closes it still does."""
        decision = self.decide(preferences, integrations, bundled, update)
        if decision.verdict is Verdict.DELIVER or decision.reason not in BY_CONSENT:
            return decision
        if integrations and self._is_closed_by(integrations):
            return _CLOSED
        return Decision(Verdict.DELIVER, decision.reason, decision.categories, observed=True)

    def _by_consent(self, preferences: Mapping[str, Any] | Whole) -> Decision:
        if preferences is Whole.ABSENT:
            return self._absent
        if not self._needed:
            return self._unmapped
        if isinstance(preferences, Whole):
            return _refused(Reason.CONSENT_UNREADABLE, self._asked) if self._asked else self._switched_off
        granted = tuple(one for one in self._asked if preferences.get(one) is True)
        if granted and (self._any or len(granted) == self._needed):
            return Decision(Verdict.DELIVER, Reason.CONSENTED, granted)
        return self._first_refusal(preferences)

    def _first_refusal(self, preferences: Mapping[str, Any]) -> Decision:
        for reason, holds in _REFUSALS:
            if refusing := tuple(one for one in self._asked if holds(preferences, one)):
                return _refused(reason, refusing)
        return self._switched_off

    def _is_closed_by(self, integrations: Mapping[str, Any]) -> bool:
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
