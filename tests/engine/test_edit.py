"""Edits of a workspace: what is valid stays valid, each does one thing, and the opposite undoes it."""

from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from workspace_strategies import IDS, WRITE_KEY, names, workspaces

from assent.domain.errors import Conflict, NotFound
from assent.domain.workspace import Category, Destination, RuleOverrides, Source, Workspace
from assent.engine import edit
from assent.engine.changes import changes
from assent.engine.check import find_mistakes
from assent.engine.edit import Edit
from assent.engine.trail import happenings

ids = st.sampled_from(IDS)
ADDERS: dict[str, Any] = {
    "category": lambda id_: edit.add_category(Category(id_)),
    "source": lambda id_: edit.add_source(Source(id_, f"{WRITE_KEY}-new")),
    "destination": lambda id_: edit.add_destination(Destination(id_, connector="blackhole")),
}
REMOVERS: dict[str, Any] = {
    "category": edit.remove_category,
    "source": edit.remove_source,
    "destination": edit.remove_destination,
}
CHANGERS: dict[str, Any] = {
    "category": edit.change_category,
    "source": edit.change_source,
    "destination": edit.change_destination,
}
kinds = st.sampled_from(sorted(ADDERS))


def things(workspace: Workspace, kind: str) -> dict[str, Any]:
    every: Any = {"category": workspace.categories, "source": workspace.sources, "destination": workspace.destinations}
    return {one.id: one for one in every[kind]}


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    """Any edit with values that are good in themselves; whether its ids are there is another question."""
    kind, id_, other = draw(kinds), draw(ids), draw(ids)
    return draw(
        st.sampled_from(
            [
                ADDERS[kind](id_),
                REMOVERS[kind](id_),
                CHANGERS[kind](id_, name=draw(names)),
                CHANGERS[kind](id_, enabled=draw(st.booleans())),
                edit.set_rules(draw(st.sampled_from(["strict", "segment-ga"])), RuleOverrides(no_consent="deliver")),
                edit.map_destinations({id_: {other}}),
                edit.map_destinations({id_: set()}),
            ]
        )
    )


@given(workspaces(), st.lists(edits(), max_size=5))
def test_a_valid_workspace_stays_valid(workspace: Workspace, done: list[Edit]) -> None:
    for one in done:
        try:
            edited = one(workspace)
        except (NotFound, Conflict):
            continue
        destinations = {each.id for each in edited.destinations}
        named = {each for category in edited.categories for each in category.destinations}
        mistakes = [str(one) for one in find_mistakes(msgspec.json.decode(msgspec.json.encode(edited)))]
        # That a mapping names what is not there, it is for the check to say, and nothing else is wrong.
        assert bool(mistakes) == bool(named - destinations)
        workspace = edited if not mistakes else workspace


@given(workspaces(), kinds, ids)
def test_to_add_and_to_remove_undo_each_other(workspace: Workspace, kind: str, id_: str) -> None:
    if id_ in things(workspace, kind):
        with pytest.raises(Conflict, match="choose another id"):
            ADDERS[kind](id_)(workspace)
        removed = REMOVERS[kind](id_)(workspace)
        assert things(workspace, kind).keys() - things(removed, kind).keys() == {id_}
        assert all(id_ not in one.destinations for one in removed.categories) or kind != "destination"
    else:
        with pytest.raises(NotFound):
            REMOVERS[kind](id_)(workspace)
        assert REMOVERS[kind](id_)(ADDERS[kind](id_)(workspace)) == workspace


@given(workspaces(), kinds, ids, names)
def test_a_change_is_of_one_thing_and_can_be_taken_back(workspace: Workspace, kind: str, id_: str, name: str) -> None:
    assume(id_ in things(workspace, kind))
    before = things(workspace, kind)[id_]
    renamed = CHANGERS[kind](id_, name=name)(workspace)
    assert things(renamed, kind)[id_].name == name
    assert {(one.kind, one.id) for one in changes(workspace, renamed)} <= {(kind, id_)}
    assert CHANGERS[kind](id_, name=before.name)(renamed) == workspace


@given(workspaces(), ids, st.sets(ids))
def test_mapping_is_of_the_named_categories_alone(workspace: Workspace, id_: str, wanted: set[str]) -> None:
    assume(id_ in things(workspace, "category"))
    mapped = edit.map_destinations({id_: wanted})(workspace)
    assert set(things(mapped, "category")[id_].destinations) == wanted
    assert len(things(mapped, "category")[id_].destinations) == len(wanted)
    others = [one for one in workspace.categories if one.id != id_]
    assert [one for one in mapped.categories if one.id != id_] == others
    back = edit.map_destinations({id_: things(workspace, "category")[id_].destinations})(mapped)
    assert happenings(workspace, back) == []


@given(workspaces(), kinds)
def test_what_is_not_there_cannot_be_changed(workspace: Workspace, kind: str) -> None:
    for one in (CHANGERS[kind]("nowhere", name="x"), REMOVERS[kind]("nowhere")):
        with pytest.raises(NotFound, match="nowhere"):
            one(workspace)
    with pytest.raises(NotFound, match="nowhere"):
        edit.map_destinations({"nowhere": set()})(workspace)
