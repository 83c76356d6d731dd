"""What holds of decisions under any rules."""

from typing import Any

from decision_strategies import (
    CATEGORY_IDS,
    DESTINATION_IDS,
    NOT_BOOLEANS,
    NOT_OBJECTS,
    any_json,
    events,
    readable_preferences,
    rules,
    workspaces,
)
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from assent.domain.decision import Reason, Verdict
from assent.domain.workspace import Category, Destination, Rules, Workspace
from assent.engine.consent import read_preferences
from assent.engine.decide import decide

DELIVER, WITHHOLD = Verdict.DELIVER, Verdict.WITHHOLD
NOT_OBJECTS_NOR_NULL = st.sampled_from(NOT_OBJECTS)

category_ids = st.sampled_from(CATEGORY_IDS)


def saying(event: dict[str, Any], preferences: Any) -> dict[str, Any]:
    return {**event, "context": {"consent": {"categoryPreferences": preferences}}}


def delivered(workspace: Workspace, event: Any) -> set[str]:
    return {
        one.id
        for one in workspace.destinations
        if decide(workspace.rules, workspace.categories, one, event).verdict is DELIVER
    }


@given(workspaces, events, readable_preferences, category_ids)
def test_granting_one_more_category_never_withholds(
    workspace: Workspace, event: dict[str, Any], preferences: dict[str, Any], category: str
) -> None:
    before = delivered(workspace, saying(event, preferences))
    assert before <= delivered(workspace, saying(event, {**preferences, category: True}))


@given(workspaces, events, readable_preferences, category_ids)
def test_refusing_one_more_category_never_delivers(
    workspace: Workspace, event: dict[str, Any], preferences: dict[str, Any], category: str
) -> None:
    before = delivered(workspace, saying(event, preferences))
    assert delivered(workspace, saying(event, {**preferences, category: False})) <= before


@given(workspaces, events, readable_preferences, category_ids)
def test_no_longer_naming_a_category_never_delivers(
    workspace: Workspace, event: dict[str, Any], preferences: dict[str, Any], category: str
) -> None:
    before = delivered(workspace, saying(event, preferences))
    fewer = {name: value for name, value in preferences.items() if name != category}
    assert delivered(workspace, saying(event, fewer)) <= before


def needed(chosen: Rules, categories: tuple[Category, ...], destination: Destination) -> list[Category]:
    """The categories that a destination is in, as far as the rules do not ignore them."""
    mapped = [one for one in categories if destination.id in one.destinations]
    return [one for one in mapped if one.enabled or chosen.disabled_category == "withhold"]


@given(workspaces, events, category_ids, st.sampled_from(DESTINATION_IDS))
def test_under_all_adding_a_category_to_a_destination_never_opens_it(
    workspace: Workspace, event: dict[str, Any], category: str, destination_id: str
) -> None:
    """True of every destination that already needs a category, as here.

    Of one that needs none it is false where the rules close unmapped destinations, or let an integrations object close
    them that a grant would not obey: then a granted category opens it, and is meant to (see the two tests below).
    """
    chosen = replace(workspace.rules, several_categories="all")
    destination = workspace.destination(destination_id)
    assume(destination is not None and needed(chosen, workspace.categories, destination))
    assert destination is not None
    before = decide(chosen, workspace.categories, destination, event)
    after = decide(chosen, _mapping(workspace.categories, category, destination_id), destination, event)
    assert before.verdict is DELIVER or after.verdict is WITHHOLD


@given(workspaces, events, category_ids, st.sampled_from(DESTINATION_IDS))
def test_under_all_a_first_category_never_opens_a_destination_that_was_open_without(
    workspace: Workspace, event: dict[str, Any], category: str, destination_id: str
) -> None:
    chosen = replace(
        workspace.rules, several_categories="all", unmapped_destination="deliver", integrations_object="narrow"
    )
    destination = workspace.destination(destination_id)
    assume(destination is not None)
    assert destination is not None
    before = decide(chosen, workspace.categories, destination, event)
    after = decide(chosen, _mapping(workspace.categories, category, destination_id), destination, event)
    assert before.verdict is DELIVER or after.verdict is WITHHOLD


def test_a_first_category_opens_a_destination_that_was_closed_for_having_none() -> None:
    strict = Rules("all", "withhold", "withhold", "narrow", "withhold")
    event = saying({}, {"ad": True})
    assert decide(strict, [Category("ad")], Destination("d0"), event).reason is Reason.DESTINATION_UNMAPPED
    assert decide(strict, [Category("ad", destinations=("d0",))], Destination("d0"), event).reason is Reason.CONSENTED


def test_a_first_category_opens_a_destination_that_integrations_closed_where_grants_are_final() -> None:
    yielding = Rules("all", "deliver", "withhold", "yield", "deliver")
    event = saying({"integrations": {"All": False}}, {"ad": True})
    assert decide(yielding, [Category("ad")], Destination("d0"), event).reason is Reason.INTEGRATIONS_OBJECT
    assert decide(yielding, [Category("ad", destinations=("d0",))], Destination("d0"), event).reason is Reason.CONSENTED


def _mapping(categories: tuple[Category, ...], category_id: str, destination_id: str) -> list[Category]:
    there = [one for one in categories if one.id == category_id] or [Category(category_id)]
    others = [one for one in categories if one.id != category_id]
    return [*others, replace(there[0], destinations=(*there[0].destinations, destination_id))]


@given(workspaces, events, NOT_OBJECTS_NOR_NULL, st.integers(0, 2))
def test_unreadable_consent_opens_nothing_that_denied_consent_would_not(
    workspace: Workspace, event: dict[str, Any], junk: Any, depth: int
) -> None:
    unreadable: Any = {**event, "context": junk}
    if depth == 1:
        unreadable = {**event, "context": {"consent": junk}}
    if depth == 2:
        unreadable = saying(event, junk)
    denied = saying(event, dict.fromkeys(CATEGORY_IDS, False))
    assert delivered(workspace, unreadable) == delivered(workspace, denied)


@given(workspaces, events, readable_preferences, category_ids, st.sampled_from(NOT_BOOLEANS))
def test_an_unreadable_answer_opens_nothing_that_a_refusal_would_not(
    workspace: Workspace, event: dict[str, Any], preferences: dict[str, Any], category: str, junk: Any
) -> None:
    unreadable = delivered(workspace, saying(event, {**preferences, category: junk}))
    assert unreadable == delivered(workspace, saying(event, {**preferences, category: False}))


@given(workspaces, events)
def test_only_a_grant_is_reported_as_consented_and_names_what_was_granted(
    workspace: Workspace, event: dict[str, Any]
) -> None:
    preferences = read_preferences(event)
    for destination in workspace.destinations:
        decision = decide(workspace.rules, workspace.categories, destination, event)
        if decision.reason is Reason.CONSENTED:
            assert isinstance(preferences, dict)
            assert decision.categories
            assert all(preferences[one] is True for one in decision.categories)


@given(workspaces, events)
def test_a_category_is_named_only_where_it_has_the_destination(workspace: Workspace, event: dict[str, Any]) -> None:
    mapped = {(one.id, destination) for one in workspace.categories for destination in one.destinations}
    for destination in workspace.destinations:
        decision = decide(workspace.rules, workspace.categories, destination, event)
        assert {(one, destination.id) for one in decision.categories} <= mapped


@given(workspaces, events, st.sampled_from(["properties", "userId", "messageId", "timestamp", "writeKey"]), any_json)
def test_nothing_else_in_an_event_matters(workspace: Workspace, event: dict[str, Any], name: str, value: Any) -> None:
    assert delivered(workspace, event) == delivered(workspace, {**event, name: value})


@given(rules, st.booleans(), any_json)
def test_any_json_value_is_decided(chosen: Rules, enabled: bool, event: Any) -> None:
    category = Category("ad", enabled=enabled, destinations=("d0",))
    for destination in (Destination("d0"), Destination("d1")):
        assert decide(chosen, [category], destination, event).verdict in (DELIVER, WITHHOLD)
