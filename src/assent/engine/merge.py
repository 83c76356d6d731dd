"""Merging what the root of a batch says into each of its items."""

from collections.abc import Mapping
from typing import Any

from assent.engine.consent import Whole, read_preferences


def merge_root(root: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    """The item with the root's `context` and `integrations` merged in deeply: the item wins, its nulls are missing.

    Merging opens nothing: what the item has in its `categoryPreferences` is its answer, null included, and where it has
    no consent at all, an unreadable consent of the root holds for it too.
    """
    merged = {**item, **{name: _merge(said, item.get(name)) for name, said in root.items()}}
    shared, own = read_preferences(root), read_preferences(item)
    if isinstance(shared, Mapping) and isinstance(own, Mapping):
        return _with_preferences(merged, {**shared, **own})
    holds = shared if own is Whole.ABSENT else own
    if holds is Whole.UNREADABLE and read_preferences(merged) is not Whole.UNREADABLE:
        return _with_preferences(merged, None)
    return merged


def _merge(root: Any, item: Any) -> Any:
    if item is None:
        return root
    if not isinstance(root, Mapping) or not isinstance(item, Mapping):
        return item
    merged = dict(root)
    for name, value in item.items():
        merged[name] = _merge(root.get(name), value)
    return merged


def _with_preferences(event: dict[str, Any], preferences: Mapping[str, Any] | None) -> dict[str, Any]:
    """The event, whose context and consent are objects or missing, with other preferences."""
    context = event.get("context") or {}
    consent = {**(context.get("consent") or {}), "categoryPreferences": preferences}
    return {**event, "context": {**context, "consent": consent}}
