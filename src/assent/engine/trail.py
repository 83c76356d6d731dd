"""What happened between two versions of a workspace, in the words of the audit trail."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from assent.domain.trail import Happening
from assent.domain.workspace import Category, Consent, Destination, Source, Workspace

_Kind: TypeAlias = str
_Thing: TypeAlias = Category | Source | Destination

_NAMES: Final = {"category": "Consent Category", "source": "Source", "destination": "Destination"}
_SWITCHES: Final = {"enabled": ("Enabled", "Disabled"), "held": ("Held", "Released")}
_OF_THE_WORKSPACE: Final = {
    "held": ("Workspace Held", "Workspace Released"),
    "observe": ("Observation Started", "Observation Ended"),
    "backfill_later_grants": ("Backfill of Later Grants Enabled", "Backfill of Later Grants Disabled"),
}
_APART: Final = frozenset({"destinations", "write_key", *_SWITCHES})
"""Fields whose change has a name of its own."""


def happenings(old: Workspace, new: Workspace) -> list[Happening]:
    """Everything that was done to turn `old` into `new`; a write key is never shown, of settings only their names."""
    return [
        *_workspace(old, new),
        *_rules(old.consent, new.consent),
        *_things("source", old.sources, new.sources),
        *_things("destination", old.destinations, new.destinations),
        *_things("category", old.categories, new.categories),
        *_mappings(old.categories, new.categories),
    ]


def _workspace(old: Workspace, new: Workspace) -> Iterator[Happening]:
    if old.workspace != new.workspace:
        name = new.workspace
        yield Happening("Workspace Modified", "workspace", name, {"name": old.workspace}, {"name": name})
    for switch, (on, off) in _OF_THE_WORKSPACE.items():
        before, after = getattr(old, switch), getattr(new, switch)
        if before != after:
            yield Happening(on if after else off, "workspace", new.workspace, {switch: before}, {switch: after})


def _rules(old: Consent, new: Consent) -> Iterator[Happening]:
    before, after = _rules_shown(old), _rules_shown(new)
    if changed := [name for name in before if before[name] != after[name]]:
        yield Happening("Consent Rules Modified", "rules", "rules", _only(before, changed), _only(after, changed))


def _rules_shown(consent: Consent) -> dict[str, Any]:
    """The preset, the rules that hold, and which of them were set one by one."""
    set_one_by_one = sorted(msgspec.to_builtins(consent.rules))
    return {
        "preset": consent.preset,
        **msgspec.structs.asdict(consent.effective_rules),
        "set_one_by_one": set_one_by_one,
    }


def _things(kind: _Kind, old: Sequence[_Thing], new: Sequence[_Thing]) -> Iterator[Happening]:
    before, after = {one.id: one for one in old}, {one.id: one for one in new}
    for id_, one in before.items():
        if id_ not in after:
            yield Happening(f"{_NAMES[kind]} Deleted", kind, id_, _shown(one), None)
    for id_, one in after.items():
        if id_ not in before:
            yield Happening(f"{_NAMES[kind]} Created", kind, id_, None, _shown(one))
        else:
            yield from _changes(kind, before[id_], one)


def _changes(kind: _Kind, old: _Thing, new: _Thing) -> Iterator[Happening]:
    changed = [name for name in new.__struct_fields__ if getattr(old, name) != getattr(new, name)]
    if modified := [name for name in changed if name not in _APART]:
        before, after = _only(_shown(old), modified), _only(_shown(new), modified)
        if "settings" in modified:
            before["settings"], after["settings"] = _changed_settings(old, new)
        yield Happening(f"{_NAMES[kind]} Modified", kind, new.id, before, after)
    if "write_key" in changed:
        yield Happening("Source Write Key Rotated", kind, new.id)
    for name, (on, off) in _SWITCHES.items():
        if name in changed:
            action = on if getattr(new, name) else off
            yield Happening(
                f"{_NAMES[kind]} {action}", kind, new.id, {name: getattr(old, name)}, {name: getattr(new, name)}
            )


def _changed_settings(old: Any, new: Any) -> tuple[list[str], list[str]]:
    """The names of the settings that differ: those that were there, and those that are."""
    changed = [key for key in old.settings.keys() | new.settings.keys() if _setting(old, key) != _setting(new, key)]
    return sorted(key for key in changed if key in old.settings), sorted(key for key in changed if key in new.settings)


def _setting(one: Any, key: str) -> tuple[bool, Any]:
    return key in one.settings, one.settings.get(key)


def _mappings(old: Sequence[Category], new: Sequence[Category]) -> Iterator[Happening]:
    before, after = {one.id: one.destinations for one in old}, {one.id: one.destinations for one in new}
    for id_ in [*after, *(one for one in before if one not in after)]:
        was, is_ = before.get(id_, ()), after.get(id_, ())
        for destination in is_:
            if destination not in was:
                yield Happening("Consent Mapping Created", "mapping", id_, None, {"destination": destination})
        for destination in was:
            if destination not in is_:
                yield Happening("Consent Mapping Removed", "mapping", id_, {"destination": destination}, None)


def _shown(one: _Thing) -> dict[str, Any]:
    """A part of a workspace as the trail may show it: without mappings, which have entries of their own."""
    found: dict[str, Any] = msgspec.to_builtins(one)
    for name in ("destinations", "write_key"):
        found.pop(name, None)
    if "settings" in found:
        found["settings"] = sorted(found["settings"])
    return found


def _only(values: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}
