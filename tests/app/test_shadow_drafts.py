"""A shadow decides on live events beside the version in force: what it would do otherwise is counted, exactly once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from test_cli_workspace import quickly

from assent.app.services import drafts
from assent.app.wiring import Stores, now, open_stores
from assent.app.workspace_file import workspace_of
from assent.domain.decision import Reason
from assent.domain.errors import Conflict
from assent.engine import edit
from assent.store.drafts import ShadowCount
from harness import wait_until
from harness.api import GRANTED, NO_ADVERTISING, Api, a_workspace, running_api


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    stores = open_stores(tmp_path / "data")
    yield stores
    stores.engine.dispose()


def test_there_is_one_shadow_and_it_could_be_put_into_force(stores: Stores) -> None:
    shop = workspace_of(a_workspace(warehouse="blackhole", pixel="blackhole"))
    stores.versions.save(shop, after=0, at=0, author="test")
    renamed = edit.change_category("advertising", name="Ads")
    first = drafts.begin_with(stores, "First", renamed, author="o", at=1, after=1)
    second = drafts.create(stores, "Second", author="o", at=2)
    drafts.set_shadow(stores, first.id, True, author="o", at=3)
    drafts.set_shadow(stores, second.id, True, author="o", at=4)
    assert [stores.drafts.get(one.id).shadow for one in (first, second)] == [False, True]
    drafts.rename(stores, second.id, "Still", author="o", at=5)
    assert stores.drafts.get(second.id).shadow, "a change leaves it the shadow"
    stores.versions.save(edit.change_category("advertising", name="Adverts")(shop), after=1, at=6, author="test")
    with pytest.raises(Conflict):
        drafts.set_shadow(stores, first.id, True, author="o", at=7)
    stores.drafts.delete(second.id, author="o", at=8)
    assert stores.drafts.shadow() is None


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("shadow"), a_workspace(warehouse="blackhole", pixel="blackhole")) as api:
        yield api


def test_what_it_would_do_otherwise_is_counted_live(api: Api) -> None:
    off = edit.change_category("advertising", enabled=False)
    draft = drafts.begin_with(api.server.stores, "No ads", off, author="o", at=now(), after=1)
    path = f"/drafts/{draft.id}/shadow"
    assert api.member.post(path, json={"shadow": True}).status_code == 403
    assert api.owner.post(path, json={"shadow": True}).json()["data"] == {"shadow": True, "revision": 1, "counts": []}
    api.track("m-1", preferences=GRANTED)
    api.track("m-2", preferences=NO_ADVERTISING)
    api.wait_for("m-1", pixel="delivered")
    api.wait_for("m-2", pixel="withheld", warehouse="delivered")
    expected = {"destination": "pixel", "direction": "withheld", "reason": "category_disabled", "events": 1}
    assert api.data(path)["counts"] == [expected]
    [by_minute] = api.member.get(path, params={"byMinute": "true"}).json()["data"]["counts"]
    assert by_minute.pop("at").endswith("Z")
    assert by_minute == expected
    counted = ShadowCount("pixel", "withheld", Reason.CATEGORY_DISABLED, 1)
    assert api.server.stores.drafts.shadow_counts(draft) == [counted]

    data = str(api.server.config.data)
    for where in (["--data", data], ["--url", api.url, "--token", api.owner_token]):
        shown = quickly("draft", "shadow", draft.id, *where).stdout
        assert shown.splitlines() == ["It is the shadow.", "  pixel: 1 newly withheld (Category switched off)"]
    assert quickly("draft", "shadow", draft.id, "--data", data, "--off").stdout.startswith("It is not the shadow.")
    wait_until(lambda: api.server.in_force.shadow is None, "it is followed")
    api.track("m-3", preferences=GRANTED)
    api.wait_for("m-3", pixel="delivered")
    assert api.data(path)["counts"] == [expected]
    actions = [one.happening.action for one in api.server.stores.trail.entries(5)]
    assert [one for one in actions if one.startswith("Shadow")] == ["Shadow Ended", "Shadow Started"]
