"""The rules, the three presets, and tables of what they come to."""

import json
from collections.abc import Iterable
from itertools import product
from typing import Any, Final, get_args

from assent.domain.decision import Decision
from assent.domain.workspace import PRESETS, Category, Consent, Destination, RuleOverrides, Rules, Workspace
from assent.engine.policy import Policy
from reference.markdown import code, codes, page, table

ASKS: Final = {
    "several_categories": "A destination is in several categories: must `any` or `all` of them be granted?",
    "unmapped_destination": "The event carries consent and the destination is in no category: `deliver` or `withhold`?",
    "disabled_category": "A category is switched off: does it count as not granted (`withhold`), or as if it did not "
    "exist (`ignore`)?",
    "integrations_object": "Consent was granted: does the event's `integrations` object still `narrow`, or `yield`?",
    "no_consent": "The event carries no consent: `deliver` without enforcement, or `withhold`?",
    "unstamped_events": "The event carries no consent, and [the ledger](../guide/ledger.md) knows its person: does "
    "`no_consent` say what becomes of it, or is it given (`stamp`) the consent that was known when it came in?",
    "revoked_since": "The event was allowed, and its person has refused since: does what it is `stamped` with count, "
    "or before every attempt the `newest` answer?",
    "joined_profiles": "Two profiles of the ledger became one, and disagree: `refusal_wins`, `latest`, or `conflict`, "
    "which is enforced like a refusal?",
}

_MISSING: Final = object()
_ANSWERS: Final[dict[str, Any]] = {"true": True, "false": False, "not named": _MISSING, '`"true"`': "true"}


def markdown() -> str:
    return page(
        "Rules and presets",
        "A preset is a named set of rules. `segment-beta` is the default. Rules set one by one, under "
        "`consent.rules` of a [workspace file](workspace.md), win over the preset. What each rule comes to is shown in "
        "the guide: [Rules and presets](../guide/rules.md).",
        presets(),
        *(_entry(name) for name in Rules.__struct_fields__),
    )


def presets() -> str:
    """The rules with their values under each preset."""
    rows = ((code(rule), *(code(getattr(PRESETS[one], rule)) for one in PRESETS)) for rule in Rules.__struct_fields__)
    return table(("Rule", *map(code, PRESETS)), rows)


def rules() -> str:
    """What each rule asks."""
    return table(("Rule", "Asks"), ((code(name), ASKS[name]) for name in Rules.__struct_fields__))


def _entry(name: str) -> str:
    values = get_args(Rules.__annotations__[name])
    return f"## `{name}`\n\n{ASKS[name]}\n\nAllowed: {codes(values)}."


# -------------------------------------------------------------------------------------------- what they come to


def several_categories() -> str:
    """A destination in two categories, under `any` and under `all`."""
    rows = []
    for first, second in product(_ANSWERS, repeat=2):
        event = _event({"advertising": _ANSWERS[first], "analytics": _ANSWERS[second]})
        rows.append((first, second, *(_shown(_decision(event, several_categories=one)) for one in ("any", "all"))))
    return table(("`advertising`", "`analytics`", "any", "all"), rows)


def disabled_category() -> str:
    """A destination in `advertising` and in the switched-off `analytics`."""
    rows = []
    for several, granted in product(("any", "all"), (True, False)):
        event = _event({"advertising": granted, "analytics": True})
        decided = (
            _decision(event, off=("analytics",), several_categories=several, disabled_category=one)
            for one in ("withhold", "ignore")
        )
        rows.append((several, str(granted).lower(), *map(_shown, decided)))
    return table(("`several_categories`", "`advertising`", "withhold", "ignore"), rows)


def unmapped_destination() -> str:
    """A destination in no category, by what the event carries and by `no_consent`."""
    events = {
        "no consent object": {"type": "track"},
        "`categoryPreferences: {}`": _event({}),
        "`advertising: true`": _event({"advertising": True}),
        "`categoryPreferences` is a text": {"context": {"consent": {"categoryPreferences": "all"}}},
    }
    rows = []
    for (carried, event), no_consent in product(events.items(), ("deliver", "withhold")):
        decided = (
            _decision(event, mapped=(), unmapped_destination=one, no_consent=no_consent)
            for one in ("deliver", "withhold")
        )
        rows.append((carried, no_consent, *map(_shown, decided)))
    return table(("The event carries", "`no_consent`", "deliver", "withhold"), rows)


def integrations_object() -> str:
    """A destination named `Ads` of the integration `Webhook`, by what the `integrations` object says."""
    rows = []
    for said in ("{}", '{"Ads": false}', '{"Webhook": false}', '{"All": false}', '{"All": false, "Ads": true}'):
        without = {"integrations": json.loads(said)}
        granted = {**without, **_event({"advertising": True, "analytics": True})}
        decided = (_decision(granted, integrations_object=one) for one in ("narrow", "yield"))
        rows.append((code(said), *map(_shown, decided), _shown(_decision(without))))
    return table(("`integrations`", "granted, narrow", "granted, yield", "no consent object"), rows)


def readings() -> str:
    """What of an event is absent, unreadable, granted, denied or missing, by what each preset makes of it."""
    events: dict[str, Any] = {
        "no `context`": {},
        "`context.consent` is null or `{}`": {"context": {"consent": {}}},
        "`consent` without the key `categoryPreferences`": {"context": {"consent": {"version": 2}}},
        "`categoryPreferences: {}`": _event({}),
        "`advertising: true`": _event({"advertising": True}),
        "`advertising: false`": _event({"advertising": False}),
        '`advertising: "true"`': _event({"advertising": "true"}),
        "`advertising: 1`": _event({"advertising": 1}),
        "`Advertising: true`": _event({"Advertising": True}),
        '`categoryPreferences: "all"`': {"context": {"consent": {"categoryPreferences": "all"}}},
        "`categoryPreferences: null`": {"context": {"consent": {"categoryPreferences": None}}},
        '`consent: "granted"`': {"context": {"consent": "granted"}},
    }
    policies = [Policy(_workspace(Consent(preset=one), ("advertising",))) for one in PRESETS]
    rows = ((said, *(_shown(policy.decide(event)["ads"]) for policy in policies)) for said, event in events.items())
    return table(("The event has", *map(code, PRESETS)), rows)


def _event(answers: dict[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in answers.items() if value is not _MISSING}
    return {"type": "track", "context": {"consent": {"categoryPreferences": said}}}


def _decision(
    event: Any, *, mapped: Iterable[str] = ("advertising", "analytics"), off: Iterable[str] = (), **rules: Any
) -> Decision:
    consent = Consent(rules=RuleOverrides(**rules))
    return Policy(_workspace(consent, mapped, off)).decide(event)["ads"]


def _workspace(consent: Consent, mapped: Iterable[str], off: Iterable[str] = ()) -> Workspace:
    categories = tuple(Category(one, enabled=one not in off, destinations=("ads",)) for one in mapped)
    ads = Destination("ads", name="Ads", integration="Webhook")
    return Workspace(consent=Consent(consent.preset, consent.rules, categories), destinations=(ads,))


def _shown(decision: Decision) -> str:
    """`deliver`, or `withhold` with its reason, which links to its explanation."""
    return f"**{decision.verdict}** [{decision.reason}](../reference/reasons.md#{decision.verdict}-{decision.reason})"
