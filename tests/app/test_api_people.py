"""Users, invitations, tokens and the audit trail through the API."""

from collections.abc import Iterator

import pytest

from assent.app.services.sign_in import join
from assent.app.wiring import now
from harness.api import Api, a_workspace, running_api


@pytest.fixture
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("people"), a_workspace()) as api:
        api.server.stores.users.add("olivia@example.com", "Olivia", "owner", None, at=1)
        yield api


def error(answer: object) -> tuple[int, str, str | None]:
    (one,) = answer.json()["errors"]  # type: ignore[attr-defined]
    return answer.status_code, one["type"], one["field"]  # type: ignore[attr-defined]


def test_somebody_is_invited_comes_changes_role_and_goes(api: Api) -> None:
    invited = api.owner.post("/invitations", json={"email": "Max@Example.com", "role": "member"})
    assert invited.status_code == 200, invited.text
    link = invited.json()["data"]
    assert link["email"] == "max@example.com"
    (listed,) = api.data("/invitations")["invitations"]
    assert (listed["email"], listed["role"], listed["invitedBy"]) == ("max@example.com", "member", "olivia")
    assert link["path"].removeprefix("/join/") not in api.member.get("/invitations").text
    assert listed["expiresAt"] == link["expiresAt"]

    stores = api.server.stores
    session = join(stores, link["path"].removeprefix("/join/"), email="", name="Max", password="x" * 12, at=now())
    (_, max_) = api.data("/users")["users"]
    assert (max_["email"], max_["name"], max_["role"]) == ("max@example.com", "Max", "member")

    changed = api.owner.patch(f"/users/{max_['id']}", json={"role": "owner"})
    assert changed.json()["data"] == {**max_, "role": "owner"}
    reset = api.owner.post(f"/users/{max_['id']}/password-link").json()["data"]
    assert stores.invitations.find(reset["path"].removeprefix("/join/"), at=now()).is_for_password
    assert api.data("/invitations")["invitations"][0]["isForPassword"]
    assert api.owner.delete(f"/users/{max_['id']}").status_code == 200
    assert stores.sessions.find(session, at=now()) is None
    assert len(api.data("/users")["users"]) == 1
    assert api.data("/invitations")["invitations"] == []


def test_an_invitation_is_withdrawn_once(api: Api) -> None:
    api.owner.post("/invitations", json={"email": "max@example.com", "role": "member"})
    (listed,) = api.data("/invitations")["invitations"]
    assert api.owner.delete(f"/invitations/{listed['id']}").json()["data"] == listed
    assert error(api.owner.delete(f"/invitations/{listed['id']}")) == (404, "not_found", None)


def test_what_cannot_be_done_is_said(api: Api) -> None:
    (olivia,) = api.data("/users")["users"]
    assert error(api.owner.patch(f"/users/{olivia['id']}", json={"role": "member"})) == (409, "conflict", None)
    assert error(api.owner.delete(f"/users/{olivia['id']}")) == (409, "conflict", None)
    assert error(api.owner.delete("/users/usr_nobody")) == (404, "not_found", None)
    assert error(api.owner.patch(f"/users/{olivia['id']}", json={"role": "boss"}))[:2] == (400, "invalid_input")
    assert error(api.owner.patch(f"/users/{olivia['id']}", json={"rolle": "owner"}))[:2] == (400, "invalid_input")
    for order, status in (
        ({"email": "no address", "role": "member"}, 400),
        ({"email": "olivia@example.com", "role": "member"}, 409),
    ):
        answer = api.owner.post("/invitations", json=order)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (status, "email")
    assert error(api.owner.post("/tokens", json={"name": "a@b", "role": "member"})) == (400, "invalid_input", "name")


def test_a_token_is_made_used_and_revokes_itself(api: Api) -> None:
    made = api.owner.post("/tokens", json={"name": "deploy", "role": "owner"}).json()["data"]
    used = {"Authorization": f"Bearer {made['text']}"}
    listed = api.nobody.get("/tokens", headers=used).json()["data"]["tokens"]
    assert {key: made[key] for key in made if key != "text"} in listed
    assert made["text"] not in str(listed)
    assert api.nobody.delete(f"/tokens/{made['id']}", headers=used).status_code == 200
    assert api.nobody.get("/tokens", headers=used).status_code == 401


def test_the_trail_is_read_page_by_page_and_filtered(api: Api) -> None:
    for number in range(5):
        api.owner.post("/tokens", json={"name": f"t{number}", "role": "member"})
    first = api.data("/audit-trail", action="Token Created", author="olivia", query={"pagination.count": 2})
    assert [one["after"]["name"] for one in first["entries"]] == ["t4", "t3"]
    query = {"pagination.count": 2, "pagination.cursor": first["pagination"]["next"]}
    second = api.data("/audit-trail", action="Token Created", author="olivia", query=query)
    assert [one["after"]["name"] for one in second["entries"]] == ["t2", "t1"]
    last = api.data(
        "/audit-trail",
        kind="token",
        author="olivia",
        query={**query, "pagination.cursor": second["pagination"]["next"]},
    )
    assert [one["after"]["name"] for one in last["entries"]] == ["t0"]
    assert last["pagination"]["next"] is None
    assert api.data("/audit-trail", query={"to": "2020-01-01T00:00:00Z", "from": "2019-01-01"})["entries"] == []
    (workspace,) = api.data("/audit-trail", kind="workspace")["entries"]
    assert (workspace["version"], workspace["comment"], workspace["after"]) == (1, "the first", {"name": "Shop"})
