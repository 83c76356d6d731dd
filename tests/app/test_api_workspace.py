"""The workspace through the API: read, plan, put, export, versions; and that nobody's change is lost."""

import json
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.api import GRANTED, NO_ADVERTISING, Api, a_workspace, running_api

SECRET = "hush-hush-signing-secret"
FROM_ENVIRONMENT = "hush-hush-from-the-environment"
WORKSPACE = a_workspace(
    warehouse="blackhole",
    pixel="blackhole",
    hook={
        "connector": "webhook",
        "settings": {
            "url": "http://127.0.0.1:9/hook",
            "secret": SECRET,
            "headers": {"Authorization": "$HOOK_AUTHORIZATION"},
        },
    },
)


@pytest.fixture(scope="module", autouse=True)
def environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOK_AUTHORIZATION", FROM_ENVIRONMENT)
        yield


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with running_api(tmp_path, WORKSPACE) as api:
        yield api


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """For tests that change nothing."""
    with running_api(tmp_path_factory.mktemp("workspace"), WORKSPACE) as api:
        yield api


def current(api: Api) -> dict[str, Any]:
    workspace: dict[str, Any] = api.data("/workspace")["workspace"]
    return workspace


def test_the_version_in_force_is_told_in_full(unchanged: Api) -> None:
    answer = unchanged.member.get("/workspace")
    assert answer.headers["etag"] == '"1"'
    version = answer.json()["data"]
    assert (version["number"], version["author"], version["comment"]) == (1, "test", "the first")
    assert version["at"].endswith("Z")
    assert [one["id"] for one in version["workspace"]["destinations"]] == ["warehouse", "pixel", "hook"]
    assert version["workspace"]["sources"][0] == {"id": "website", "write_key": "website-key"}


def test_what_is_read_can_be_put_back_and_changes_nothing(unchanged: Api) -> None:
    answer = unchanged.owner.put("/workspace", json=current(unchanged))
    assert answer.json()["data"]["number"] == 1
    exported = unchanged.member.get("/workspace/export")
    assert exported.headers["content-type"].startswith("application/yaml")
    answer = unchanged.owner.put("/workspace", content=exported.content, headers={"Content-Type": "application/yaml"})
    assert answer.json()["data"]["number"] == 1, answer.text


def test_a_change_is_in_force_when_the_answer_comes(api: Api) -> None:
    workspace = current(api)
    workspace["consent"]["rules"] = {"no_consent": "withhold"}
    answer = api.owner.put("/workspace", json=workspace, params={"comment": "as the lawyers ask"})
    assert answer.headers["etag"] == '"2"'
    assert api.server.in_force.number == 2
    api.track("m-1")
    assert api.wait_for("m-1", warehouse="withheld")["warehouse"]["reason"] == "consent_absent"
    newest = api.data("/workspace/versions")["versions"][0]
    assert {**newest, "at": ""} == {"number": 2, "at": "", "author": "olivia", "comment": "as the lawyers ask"}
    assert api.data("/workspace/versions/1")["workspace"]["consent"] == {
        **WORKSPACE["consent"],
        "categories": [
            WORKSPACE["consent"]["categories"][0],
            {"id": "advertising", "destinations": ["pixel"]},
        ],
    }


def test_yaml_is_as_good_as_json(api: Api) -> None:
    workspace = {**current(api), "workspace": "Shöp"}
    answer = api.owner.put(
        "/workspace", content=yaml.safe_dump(workspace).encode(), headers={"Content-Type": "text/yaml"}
    )
    assert answer.status_code == 200, answer.text
    assert current(api)["workspace"] == "Shöp"


@pytest.mark.parametrize(
    "how", [{"headers": {"If-Match": '"1"'}}, {"params": {"expectedVersion": 1}}], ids=["If-Match", "expectedVersion"]
)
def test_a_change_made_for_an_older_version_is_refused(api: Api, how: dict[str, Any]) -> None:
    mine, theirs = {**current(api), "workspace": "mine"}, {**current(api), "workspace": "theirs"}
    assert api.owner.put("/workspace", json=theirs, **how).status_code == 200
    refused = api.owner.put("/workspace", json=mine, **how)
    assert refused.status_code == 409
    assert refused.json()["errors"][0]["type"] == "conflict"
    assert "version 2" in refused.json()["errors"][0]["message"]
    assert current(api)["workspace"] == "theirs"


def test_a_member_reads_and_plans_but_changes_nothing(api: Api) -> None:
    workspace = {**current(api), "workspace": "mine"}
    refused = api.member.put("/workspace", json=workspace)
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["type"] == "forbidden"
    assert api.member.post("/workspace/plan", json=workspace).status_code == 200
    assert api.data("/workspace")["number"] == 1


def test_a_plan_says_what_changes_and_for_how_many_events(api: Api) -> None:
    for number in range(3):
        api.track(f"granted-{number}", preferences=GRANTED)
    api.track("denied", preferences=NO_ADVERTISING)
    workspace = current(api)
    workspace["consent"]["categories"][1]["enabled"] = False
    workspace["destinations"].append({"id": "newcomer", "connector": "blackhole"})
    workspace["consent"]["categories"][0]["destinations"].append("newcomer")
    answer = api.member.post("/workspace/plan", json=workspace)
    assert answer.status_code == 200, answer.text
    plan = answer.json()["data"]
    assert (plan["version"], plan["events"]) == (1, 4)
    assert plan["impact"] == [
        {"destination": "newcomer", "newlyDelivered": 4, "newlyWithheld": 0},
        {"destination": "pixel", "newlyDelivered": 0, "newlyWithheld": 3},
    ]
    assert {(one["action"], one["kind"], one["id"]) for one in plan["changes"]} == {
        ("update", "category", "analytics"),
        ("update", "category", "advertising"),
        ("create", "destination", "newcomer"),
    }
    assert ["enabled: `true` -> `false`"] in [one["details"] for one in plan["changes"]]
    assert api.data("/workspace")["number"] == 1


def test_every_mistake_is_an_error_with_its_field(unchanged: Api) -> None:
    workspace = current(unchanged)
    workspace["consent"]["preset"] = "lenient"
    workspace["destinations"][0]["connector"] = "pigeon"
    workspace["colour"] = "red"
    for answer in (
        unchanged.owner.put("/workspace", json=workspace),
        unchanged.owner.post("/workspace/plan", json=workspace),
        unchanged.owner.put(
            "/workspace", content=yaml.safe_dump(workspace), headers={"Content-Type": "application/yaml"}
        ),
    ):
        assert answer.status_code == 400
        errors = answer.json()["errors"]
        assert {one["type"] for one in errors} == {"invalid_workspace"}
        assert {one["field"] for one in errors} == {"consent.preset", "destinations[0].connector", "colour"}
    assert all("(line " in one["message"] for one in errors), "YAML has lines"


@pytest.mark.parametrize(
    ("body", "media_type", "message"),
    [
        (b'{"workspace": ', "application/json", "the body is not JSON"),
        (b"\xff\xfe", "application/yaml", "the body is not UTF-8"),
        (b"", "application/json", "the body is not JSON"),
        (b"", "application/yaml", "is empty"),
        (b"[" * 100_000, "application/json", "the body is not JSON"),
        (b"[1, 2]", "application/json", "must be a mapping"),
        (b"a: *b", "application/yaml", "is no YAML"),
    ],
)
def test_a_body_that_is_no_workspace_says_so(unchanged: Api, body: bytes, media_type: str, message: str) -> None:
    answer = unchanged.owner.put("/workspace", content=body, headers={"Content-Type": media_type})
    assert answer.status_code == 400
    assert message in answer.json()["errors"][0]["message"]


def test_a_few_lines_of_yaml_cannot_keep_the_server_busy(unchanged: Api) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{one}: &a{one} [{', '.join([f'*a{one - 1}'] * 10)}]" for one in range(1, 9)]
    answer = unchanged.owner.post(
        "/workspace/plan", content="\n".join(lines), headers={"Content-Type": "application/yaml"}
    )
    assert answer.status_code == 400
    assert "too many" in answer.text


def test_versions_are_paged_newest_first(api: Api) -> None:
    for name in ("b", "c", "d", "e"):
        api.put({**current(api), "workspace": name})
    numbers, cursor = [], None
    while True:
        query = {"pagination.count": 2, **({"pagination.cursor": cursor} if cursor else {})}
        page = api.data("/workspace/versions", query=query)
        assert page["pagination"]["totalEntries"] == 5
        numbers.append([one["number"] for one in page["versions"]])
        if (cursor := page["pagination"]["next"]) is None:
            break
    assert numbers == [[5, 4], [3, 2], [1]]
    assert api.member.get("/workspace/versions/6").status_code == 404


def test_no_answer_holds_a_secret(api: Api) -> None:
    api.track("m-1", preferences=GRANTED)
    api.wait_for("m-1", hook="retrying")
    asked = {"destinations": ["hook"], "since": "2020-01-01", "until": "2100-01-01", "why": "to see one"}
    backfill = api.owner.post("/backfills", json=asked).json()["data"]["backfills"][0]["id"]
    draft = api.owner.post("/drafts", json={"name": "one"}).json()["data"]["id"]
    choice = {"userId": "u-1", "preferences": {"analytics": "granted"}}
    receipt = api.owner.post("/consent", json=choice).json()["data"]["receipts"][0]["id"]
    about = {"regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "subjectIds": ["u-2"]}
    regulation = api.owner.post("/regulations", json=about).json()["data"]["regulateId"]
    document = api.nobody.get(f"{api.url}/api/docs/openapi.json").json()
    seen = []
    for path, item in document["paths"].items():
        if "get" in item:
            known = {
                "{messageId}": "m-1",
                "{number}": "1",
                "{categoryId}": "analytics",
                "{sourceId}": "website",
                "{destinationId}": "hook",
                "{anyId}": "u-1",
                "{profileId}": "u-1",
                "{receiptId}": receipt,
                "{regulationId}": regulation,
                "{backfillId}": backfill,
                "{draftId}": draft,
            }
            url = api.url + reduce(lambda so_far, one: so_far.replace(*one), known.items(), path)
            answer = api.owner.get(url)
            assert answer.status_code == 200, answer.text
            seen.append(answer.text)
    wrong = json.loads(json.dumps(WORKSPACE))
    wrong["destinations"][2]["settings"]["timeout"] = SECRET
    wrong["destinations"][2]["settings"]["secrets"] = SECRET
    seen += [api.owner.put("/workspace", json=wrong).text, api.owner.post("/workspace/plan", json=WORKSPACE).text]
    changed = json.loads(json.dumps(WORKSPACE).replace(SECRET, f"{SECRET}-changed"))
    seen += [api.owner.post("/workspace/plan", json=changed).text, api.owner.put("/workspace", json=changed).text]
    for text in seen:
        assert SECRET not in text
        assert FROM_ENVIRONMENT not in text
        assert api.owner_token not in text
    settings = current(api)["destinations"][2]["settings"]
    assert settings["headers"] == {"Authorization": "$HOOK_AUTHORIZATION"}
    assert settings["secret"].startswith("$stored:")
