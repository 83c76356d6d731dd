"""The rule that settled a decision: with another value, and only then, the decision is another."""

from typing import Any, Final, get_args

import pytest
from decision_strategies import events, workspaces
from hypothesis import given
from msgspec.structs import replace

from assent.domain.workspace import Category, Consent, Destination, RuleOverrides, Rules, Workspace
from assent.engine.decide import decide
from assent.engine.policy import event_of
from assent.engine.routing import routing_key
from assent.engine.rule import DecisiveRule, RuleName, decisive_rules

CRM = Destination("crm")
ONE = (Category("ad", destinations=("crm",)),)
TWO = (*ONE, Category("stats", destinations=("crm",)))
ONE_OFF = (*ONE, Category("stats", enabled=False, destinations=("crm",)))


def a_workspace(categories: tuple[Category, ...], **rules: Any) -> Workspace:
    return Workspace(consent=Consent(rules=RuleOverrides(**rules), categories=categories), destinations=(CRM,))


def saying(integrations: Any = None, **preferences: bool) -> dict[str, Any]:
    event: dict[str, Any] = {"context": {"consent": {"categoryPreferences": preferences}}}
    return event if integrations is None else {**event, "integrations": integrations}


NARROW: Final = {"integrations_object": "narrow"}
OPEN: Final = {"unmapped_destination": "deliver"}
ALL: Final = {"several_categories": "all"}


@pytest.mark.parametrize(
    ("workspace", "event", "rules"),
    [
        (a_workspace(TWO), saying(ad=True, stats=False), {"several_categories": "any"}),
        (a_workspace(TWO, **ALL), saying(ad=True, stats=False), ALL),
        (a_workspace(TWO), saying(ad=True, stats=True), {}),
        (a_workspace(ONE), saying(ad=False), {}),
        (a_workspace(()), saying(ad=True), {"unmapped_destination": "withhold"}),
        (a_workspace(ONE), {}, {"no_consent": "deliver"}),
        (a_workspace(ONE, no_consent="withhold"), {}, {"no_consent": "withhold"}),
        (a_workspace((), no_consent="withhold", **OPEN), {}, OPEN),
        # Either of the two lets it pass, so neither is decisive.
        (a_workspace((), unmapped_destination="deliver"), {}, {}),
        (a_workspace(ONE_OFF, **ALL), saying(ad=True), {**ALL, "disabled_category": "withhold"}),
        (a_workspace(ONE), saying({"crm": False}, ad=True), {"integrations_object": "yield"}),
        (a_workspace(ONE, **NARROW), saying({"All": False}, ad=True), NARROW),
        (a_workspace(ONE, **NARROW), saying({"All": True}, ad=True), {}),
    ],
)
def test_the_rule_that_settled_it_is_named(workspace: Workspace, event: Any, rules: dict[str, str]) -> None:
    assert {one.name: one.value for one in decisive_rules(workspace, "crm", event)} == rules


def test_a_destination_that_is_not_there_follows_no_rule() -> None:
    assert decisive_rules(a_workspace(ONE), "gone", {}) == ()


def test_every_value_of_every_rule_has_a_meaning() -> None:
    assert get_args(RuleName) == Rules.__struct_fields__
    for name in get_args(RuleName):
        for value in get_args(Rules.__annotations__[name]):
            assert DecisiveRule(name, value).meaning.endswith(".")


@given(workspaces, events)
def test_a_rule_is_named_if_and_only_if_its_other_value_changes_the_decision(workspace: Workspace, event: Any) -> None:
    for destination in workspace.destinations:
        named = {one.name: one.value for one in decisive_rules(workspace, destination.id, event)}
        before = decide(workspace.rules, workspace.categories, destination, event)
        for name in Rules.__struct_fields__:
            value = getattr(workspace.rules, name)
            others = [one for one in get_args(Rules.__annotations__[name]) if one != value]
            after = [
                decide(replace(workspace.rules, **{name: other}), workspace.categories, destination, event)
                for other in others
            ]
            assert named.get(name) == (value if any(one != before for one in after) else None)


@given(workspaces, events)
def test_the_routing_key_tells_the_rule_as_well_as_the_event(workspace: Workspace, event: Any) -> None:
    try:
        key = routing_key(event)
    except UnicodeEncodeError:
        return
    for destination in workspace.destinations:
        assert decisive_rules(workspace, destination.id, event_of(key)) == decisive_rules(
            workspace, destination.id, event
        )
