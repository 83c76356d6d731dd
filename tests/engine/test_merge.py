"""What the root of a batch says for its items, and what it cannot say."""

from collections.abc import Mapping
from typing import Any

import pytest
from decision_strategies import contexts, integrations
from hypothesis import given

from assent.engine.consent import Preferences, Whole, read_preferences
from assent.engine.merge import merge_root


def preferring(preferences: Any) -> dict[str, Any]:
    return {"context": {"consent": {"categoryPreferences": preferences}}}


@given(contexts, contexts)
def test_whose_consent_holds(shared: Any, own: Any) -> None:
    merged = merge_root({"context": shared}, {"context": own})
    assert read_preferences(merged) == held(read_preferences({"context": shared}), read_preferences({"context": own}))


def held(shared: Preferences, own: Preferences) -> Preferences:
    if own is Whole.ABSENT:
        return shared
    if isinstance(shared, Mapping) and isinstance(own, Mapping):
        return {**shared, **own}
    return own


@given(integrations, integrations)
def test_whose_integrations_hold(shared: Any, own: Any) -> None:
    merged = merge_root({"integrations": shared}, {"integrations": own})["integrations"]
    if own is None or not isinstance(shared, dict) or not isinstance(own, dict):
        assert merged == (shared if own is None else own)
    else:
        assert merged.keys() == shared.keys() | own.keys()
        for name, value in merged.items():
            assert value == (shared.get(name) if own.get(name) is None else own[name]) or isinstance(value, dict)


@pytest.mark.parametrize(
    ("root", "item", "merged"),
    [
        ({"context": {"a": 1}}, {"userId": "u1"}, {"userId": "u1", "context": {"a": 1}}),
        ({"context": {"a": 1}}, {"context": {"b": 2}}, {"context": {"a": 1, "b": 2}}),
        ({"context": {"a": {"b": 1, "c": 2}}}, {"context": {"a": {"b": 3}}}, {"context": {"a": {"b": 3, "c": 2}}}),
        ({"context": {"a": 1}}, {"context": {"a": None}}, {"context": {"a": 1}}),
        ({"context": {"a": [1]}}, {"context": {"a": [2]}}, {"context": {"a": [2]}}),
        (
            {"integrations": {"All": False}},
            {"integrations": {"CRM": True}},
            {"integrations": {"All": False, "CRM": True}},
        ),
        (preferring({"ad": True}), preferring({"b": False}), preferring({"ad": True, "b": False})),
        (preferring({"ad": True}), preferring({"ad": None}), preferring({"ad": None})),
        (preferring({"ad": True}), preferring(None), preferring(None)),
        (preferring({"ad": True}), preferring("all"), preferring("all")),
        (preferring({"ad": True}), {"context": 5}, {"context": 5}),
        (preferring({"ad": True}), {"context": {"consent": 5}}, {"context": {"consent": 5}}),
        (preferring("all"), preferring({"ad": True}), preferring({"ad": True})),
        (preferring("all"), {"context": {"consent": {}}}, preferring("all")),
        (preferring(None), {}, preferring(None)),
        ({"context": 5}, {}, {"context": 5}),
        ({"context": 5}, {"context": {}}, preferring(None)),
        ({"context": 5}, {"context": {"a": 1}}, {"context": {"a": 1, "consent": {"categoryPreferences": None}}}),
        ({"context": {"consent": 5}}, {"context": {"consent": {}}}, preferring(None)),
        ({"context": 5}, preferring({"ad": True}), preferring({"ad": True})),
    ],
)
def test_merging(root: dict[str, Any], item: dict[str, Any], merged: dict[str, Any]) -> None:
    assert merge_root(root, item) == merged


def test_neither_root_nor_item_is_changed() -> None:
    root, item = {"context": {"consent": 5, "a": {"b": 1}}}, {"context": {"consent": {"version": 2}, "a": {"c": 2}}}
    before = repr((root, item))
    merge_root(root, item)
    assert repr((root, item)) == before
