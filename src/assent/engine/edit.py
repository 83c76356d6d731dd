"""Edits of a workspace: each takes one and gives another. What makes a valid workspace is for `check.py` to say."""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain
from typing import TypeAlias, TypeVar

import msgspec

from assent.domain.errors import Conflict, NotFound
from assent.domain.workspace import Category, Destination, PresetName, RuleOverrides, Source, Workspace

Edit: TypeAlias = Callable[[Workspace], Workspace]
"""What is to be done to the workspace that is in force when it is done. Raises NotFound, Conflict."""

_Thing = TypeVar("_Thing", Category, Source, Destination)
_replace = msgspec.structs.replace


def in_turn(*edits: Edit) -> Edit:
    """One edit that does all of these, in one version."""

    def edit(workspace: Workspace) -> Workspace:
        for one in edits:
            workspace = one(workspace)
        return workspace

    return edit


# -------------------------------------------------------------------------------------------- categories


def add_category(category: Category) -> Edit:
    return lambda workspace: _with_categories(workspace, _added(workspace.categories, category, "category"))


def change_category(category_id: str, **changes: object) -> Edit:
    """Other values for some of its fields; `enabled` among them."""
    return lambda workspace: _with_categories(
        workspace, _changed(workspace.categories, category_id, "category", changes)
    )


def remove_category(category_id: str) -> Edit:
    return lambda workspace: _with_categories(workspace, _without(workspace.categories, category_id, "category"))


def map_destinations(mapping: Mapping[str, Collection[str]]) -> Edit:
    """Which destinations (ids) each of these categories (ids) has from now on; other categories keep theirs."""

    def edit(workspace: Workspace) -> Workspace:
        for id_ in mapping:
            _find(workspace.categories, id_, "category")
        order = [one.id for one in workspace.destinations]
        return _with_categories(
            workspace,
            tuple(
                _replace(one, destinations=_in_order(mapping[one.id], order)) if one.id in mapping else one
                for one in workspace.categories
            ),
        )

    return edit


def map_categories(destination_id: str, categories: Collection[str]) -> Edit:
    """Which categories (ids) this destination is in from now on."""

    def edit(workspace: Workspace) -> Workspace:
        mapping: dict[str, Collection[str]] = dict.fromkeys(categories, (destination_id,))
        for one in workspace.categories:
            others = [each for each in one.destinations if each != destination_id]
            mapping[one.id] = [*others, destination_id] if one.id in categories else others
        return map_destinations(mapping)(workspace)

    return edit


def set_rules(preset: PresetName, rules: RuleOverrides) -> Edit:
    return lambda workspace: _replace(workspace, consent=_replace(workspace.consent, preset=preset, rules=rules))


def set_observe(on: bool) -> Edit:
    """Whether consent is only decided and counted, and not enforced."""
    return lambda workspace: _replace(workspace, observe=on)


# -------------------------------------------------------------------------------------------- sources


def add_source(source: Source) -> Edit:
    return lambda workspace: _replace(workspace, sources=_added(workspace.sources, source, "source"))


def change_source(source_id: str, **changes: object) -> Edit:
    return lambda workspace: _replace(workspace, sources=_changed(workspace.sources, source_id, "source", changes))


def remove_source(source_id: str) -> Edit:
    return lambda workspace: _replace(workspace, sources=_without(workspace.sources, source_id, "source"))


# -------------------------------------------------------------------------------------------- destinations


def add_destination(destination: Destination) -> Edit:
    return lambda workspace: _replace(
        workspace, destinations=_added(workspace.destinations, destination, "destination")
    )


def change_destination(destination_id: str, **changes: object) -> Edit:
    return lambda workspace: _replace(
        workspace, destinations=_changed(workspace.destinations, destination_id, "destination", changes)
    )


def remove_destination(destination_id: str) -> Edit:
    """Also out of every category."""

    def edit(workspace: Workspace) -> Workspace:
        categories = tuple(
            _replace(one, destinations=tuple(each for each in one.destinations if each != destination_id))
            for one in workspace.categories
        )
        destinations = _without(workspace.destinations, destination_id, "destination")
        return _with_categories(_replace(workspace, destinations=destinations), categories)

    return edit


# -------------------------------------------------------------------------------------------- parts


def _with_categories(workspace: Workspace, categories: tuple[Category, ...]) -> Workspace:
    return _replace(workspace, consent=_replace(workspace.consent, categories=categories))


def _find(things: Sequence[_Thing], id_: str, kind: str) -> _Thing:
    found = next((one for one in things if one.id == id_), None)
    if found is None:
        raise NotFound(f"there is no {kind} `{id_}`")
    return found


def _added(things: tuple[_Thing, ...], one: _Thing, kind: str) -> tuple[_Thing, ...]:
    if any(each.id == one.id for each in things):
        raise Conflict(f"there is a {kind} `{one.id}` already: choose another id", field="id")
    return tuple(chain(things, (one,)))


def _changed(things: tuple[_Thing, ...], id_: str, kind: str, changes: Mapping[str, object]) -> tuple[_Thing, ...]:
    changed = _replace(_find(things, id_, kind), **changes)
    return tuple(changed if one.id == id_ else one for one in things)


def _without(things: tuple[_Thing, ...], id_: str, kind: str) -> tuple[_Thing, ...]:
    _find(things, id_, kind)
    return tuple(one for one in things if one.id != id_)


def _in_order(ids: Collection[str], order: Sequence[str]) -> tuple[str, ...]:
    """The ids in the order of the workspace; unknown ones last, for `check.py` to refuse."""
    return (*(one for one in order if one in ids), *(one for one in ids if one not in order))
