"""Undo: any version can be in force again, with every decision and every secret as it was."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_cli_workspace import SHOP, STRICTER, quickly

from assent import Policy
from assent.app.services.workspaces import apply, difference_in_words, restore
from assent.app.wiring import Stores, open_stores, reveal
from assent.app.workspace_file import workspace_of
from assent.domain.errors import Conflict, NotFound
from assent.domain.workspace import PRESETS, Category, Consent, Destination, Workspace
from harness.api import GRANTED, Api, a_workspace, running_api


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    stores = open_stores(tmp_path / "data")
    yield stores
    stores.engine.dispose()


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with running_api(tmp_path, a_workspace(warehouse="blackhole", pixel="blackhole")) as api:
        yield api


def put(stores: Stores, workspace: Workspace | dict[str, Any]) -> int:
    wanted = workspace_of(workspace) if isinstance(workspace, dict) else workspace
    return apply(stores, wanted, author="test", at=0).number


_some = st.sets(st.sampled_from(["d0", "d1", "d2"])).map(lambda chosen: tuple(sorted(chosen)))
_categories = st.tuples(
    *(st.builds(Category, st.just(one), enabled=st.booleans(), destinations=_some) for one in ("a", "b"))
)
_consents = st.builds(Consent, st.sampled_from(list(PRESETS)), categories=_categories)
_destinations = st.tuples(
    *(st.builds(Destination, st.just(f"d{n}"), enabled=st.booleans(), connector=st.just("blackhole")) for n in range(3))
)
workspaces = st.builds(Workspace, consent=_consents, destinations=_destinations)
_answers = st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from([True, False, None]))
events = st.builds(lambda said: {"context": {"consent": {"categoryPreferences": said}}}, _answers) | st.just({})


@given(old=workspaces, new=workspaces, event=events)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_undo_restores_every_decision(stores: Stores, old: Workspace, new: Workspace, event: Any) -> None:
    before = put(stores, old)
    put(stores, new)
    restored = restore(stores, before, author="olivia", at=1)
    assert Policy(restored.workspace).decide(event) == Policy(old).decide(event)
    assert stores.current() == restored


def test_a_restored_version_is_a_new_one_on_record(stores: Stores) -> None:
    put(stores, SHOP)
    put(stores, STRICTER)
    restored = restore(stores, 1, author="olivia", at=7)
    assert (restored.number, restored.author, restored.comment) == (3, "olivia", "version 1 again")
    assert restored.workspace == stores.versions.get(1).workspace
    newest = [one for one in stores.trail.entries(20) if one.version == 3]
    assert newest
    assert {one.author for one in newest} == {"olivia"}
    assert "Destination Created" in {one.happening.action for one in newest}


def test_secrets_are_not_part_of_versions_and_survive_an_undo(stores: Stores) -> None:
    put(stores, SHOP)
    put(stores, STRICTER)
    [crm] = [one for one in restore(stores, 1, author="t", at=1).workspace.destinations if one.id == "crm"]
    assert str(crm.settings["secret"]).startswith("$stored:")
    assert reveal(crm.settings, stores.secrets)["secret"] == SHOP["destinations"][2]["settings"]["secret"]


def test_an_undo_made_for_an_older_version_is_refused(stores: Stores) -> None:
    put(stores, SHOP)
    put(stores, STRICTER)
    with pytest.raises(Conflict):
        restore(stores, 1, author="t", at=1, after=1)
    with pytest.raises(NotFound):
        restore(stores, 9, author="t", at=1)


def test_what_a_version_changed_is_said_in_words(stores: Stores) -> None:
    put(stores, SHOP)
    put(stores, STRICTER)
    granted = b'{"context":{"consent":{"categoryPreferences":{"ads":true}}}}'
    said = difference_in_words(stores, 2, last_day={("web", granted): 1_200, ("web", b"{}"): 34})
    assert said == [
        "The rule several categories is all instead of any",
        "The rule integrations object is narrow instead of yield",
        "The rule no consent is withhold instead of deliver",
        "Advertising is called Adverts",
        "The destination lake is new",
        "The destination crm is removed: 34 events a day would no longer reach it",
        "amplitude joins Adverts: 34 events a day would no longer reach it, and 1,200 events more a day would reach it",
        "facebook: 34 events a day would no longer reach it",
    ]


def test_the_api_undoes(api: Api) -> None:
    workspace = api.data("/workspace")["workspace"]
    workspace["consent"]["categories"][1]["destinations"] = []
    api.track("m-1", preferences=GRANTED)
    api.put(workspace)
    said = api.data("/workspace/versions/2/changes")
    assert (said["number"], said["since"]) == (2, 1)
    assert said["changes"][0]["details"] == ["`pixel` leaves"]
    assert said["inWords"] == ["Pixel leaves advertising: 1 event a day would no longer reach it"]
    assert api.member.post("/workspace/versions/1/restore").status_code == 403
    assert api.owner.post("/workspace/versions/9/restore").status_code == 404
    assert api.owner.post("/workspace/versions/1/restore", params={"expectedVersion": 1}).status_code == 409
    answer = api.owner.post("/workspace/versions/1/restore", headers={"If-Match": '"2"'})
    assert answer.json()["data"]["number"] == 3
    assert api.server.in_force.number == 3
    assert api.data("/workspace/versions/3/changes", since=1)["inWords"] == []
    api.track("m-2", preferences=GRANTED)
    api.wait_for("m-2", pixel="delivered")


def test_the_command_undoes(tmp_path: Path, stores: Stores) -> None:
    data = tmp_path / "data"
    put(stores, SHOP)
    put(stores, STRICTER)
    refused = quickly("undo", "--data", data)
    assert refused.returncode == 2
    assert "nobody can be asked here" in refused.stderr
    done = quickly("undo", "--data", data, "--yes", "--comment", "too strict")
    assert "Version 3 is in force: it is version 1 again." in done.stdout
    assert stores.current().comment == "too strict"
    assert quickly("undo", "--to", "1", "--data", data, "--yes").stdout.startswith("No changes")
    assert quickly("undo", "--to", "7", "--data", data, "--yes").returncode == 1
