"""Merging what the root of a batch says into each of its items."""

from collections.abc import Mapping
from typing import Any


def merge_root(root: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    """The item with the root's `context` and `integrations` merged in deeply: the item wins, its nulls are missing.

    A root context or consent that is not an object holds for every item that has no consent of its own, and so closes.
    """
    merged = dict(item)
    for name, said in root.items():
        merged[name] = _merge(said, item.get(name))
    if "context" in root and not _has_consent(item.get("context")):
        context = root["context"]
        unreadable = not isinstance(context, Mapping) or not isinstance(context.get("consent"), Mapping | None)
        if unreadable and isinstance(merged["context"], dict):
            merged["context"]["consent"] = 0
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


def _has_consent(context: Any) -> bool:
    return isinstance(context, Mapping) and context.get("consent") is not None
