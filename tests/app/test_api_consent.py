"""Consent through the API: categories, mapping and rules are changed one by one, under the same checks as in a file."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from harness.api import GRANTED, Api, a_workspace, running_api

CHANGES: list[tuple[str, str, Any]] = [
    ("POST", "/categories", {"id": "mail"}),
    ("PATCH", "/categories/analytics", {"enabled": False}),
    ("DELETE", "/categories/analytics", None),
    ("PUT", "/mapping", {"mapping": {"analytics": []}}),
    ("PUT", "/rules", {"preset": "strict"}),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("consent"), a_workspace(warehouse="blackhole", pixel="blackhole")) as api:
        yield api


@pytest.fixture
def api(served: Api) -> Api:
    """The server, its workspace as at the beginning."""
    served.put(a_workspace(warehouse="blackhole", pixel="blackhole"))
    return served


def version(api: Api) -> int:
    number: int = api.data("/workspace")["number"]
    return number


def test_a_category_is_created_changed_and_deleted(api: Api) -> None:
    before = version(api)
    mail = {"id": "mail", "name": "E-mail", "destinations": ["pixel"], "signals": ["tcf:4"]}
    created = api.owner.post("/categories", json=mail)
    assert created.json()["data"] == {**mail, "enabled": True}
    assert created.headers["etag"] == f'"{before + 1}"'

    changed = api.owner.patch("/categories/mail", json={"enabled": False})
    assert changed.json()["data"] == {**mail, "enabled": False}
    renamed = api.owner.patch("/categories/mail", json={"id": "e-mail", "destinations": [], "signals": []})
    emptied = {"id": "e-mail", "name": "E-mail", "enabled": False, "destinations": [], "signals": []}
    assert renamed.json()["data"] == emptied
    assert api.member.get("/categories/mail").status_code == 404

    deleted = api.owner.delete("/categories/e-mail")
    assert deleted.json()["data"] == {"version": before + 4}
    assert [one["id"] for one in api.data("/categories")["categories"]] == ["analytics", "advertising"]


@pytest.mark.parametrize("id_", ["with/slash", "with space", "50 %", "?a=b#c", "é"])
def test_a_category_may_have_any_id(api: Api, id_: str) -> None:
    assert api.owner.post("/categories", json={"id": id_}).status_code == 200
    path = f"/categories/{quote(id_, safe='')}"
    assert api.data(path)["id"] == id_
    assert api.owner.patch(path, json={"name": "Named"}).json()["data"]["name"] == "Named"
    assert api.owner.delete(path).status_code == 200


def test_the_mapping_is_replaced_for_the_categories_that_are_named(api: Api) -> None:
    answer = api.owner.put("/mapping", json={"mapping": {"analytics": ["pixel", "warehouse"]}})
    assert answer.json()["data"]["mapping"] == {"analytics": ["warehouse", "pixel"], "advertising": ["pixel"]}
    api.track("m-1", preferences={"analytics": True, "advertising": False})
    assert api.wait_for("m-1", pixel="delivered")["pixel"]["reason"] == "consented"


def test_rules_are_a_preset_and_what_overrides_it(api: Api) -> None:
    answer = api.owner.put("/rules", json={"preset": "segment-ga", "overrides": {"noConsent": "withhold"}})
    rules = answer.json()["data"]
    assert rules["preset"] == "segment-ga"
    assert rules["overrides"]["noConsent"] == "withhold"
    assert (rules["rules"]["severalCategories"], rules["rules"]["noConsent"]) == ("all", "withhold")
    assert api.data("/rules") == rules


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("POST", "/categories", {"id": "analytics"}, 409, "there is a category `analytics` already"),
        ("POST", "/categories", {"id": ""}, 400, "has 0 characters"),
        ("POST", "/categories", {"id": "a.b"}, 400, "contains `.`"),
        ("POST", "/categories", {"id": "new", "destinations": ["nowhere"]}, 400, "`nowhere` is no destination"),
        ("POST", "/categories", {"name": "without an id"}, 400, "id"),
        ("PATCH", "/categories/analytics", {"nmae": "x"}, 400, "nmae"),
        ("PATCH", "/categories/nothing", {"name": "x"}, 404, "there is no category `nothing`"),
        ("DELETE", "/categories/nothing", None, 404, "there is no category `nothing`"),
        ("PUT", "/mapping", {"mapping": {"nothing": []}}, 404, "there is no category `nothing`"),
        ("PUT", "/rules", {"preset": "lenient"}, 400, "lenient"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    api: Api, method: str, path: str, body: Any, status: int, message: str
) -> None:
    before = version(api)
    answer = api.owner.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert message in answer.json()["errors"][0]["message"]
    assert version(api) == before


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_a_change_for_an_older_version_is_refused(api: Api, method: str, path: str, body: Any) -> None:
    api.owner.put("/rules", json={"preset": "segment-ga"})
    now = version(api)
    for how in ({"headers": {"If-Match": f'"{now - 1}"'}}, {"params": {"expectedVersion": now - 1}}):
        assert api.owner.request(method, path, json=body, **how).status_code == 409  # type: ignore[arg-type]
    assert version(api) == now
    assert api.owner.request(method, path, json=body, headers={"If-Match": f'"{now}"'}).status_code == 200


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_a_member_changes_nothing(api: Api, method: str, path: str, body: Any) -> None:
    before = version(api)
    answer = api.member.request(method, path, json=body)
    assert (answer.status_code, answer.json()["errors"][0]["type"]) == (403, "forbidden")
    assert version(api) == before


def test_shares_count_events_that_carry_consent(api: Api) -> None:
    (before,) = [one for one in api.data("/categories")["categories"] if one["id"] == "advertising"]
    api.track("s-1", preferences=GRANTED)
    api.track("s-2", preferences={"advertising": "yes"})
    api.track("s-3")
    (after,) = [one for one in api.data("/categories")["categories"] if one["id"] == "advertising"]
    assert after["events"]["granted"] - before["events"]["granted"] == 1
    assert after["events"]["of"] - before["events"]["of"] == 2


def test_an_address_says_all_that_can_be_done_there(api: Api) -> None:
    assert api.owner.options("/categories/x").headers["allow"] == "DELETE, GET, OPTIONS, PATCH"
    assert api.owner.options("/mapping").headers["allow"] == "GET, OPTIONS, PUT"
