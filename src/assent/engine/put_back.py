"""Leaving out one of several changes: a part of a workspace as another workspace has it."""

from collections.abc import Sequence
from itertools import chain
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec

from assent.domain.workspace import Category, Destination, RuleOverrides, Rules, Source, Workspace
from assent.engine.edit import Edit

Kind: TypeAlias = Literal["source", "category", "destination", "rule", "workspace"]
"""What a change can be about, as `changes` names it."""

_Thing = TypeVar("_Thing", Category, Source, Destination)
_replace = msgspec.structs.replace
_PARTS = ("consent", "sources", "destinations")


def put_back(base: Workspace, kind: Kind, id_: str) -> Edit:
    """Have the rule, source, category or destination `id_`, or what is said of the workspace itself, be as in `base`.

    A destination that comes back is in no category that it was taken out of, and one that goes is in none any more.
    """

    def edit(workspace: Workspace) -> Workspace:
        consent = workspace.consent
        if kind == "workspace":
            own = {name: getattr(base, name) for name in Workspace.__struct_fields__ if name not in _PARTS}
            return _replace(workspace, **own)
        if kind == "rule":
            return _replace(workspace, consent=_replace(consent, rules=_with_rule(base, workspace, id_)))
        if kind == "category":
            categories = _as(base.categories, consent.categories, id_)
            return _replace(workspace, consent=_replace(consent, categories=categories))
        if kind == "source":
            return _replace(workspace, sources=_as(base.sources, workspace.sources, id_))
        found = _replace(workspace, destinations=_as(base.destinations, workspace.destinations, id_))
        return found if found.destination(id_) is not None else _unmapped(found, id_)

    return edit


def _with_rule(base: Workspace, workspace: Workspace, name: str) -> RuleOverrides:
    """The overrides under which this rule, and no other, is as it is in `base`."""
    if name not in Rules.__struct_fields__:
        return workspace.consent.rules
    changed: dict[str, Any] = {name: getattr(base.rules, name)}
    return _replace(workspace.consent.rules, **changed)


def _as(base: Sequence[_Thing], now: Sequence[_Thing], id_: str) -> tuple[_Thing, ...]:
    before = next((one for one in base if one.id == id_), None)
    if before is None:
        return tuple(one for one in now if one.id != id_)
    found = tuple(before if one.id == id_ else one for one in now)
    return found if before in found else tuple(chain(found, (before,)))


def _unmapped(workspace: Workspace, destination: str) -> Workspace:
    categories = tuple(
        _replace(one, destinations=tuple(each for each in one.destinations if each != destination))
        for one in workspace.categories
    )
    return _replace(workspace, consent=_replace(workspace.consent, categories=categories))
