"""Drafts: edits that are collected, tried, and put into force together, and that lose nobody's change."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.app.services import drafts
from assent.app.services.workspaces import apply, change
from assent.app.wiring import Stores, open_stores
from assent.app.workspace_file import workspace_of
from assent.domain.errors import Conflict, NotFound
from assent.domain.workspace import Category, Consent, Destination, RuleOverrides, Workspace
from assent.engine import edit
from assent.engine.changes import changes
from assent.engine.put_back import put_back
from assent.engine.rebase import rebase
from harness.api import GRANTED, a_workspace, running_api

SHOP = workspace_of(a_workspace(warehouse="blackhole", pixel="blackhole"))


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    stores = open_stores(tmp_path / "data")
    apply(stores, SHOP, author="test", at=0)
    yield stores
    stores.engine.dispose()


def test_several_edits_are_put_into_force_together_and_on_record(stores: Stores) -> None:
    draft = drafts.create(stores, "Stricter", author="olivia", at=1)
    drafts.edit(stores, draft.id, edit.change_category("advertising", enabled=False), author="olivia", at=2)
    drafts.edit(stores, draft.id, edit.change_source("app", held=True), author="max", at=3)
    assert stores.current().number == 1, "a draft is not in force"
    version = drafts.put_into_force(stores, draft.id, author="max", at=4)
    assert (version.number, version.author, version.comment) == (2, "max", "Stricter")
    assert not version.workspace.categories[1].enabled
    assert version.workspace.sources[1].held
    assert list(stores.drafts.all()) == []
    with pytest.raises(NotFound):
        drafts.put_into_force(stores, draft.id, author="max", at=5)
    entries = [(one.happening.action, one.author) for one in stores.trail.entries(20)]
    assert [one for one in entries if one[0].startswith("Draft")] == [
        ("Draft Applied", "max"),
        ("Draft Changed", "max"),
        ("Draft Changed", "olivia"),
        ("Draft Created", "olivia"),
    ]


def test_what_others_changed_meanwhile_stays(stores: Stores) -> None:
    draft = drafts.create(stores, "Mine", author="olivia", at=1)
    drafts.edit(stores, draft.id, edit.change_category("advertising", enabled=False), author="olivia", at=2)
    change(stores, edit.change_category("advertising", name="Adverts"), author="max", at=3)
    change(stores, edit.add_destination(Destination("lake", connector="blackhole")), author="max", at=3)
    in_force = drafts.put_into_force(stores, draft.id, author="olivia", at=4).workspace
    assert (in_force.categories[1].name, in_force.categories[1].enabled) == ("Adverts", False)
    assert in_force.destination("lake") is not None


def test_two_who_change_the_same_thing_are_told_what_both_changed(stores: Stores) -> None:
    draft = drafts.create(stores, "Mine", author="olivia", at=1)
    drafts.edit(stores, draft.id, edit.change_category("advertising", name="Ads"), author="olivia", at=2)
    change(stores, edit.change_category("advertising", name="Adverts"), author="max", at=3)
    with pytest.raises(Conflict) as refused:
        drafts.put_into_force(stores, draft.id, author="olivia", at=4)
    assert "in force: advertising is called Adverts" in refused.value.message
    assert "In the draft: advertising is called Ads" in refused.value.message
    assert stores.drafts.get(draft.id).workspace.categories[1].name == "Ads", "nothing is lost"


def test_a_draft_that_somebody_else_changed_is_not_overwritten(stores: Stores) -> None:
    draft = drafts.create(stores, "Ours", author="olivia", at=1)
    drafts.edit(stores, draft.id, edit.change_source("app", held=True), author="max", at=2, after=draft.revision)
    with pytest.raises(Conflict):
        drafts.edit(stores, draft.id, edit.remove_source("app"), author="olivia", at=3, after=draft.revision)


_parts = st.lists(st.sampled_from(["a", "b", "c"]), unique=True)
_workspaces = st.builds(
    lambda categories, names, rule: Workspace(
        consent=Consent(
            rules=RuleOverrides(several_categories=rule),
            categories=tuple(Category(one, name) for one, name in zip(categories, names, strict=False)),
        )
    ),
    _parts,
    st.lists(st.sampled_from(["", "x", "y"]), min_size=3, max_size=3),
    st.sampled_from([None, "any", "all"]),
)


@given(base=_workspaces, mine=_workspaces)
def test_a_rebase_on_what_did_not_change_is_what_i_want(base: Workspace, mine: Workspace) -> None:
    def parts(workspace: Workspace) -> tuple[object, object]:
        return workspace.consent.rules, {one.id: one for one in workspace.categories}

    assert parts(rebase(base, mine, base)) == parts(mine)
    assert parts(rebase(base, base, mine)) == parts(mine)
    assert parts(rebase(base, mine, mine)) == parts(mine)


def test_the_api_collects_tries_and_applies(tmp_path: Path) -> None:
    with running_api(tmp_path, a_workspace(warehouse="blackhole", pixel="blackhole")) as api:
        api.track("m-1", preferences=GRANTED)
        assert api.member.post("/drafts", json={"name": "Mine"}).status_code == 403
        draft = api.owner.post("/drafts", json={"name": "Mine"}).json()["data"]
        path = f"/drafts/{draft['id']}"
        draft["workspace"]["consent"]["categories"][1]["enabled"] = False
        changed = api.owner.put(path, json=draft["workspace"], params={"revision": 1}).json()["data"]
        assert (changed["revision"], changed["inWords"]) == (2, ["advertising is switched off"])
        assert api.owner.put(path, json=draft["workspace"], params={"revision": 1}).status_code == 409
        assert api.data("/drafts")["drafts"][0]["id"] == draft["id"] == api.data(path)["id"]
        [pixel] = api.member.post(f"{path}/trial").json()["data"]["destinations"]
        assert (pixel["newlyWithheld"], pixel["examples"]["withheld"]) == (1, ["m-1"])
        assert api.data("/workspace")["number"] == 1
        assert api.owner.post(f"{path}/apply").json()["data"] == {"version": 2}
        assert api.server.in_force.number == 2
        assert api.owner.post(f"{path}/apply").status_code == 404
        other = api.owner.post("/drafts", json={"name": "Other"}).json()["data"]["id"]
        assert api.owner.delete(f"/drafts/{other}").json()["data"] == {"drafts": []}


def test_what_is_done_on_a_page_is_added_on_top_of_what_the_draft_says(stores: Stores) -> None:
    draft = drafts.begin_with(stores, "Ours", edit.map_destinations({"advertising": []}), author="o", at=1, after=1)
    everything = edit.map_destinations({"analytics": ["warehouse", "pixel"], "advertising": ["pixel"]})
    drafts.collect(stores, draft.id, everything, author="max", at=2, after=1)
    mapped = {one.id: one.destinations for one in stores.drafts.get(draft.id).workspace.categories}
    assert mapped == {"analytics": ("warehouse", "pixel"), "advertising": ()}, "the page did not touch advertising"


def test_a_page_that_says_otherwise_than_the_draft_is_refused_in_words(stores: Stores) -> None:
    renamed = edit.change_category("advertising", name="Ads")
    draft = drafts.begin_with(stores, "Ours", renamed, author="olivia", at=1, after=1)
    with pytest.raises(Conflict, match=r"In the draft: .* called Ads\. And what you did: .* called Adverts"):
        drafts.collect(stores, draft.id, edit.change_category("advertising", name="Adverts"), author="m", at=2, after=1)
    change(stores, edit.change_source("app", held=True), author="max", at=3)
    with pytest.raises(Conflict, match="somebody else"):
        drafts.collect(stores, draft.id, renamed, author="max", at=4, after=1)


@given(base=_workspaces, mine=_workspaces)
def test_taking_every_change_out_leaves_what_the_draft_was_made_from(base: Workspace, mine: Workspace) -> None:
    left = mine
    for one in changes(base, mine):
        left = put_back(base, one.kind, one.id)(left)
    assert changes(base, left) == []
