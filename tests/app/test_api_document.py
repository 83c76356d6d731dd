"""The OpenAPI document: the API does what it says, on whatever comes in; and the page that shows it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from harness import chromium
from harness.api import GRANTED, NO_ADVERTISING, Api, a_workspace, running_api


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    workspace = a_workspace(warehouse="blackhole", pixel="blackhole")
    with running_api(tmp_path_factory.mktemp("document"), workspace) as api:
        api.track("m-1", preferences=GRANTED)
        api.track("m-2", preferences=NO_ADVERTISING)
        api.send("track", {"event": "Tested"})
        yield api


@pytest.fixture(scope="module")
def document(api: Api) -> dict[str, Any]:
    answer = api.nobody.get(f"{api.url}/api/docs/openapi.json")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json"
    return dict(answer.json())


def schemathesis(api: Api, directory: Path, token: str, *options: str) -> str:
    """What `schemathesis run` found, which must be nothing."""
    command = [Path(sys.executable).with_name("schemathesis"), "run", f"{api.url}/api/docs/openapi.json", *options]
    command += ["--header", f"Authorization: Bearer {token}", "--generation-deterministic", "--no-color"]
    run = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=400, check=False)
    assert run.returncode == 0, run.stdout[-5_000:] + run.stderr
    return run.stdout


@pytest.mark.timeout(450)
def test_the_api_does_what_the_document_says_whatever_comes_in(
    api: Api, document: dict[str, Any], tmp_path: Path
) -> None:
    # A workspace that has the right shape may still be wrong, and a cursor be one that was never given.
    found = schemathesis(
        api, tmp_path, api.owner_token, "--max-examples=10", "--exclude-checks=positive_data_acceptance"
    )
    assert f"Tested: {len(operations(document))}" in found
    assert int(re.search(r"(\d+) generated", found)[1]) > 1_000  # type: ignore[index]


@pytest.mark.timeout(450)
def test_the_document_is_true_for_those_without_a_token_too(api: Api, tmp_path: Path) -> None:
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    schemathesis(api, tmp_path, "assent_unknown", "--max-examples=3", f"--checks={checks}", "--warnings=off")


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for item in document["paths"].values() for operation in item.values()]


def test_everything_is_described(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["security"] == [{"token": []}]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    described_tags = {one["name"] for one in document["tags"]}
    for operation in operations(document):
        assert operation["summary"]
        assert operation["description"]
        assert set(operation["tags"]) <= described_tags
        assert {"200", "401", "503"} <= operation["responses"].keys()
        assert all(one.get("description") for one in operation["parameters"])
        # The page would fill them in, and send them.
        assert not any("examples" in one for one in operation["parameters"])
        for status, response in operation["responses"].items():
            if status != "200":
                reference = response["content"]["application/json"]["schema"]["$ref"]
                assert reference == "#/components/schemas/Errors"
    ids = [one["operationId"] for one in operations(document)]
    assert len(ids) == len(set(ids)) == len(operations(document))
    for name, schema in document["components"]["schemas"].items():
        assert schema.get("description") or "enum" in schema, name


def test_every_key_of_an_answer_is_in_camel_case_but_the_workspace(document: dict[str, Any]) -> None:
    of_the_workspace = {"Workspace", "Consent", "RuleOverrides", "Category", "Source", "Destination"}
    for name, schema in document["components"]["schemas"].items():
        if name not in of_the_workspace:
            assert [key for key in schema.get("properties", {}) if "_" in key] == [], name


def test_the_page_shows_every_operation_and_asks_nobody_else(api: Api, document: dict[str, Any]) -> None:
    executable = chromium()
    hosts, complaints = set(), []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.on("request", lambda request: hosts.add(request.url.split("/")[2] if "//" in request.url else "data"))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{api.url}/api/docs")
        page.locator(".opblock").nth(len(operations(document)) - 1).wait_for()
        shown = page.locator(".opblock").count()
        page.locator("#operations-Decisions-decideEvent .opblock-summary-control").click()
        page.locator("#operations-Decisions-decideEvent .try-out__btn").click()
        page.locator("#operations-Decisions-decideEvent .execute").click()
        answer = page.locator("#operations-Decisions-decideEvent .live-responses-table .response-col_status").last
        answer.wait_for()
        status = answer.inner_text()
        browser.close()
    assert shown == len(operations(document))
    assert "401" in status
    assert hosts <= {api.url.removeprefix("http://"), "data"}
    # The browser itself reports the answer that was asked for without a token, and only that.
    assert [one for one in complaints if "401" not in one] == []


def test_the_page_is_served_with_a_strict_policy(api: Api) -> None:
    page = api.nobody.get(f"{api.url}/api/docs")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    for missing in ("/api/docs/nothing.json", "/api/docs/files/nothing.js", "/api/docs/files/..%2Fpage.html"):
        answer = api.nobody.get(f"{api.url}{missing}")
        assert answer.status_code == 404
        assert answer.json()["errors"][0]["type"] == "not_found"
