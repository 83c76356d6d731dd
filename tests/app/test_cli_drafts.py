"""`assent draft` as people run it: on data directories and on running servers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_cli_workspace import quickly as assent

from harness.api import GRANTED, Api, a_workspace, running_api


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("drafts"), a_workspace(warehouse="blackhole", pixel="blackhole")) as api:
        api.track("m-1", preferences=GRANTED)
        yield api


@pytest.mark.parametrize("remote", [False, True])
def test_a_draft_from_its_beginning_to_its_end(api: Api, tmp_path: Path, remote: bool) -> None:
    where = ["--url", api.url, "--token", api.owner_token] if remote else ["--data", str(api.server.config.data)]

    def says(*arguments: str) -> str:
        done = assent("draft", *arguments, *where)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    draft = says("new", "Stricter").strip()
    assert draft.startswith("drf_")
    assert f"{draft}  Stricter (from version" in says("list")
    file = tmp_path / "draft.yaml"
    says("show", draft, "--file", str(file))
    held = api.data("/workspace")["workspace"]
    held["consent"]["categories"][1] = {**held["consent"]["categories"][1], "enabled": remote}
    file.write_text(json.dumps(held))
    sentence = "advertising is switched on" if remote else "advertising is switched off"
    assert says("put", draft, str(file)).strip() == sentence
    assert sentence in says("show", draft)
    tried = says("try", draft, "--hours", "2")
    assert "Of the 1 event of the last 2 hours" in tried
    assert ("newly delivered" if remote else "newly withheld") + ", such as m-1" in tried
    number = api.data("/workspace")["number"]
    refused = assent("draft", "apply", draft, *where)
    assert (refused.returncode, api.data("/workspace")["number"]) == (2, number)
    assert f"Version {number + 1} is in force." in says("apply", draft, "--yes", "--comment", "agreed")
    assert api.data(f"/workspace/versions/{number + 1}")["comment"] == "agreed"
    gone = assent("draft", "show", draft, *where)
    assert gone.returncode == 1
    assert "it was deleted, or put into force" in gone.stderr

    other = says("new", "Other").strip()
    assert says("delete", other, "--yes") == "The draft Other is deleted.\n"
    assert says("list") == ""
