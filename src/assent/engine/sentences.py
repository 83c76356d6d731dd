"""What differs between two workspaces, in sentences for people who do not know the keys of a workspace file."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from assent.domain.workspace import Category, Destination, Rules, Source, Workspace
from assent.engine.impact import Impact

_Thing: TypeAlias = Source | Category | Destination

_APART: Final = frozenset({"id", "name", "enabled", "held", "destinations", "settings", "write_key"})
"""Fields whose change has a sentence of its own."""


def sentences(old: Workspace, new: Workspace, impacts: Iterable[Impact] = ()) -> list[str]:
    """A sentence for everything that turns `old` into `new`: "Facebook leaves Advertising: 12,400 events a day would no
    longer reach it".

    `impacts` were measured on the events of one day. What a destination comes to is said with the one change that is
    about it, or for itself where several are.
    """
    said = [*_switches(old, new), *_rules(old.rules, new.rules), *_things(old, new), *_mappings(old, new)]
    measured = {one.destination: _measured(one) for one in impacts}
    times = Counter(about for about, _sentence in said if about)
    titles = _titles(old, new)
    found = [
        f"{sentence}: {measured[about]}" if about in measured and times[about] == 1 else sentence
        for about, sentence in said
    ]
    return found + [f"{titles.get(about, about)}: {effect}" for about, effect in measured.items() if times[about] != 1]


def _measured(impact: Impact) -> str:
    parts = []
    if impact.newly_withheld:
        parts.append(f"{_events(impact.newly_withheld)} a day would no longer reach it")
    if impact.newly_delivered:
        parts.append(f"{_events(impact.newly_delivered)} more a day would reach it")
    return ", and ".join(parts)


def _events(number: int) -> str:
    return "1 event" if number == 1 else f"{number:,} events"


def _titles(old: Workspace, new: Workspace) -> dict[str, str]:
    return {one.id: one.title for one in (*old.destinations, *new.destinations)}


def _switches(old: Workspace, new: Workspace) -> Iterator[tuple[str, str]]:
    if old.workspace != new.workspace:
        yield "", f"The workspace is called {new.workspace or 'nothing'} instead of {old.workspace or 'nothing'}"
    if old.held != new.held:
        yield "", "The whole workspace is held" if new.held else "The whole workspace is released"
    if old.observe != new.observe:
        yield "", "Consent is observed and no longer enforced" if new.observe else "Consent is enforced again"
    if old.backfill_later_grants != new.backfill_later_grants:
        sends = "sends" if new.backfill_later_grants else "no longer sends"
        yield "", f"A backfill {sends} what a person refused then and has granted since"


def _rules(old: Rules, new: Rules) -> Iterator[tuple[str, str]]:
    for name in Rules.__struct_fields__:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield "", f"The rule {name.replace('_', ' ')} is {after} instead of {before}"


def _things(old: Workspace, new: Workspace) -> Iterator[tuple[str, str]]:
    for kind, before, after in (
        ("source", _by_id(old.sources), _by_id(new.sources)),
        ("category", _by_id(old.categories), _by_id(new.categories)),
        ("destination", _by_id(old.destinations), _by_id(new.destinations)),
    ):
        for id_ in [*after, *(one for one in before if one not in after)]:
            about = id_ if kind == "destination" else ""
            if id_ not in before:
                yield about, f"The {kind} {after[id_].title} is new"
            elif id_ not in after:
                yield about, f"The {kind} {before[id_].title} is removed"
            else:
                yield from ((about, one) for one in _changes(before[id_], after[id_]))


def _by_id(things: Sequence[_Thing]) -> Mapping[str, _Thing]:
    return {one.id: one for one in things}


def _changes(old: _Thing, new: _Thing) -> Iterator[str]:
    if old.title != new.title:
        yield f"{old.title} is called {new.title}"
    if old.enabled != new.enabled:
        yield f"{new.title} is switched {'on' if new.enabled else 'off'}"
    if old.held != new.held:
        yield f"{new.title} is held" if new.held else f"{new.title} is released"
    if isinstance(old, Source) and isinstance(new, Source) and old.write_key != new.write_key:
        yield f"{new.title} has another write key"
    if isinstance(old, Destination) and isinstance(new, Destination) and old.settings != new.settings:
        names = sorted(
            key for key in old.settings.keys() | new.settings.keys() if old.settings.get(key) != new.settings.get(key)
        )
        yield f"{new.title} has another {' and '.join(names)}"
    for name in new.__struct_fields__:
        if name not in _APART and getattr(old, name) != getattr(new, name):
            yield f"{new.title}: {name.replace('_', ' ')} is {_shown(getattr(new, name))}"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return " and ".join(map(str, value)) or "empty"
    return {True: "on", False: "off"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _mappings(old: Workspace, new: Workspace) -> Iterator[tuple[str, str]]:
    titles = _titles(old, new)
    before = {one.id: one for one in old.categories}
    after = {one.id: one for one in new.categories}
    for id_, category in {**before, **after}.items():
        was = before[id_].destinations if id_ in before else ()
        is_ = after[id_].destinations if id_ in after else ()
        yield from ((one, f"{titles.get(one, one)} joins {category.title}") for one in is_ if one not in was)
        yield from ((one, f"{titles.get(one, one)} leaves {category.title}") for one in was if one not in is_)
