"""The readable decision: rules, categories, one destination and one event in; a Decision out.

This is the reference. `policy.py` answers the same, faster; a property test holds the two together.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from assent.domain.decision import BY_CONSENT, Decision, Reason, Verdict
from assent.domain.workspace import Category, Destination, Rules
from assent.engine.consent import Preferences, Whole, is_consent_update, read_preferences


def decide(rules: Rules, categories: Sequence[Category], destination: Destination, event: Any) -> Decision:
    """The decision on `event` (any JSON value) at `destination`: total, no clock, no I/O (DESIGN.md, section 2)."""
    if not destination.enabled:
        return Decision(Verdict.WITHHOLD, Reason.DESTINATION_DISABLED)
    if _sent_by_browser(destination, event):
        return Decision(Verdict.WITHHOLD, Reason.SENT_CLIENT_SIDE)
    if destination.receives_consent_updates and is_consent_update(event):
        return _narrowed(destination, event, Decision(Verdict.DELIVER, Reason.CONSENT_UPDATE))
    decision = _by_consent(rules, categories, destination, read_preferences(event))
    if decision.reason is Reason.CONSENTED and rules.integrations_object == "yield":
        return decision
    return _narrowed(destination, event, decision)


def observe(rules: Rules, categories: Sequence[Category], destination: Destination, event: Any) -> Decision:
    """The decision while the workspace observes: what consent would withhold goes, as far as nothing else closes it."""
    decision = decide(rules, categories, destination, event)
    if decision.verdict is Verdict.DELIVER or decision.reason not in BY_CONSENT:
        return decision
    let_go = Decision(Verdict.DELIVER, decision.reason, decision.categories, observed=True)
    return _narrowed(destination, event, let_go)


def _by_consent(
    rules: Rules, categories: Sequence[Category], destination: Destination, preferences: Preferences
) -> Decision:
    needed = [category for category in categories if destination.id in category.destinations]
    if rules.disabled_category == "ignore":
        needed = [category for category in needed if category.enabled]
    if preferences is Whole.ABSENT:
        needs_none = not needed and rules.unmapped_destination == "deliver"
        flows = rules.no_consent == "deliver" or needs_none
        return Decision(Verdict.DELIVER if flows else Verdict.WITHHOLD, Reason.CONSENT_ABSENT)
    if not needed:
        return Decision(Verdict(rules.unmapped_destination), Reason.DESTINATION_UNMAPPED)
    return _by_answers(rules, {category.id: _answer(category, preferences) for category in needed})


class _Answer(Enum):
    """What one consent object says of one category; in the order in which refusals are reported."""

    GRANTED = Reason.CONSENTED
    DENIED = Reason.CATEGORY_DENIED
    UNREADABLE = Reason.CONSENT_UNREADABLE
    MISSING = Reason.CATEGORY_MISSING
    DISABLED = Reason.CATEGORY_DISABLED


def _answer(category: Category, preferences: Preferences) -> _Answer:
    if not category.enabled:
        return _Answer.DISABLED
    if isinstance(preferences, Whole):
        return _Answer.UNREADABLE
    if category.id not in preferences:
        return _Answer.MISSING
    value = preferences[category.id]
    if value is True:
        return _Answer.GRANTED
    return _Answer.DENIED if value is False else _Answer.UNREADABLE


def _by_answers(rules: Rules, answers: Mapping[str, _Answer]) -> Decision:
    granted = _who_said(_Answer.GRANTED, answers)
    if len(granted) == len(answers) or (granted and rules.several_categories == "any"):
        return Decision(Verdict.DELIVER, Reason.CONSENTED, granted)
    first_refusal = next(one for one in list(_Answer)[1:] if one in answers.values())
    return Decision(Verdict.WITHHOLD, first_refusal.value, _who_said(first_refusal, answers))


def _who_said(answer: _Answer, answers: Mapping[str, _Answer]) -> tuple[str, ...]:
    return tuple(category_id for category_id, given in answers.items() if given is answer)


def _sent_by_browser(destination: Destination, event: Any) -> bool:
    metadata = event.get("_metadata") if isinstance(event, Mapping) else None
    bundled = metadata.get("bundled") if isinstance(metadata, Mapping) else None
    return isinstance(bundled, list) and any(name in bundled for name in _names(destination))


def _narrowed(destination: Destination, event: Any, decision: Decision) -> Decision:
    if decision.verdict is Verdict.DELIVER and _closed_by_integrations(destination, event):
        return Decision(Verdict.WITHHOLD, Reason.INTEGRATIONS_OBJECT)
    return decision


def _closed_by_integrations(destination: Destination, event: Any) -> bool:
    integrations = event.get("integrations") if isinstance(event, Mapping) else None
    if not isinstance(integrations, Mapping):
        return False
    named = next((name for name in (*_names(destination), "All") if name in integrations), None)
    return named is not None and integrations[named] is False


def _names(destination: Destination) -> tuple[str, ...]:
    """What an event may call the destination, the more exact name first."""
    return (destination.title, destination.integration) if destination.integration else (destination.title,)
