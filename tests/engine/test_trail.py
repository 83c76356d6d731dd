"""What happened between two workspaces: something exactly where they differ, everything named, and no secret."""

from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import given
from workspace_strategies import SECRET, WRITE_KEY, workspaces

from assent.domain.trail import Happening
from assent.domain.workspace import PRESETS, Category, Consent, Destination, RuleOverrides, Source, Workspace
from assent.engine.trail import happenings


def in_any_order(workspace: Workspace) -> Any:
    """What a workspace says, whatever the order in which it says it."""

    def things(every: Sequence[Any]) -> dict[str, Any]:
        return {one.id: msgspec.to_builtins(one) for one in every}

    categories = {
        id_: {**one, "destinations": set(one.get("destinations", ()))}
        for id_, one in things(workspace.categories).items()
    }
    consent = (workspace.consent.preset, workspace.consent.rules, categories)
    return workspace.workspace, consent, things(workspace.sources), things(workspace.destinations)


@given(workspaces(), workspaces())
def test_something_happened_exactly_where_two_differ(old: Workspace, new: Workspace) -> None:
    assert bool(happenings(old, new)) == (in_any_order(old) != in_any_order(new))
    assert happenings(new, new) == []


@given(workspaces(), workspaces())
def test_everything_that_differs_is_named(old: Workspace, new: Workspace) -> None:
    told = happenings(old, new)
    for kind, before, after in (
        ("source", old.sources, new.sources),
        ("destination", old.destinations, new.destinations),
        ("category", old.categories, new.categories),
    ):
        _assert_named(told, kind, {one.id: one for one in before}, {one.id: one for one in after})
    was = {(one.id, each) for one in old.categories for each in one.destinations}
    is_ = {(one.id, each) for one in new.categories for each in one.destinations}
    assert {
        (one.id, one.after["destination"]) for one in told if one.action == "Consent Mapping Created" and one.after
    } == is_ - was
    assert {
        (one.id, one.before["destination"]) for one in told if one.action == "Consent Mapping Removed" and one.before
    } == was - is_
    if old.rules != new.rules:
        (rules,) = [one for one in told if one.kind == "rules"]
        assert rules.after is not None
        for name, value in msgspec.structs.asdict(new.rules).items():
            assert (rules.after.get(name) == value) == (getattr(old.rules, name) != value)


def _assert_named(told: list[Happening], kind: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    of_kind = [one for one in told if one.kind == kind]
    assert {one.id for one in of_kind if one.action.endswith("Created")} == after.keys() - before.keys()
    assert {one.id for one in of_kind if one.action.endswith("Deleted")} == before.keys() - after.keys()
    for id_ in before.keys() & after.keys():
        said = [one for one in of_kind if one.id == id_]
        named = {name for one in said for name in {**(one.before or {}), **(one.after or {})}}
        named |= {"write_key"} if any(one.action == "Source Write Key Rotated" for one in said) else set()
        differs = {
            name
            for name in after[id_].__struct_fields__
            if name != "destinations" and getattr(before[id_], name) != getattr(after[id_], name)
        }
        assert named == differs
        for one in said:
            assert one.before is None or "settings" in named or one.before != one.after


@given(workspaces(), workspaces())
def test_no_write_key_and_no_setting_is_shown(old: Workspace, new: Workspace) -> None:
    written = repr(happenings(old, new))
    assert WRITE_KEY not in written
    assert SECRET not in written


def test_settings_are_told_by_name() -> None:
    def with_settings(name: str, **settings: Any) -> Workspace:
        return Workspace(destinations=(Destination("d", name, connector="webhook", settings=settings),))

    old = with_settings("one", url="http://a", secret=f"{SECRET}1", gone=None)
    new = with_settings("two", url="http://a", secret=f"{SECRET}2", come=1)
    assert happenings(old, new) == [
        Happening(
            "Destination Modified",
            "destination",
            "d",
            {"name": "one", "settings": ["gone", "secret"]},
            {"name": "two", "settings": ["come", "secret"]},
        )
    ]


def test_switches_and_keys_have_names_of_their_own() -> None:
    old = Workspace(
        "Shop",
        Consent(categories=(Category("ads", destinations=("d",)),)),
        (Source("web", f"{WRITE_KEY}1"),),
        (Destination("d"),),
    )
    new = Workspace(
        "Shop",
        Consent(categories=(Category("ads", enabled=False),)),
        (Source("web", f"{WRITE_KEY}2", enabled=False),),
        (Destination("d", held=True),),
    )
    assert [one.action for one in happenings(old, new)] == [
        "Source Write Key Rotated",
        "Source Disabled",
        "Destination Held",
        "Consent Category Disabled",
        "Consent Mapping Removed",
    ]


def test_another_preset_is_told_even_where_it_comes_to_the_same() -> None:
    beta = PRESETS["segment-beta"]
    same = Workspace(consent=Consent("strict", RuleOverrides(**msgspec.structs.asdict(beta))))
    assert same.rules == Workspace().rules
    (told,) = happenings(Workspace(), same)
    assert told.action == "Consent Rules Modified"
    assert (told.before or {})["preset"] == "segment-beta"
    assert (told.after or {})["preset"] == "strict"
