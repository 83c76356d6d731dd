"""What differs between two workspaces, in words."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, TypeAlias

import msgspec

from assent.domain.workspace import Category, Destination, Rules, Source, Workspace

Action: TypeAlias = Literal["create", "update", "delete"]

_SWITCHES: Final = ("held", "observe", "backfill_later_grants")
"""What can be switched on for the whole workspace."""


class Change(msgspec.Struct, frozen=True):
    """One thing that differs: `kind` and `id` name it, `details` says what about it, a sentence each."""

    action: Action
    kind: Literal["source", "category", "destination", "rule", "workspace"]
    id: str
    details: tuple[str, ...] = ()


def changes(old: Workspace, new: Workspace) -> list[Change]:
    """Everything that turns `old` into `new`. Settings are named, their values never shown."""
    return [
        *_workspace(old, new),
        *_rules(old.rules, new.rules),
        *_listed("source", old.sources, new.sources),
        *_listed("category", old.categories, new.categories),
        *_listed("destination", old.destinations, new.destinations),
    ]


def _workspace(old: Workspace, new: Workspace) -> Iterator[Change]:
    details = []
    if old.workspace != new.workspace:
        details.append(f"name: `{old.workspace}` -> `{new.workspace}`")
    for name in _SWITCHES:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            details.append(f"{name}: `{_shown(before)}` -> `{_shown(after)}`")
    if details:
        yield Change("update", "workspace", new.workspace, tuple(details))


def _rules(old: Rules, new: Rules) -> Iterator[Change]:
    for name in Rules.__struct_fields__:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield Change("update", "rule", name, (f"`{before}` -> `{after}`",))


def _listed(
    kind: Literal["source", "category", "destination"],
    old: Sequence[Source] | Sequence[Category] | Sequence[Destination],
    new: Sequence[Source] | Sequence[Category] | Sequence[Destination],
) -> Iterator[Change]:
    before = {one.id: one for one in old}
    after = {one.id: one for one in new}
    yield from (Change("delete", kind, id_) for id_ in before if id_ not in after)
    for id_, one in after.items():
        if id_ not in before:
            yield Change("create", kind, id_)
        elif before[id_] != one:
            yield Change("update", kind, id_, tuple(_details(before[id_], one)))


def _details(old: msgspec.Struct, new: msgspec.Struct) -> Iterator[str]:
    for name in new.__struct_fields__:
        before, after = getattr(old, name), getattr(new, name)
        if before == after:
            continue
        if name == "destinations":
            yield from (f"`{one}` joins" for one in after if one not in before)
            yield from (f"`{one}` leaves" for one in before if one not in after)
        elif name == "settings":
            yield from (f"setting `{one}` changes" for one in _changed_keys(before, after))
        elif name == "write_key":
            yield "the write key changes"
        else:
            yield f"{name}: `{_shown(before)}` -> `{_shown(after)}`"


def _changed_keys(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
