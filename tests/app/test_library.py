"""Assent as a library: its public names, what importing it costs, and the examples."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import assent
from assent.domain import workspace as nouns

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
HEAVY = ("aiohttp", "alembic", "asyncio", "cryptography", "litestar", "rich", "sqlalchemy", "typer", "uvicorn")


def run(*command: str | Path, stdin: bytes = b"") -> bytes:
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True, timeout=60).stdout


def test_the_public_names_are_these_and_no_other() -> None:
    assert sorted(assent.__all__) == [
        "AssentError",
        "Category",
        "Consent",
        "Decision",
        "Destination",
        "InvalidInput",
        "InvalidWorkspace",
        "Policy",
        "Reason",
        "ReasonText",
        "RuleOverrides",
        "Rules",
        "Source",
        "Verdict",
        "Workspace",
        "decide",
        "explain",
    ]
    modules = {"app", "destinations", "domain", "engine"}
    code = "import assent, json; print(json.dumps([name for name in vars(assent) if not name.startswith('_')]))"
    assert set(json.loads(run(sys.executable, "-c", code))) == {*assent.__all__, *modules}


def test_importing_it_brings_no_server_and_deciding_neither() -> None:
    code = f"""if True:
        import sys, assent
        policy = assent.Policy(assent.Workspace(destinations=(assent.Destination(id="a"),)))
        assert policy.decide(b"{{}}")["a"].verdict is assent.Verdict.DELIVER
        print([name for name in {HEAVY} if name in sys.modules])
        """
    assert run(sys.executable, "-c", code) == b"[]\n"


def test_a_workspace_from_a_file_decides(tmp_path: Path) -> None:
    file = tmp_path / "workspace.yaml"
    file.write_text("consent: {categories: [{id: ad, destinations: [a]}]}\ndestinations: [{id: a}]\n")
    workspace = assent.Workspace.load(file)
    assert isinstance(workspace, assent.Workspace)
    assert isinstance(workspace, nouns.Workspace)
    assert assent.Workspace.load(str(file)) == workspace
    event = {"type": "page", "context": {"consent": {"categoryPreferences": {"ad": True}}}}
    expected = assent.Decision(assent.Verdict.DELIVER, assent.Reason.CONSENTED, ("ad",))
    assert assent.Policy(workspace).decide(event) == {"a": expected}
    assert assent.Policy(workspace).decide(json.dumps(event)) == {"a": expected}
    [destination] = workspace.destinations
    assert assent.decide(workspace.rules, workspace.categories, destination, event) == expected


def test_a_wrong_file_is_one_of_the_librarys_errors(tmp_path: Path) -> None:
    file = tmp_path / "workspace.yaml"
    file.write_text("destinations: [{id: a, colour: red}]\n")
    with pytest.raises(assent.AssentError) as raised:
        assent.Workspace.load(file)
    assert isinstance(raised.value, assent.InvalidWorkspace)
    assert raised.value.message.startswith(f"{file}:1: destinations[0].colour: `colour` is no key here")


def test_loading_needs_no_environment_and_keeps_what_takes_it(tmp_path: Path) -> None:
    workspace = assent.Workspace.load(EXAMPLES / "workspace.yaml")
    [amplitude] = [one for one in workspace.destinations if one.id == "amplitude"]
    assert amplitude.settings["secret"] == "$ANALYTICS_SECRET"


# ------------------------------------------------------------------ examples


def test_the_stream_consumer() -> None:
    events = (EXAMPLES / "events.jsonl").read_bytes()
    script, workspace = EXAMPLES / "stream_consumer.py", EXAMPLES / "workspace.yaml"
    produced = run(sys.executable, script, workspace, stdin=events + b"no JSON\n").decode().splitlines()
    topics: dict[str, list[str]] = {}
    for line in produced[:-1]:
        topic, _, message = line.partition("\t")
        topics.setdefault(topic, []).append(json.loads(message)["messageId"])
    assert topics == {
        "events.warehouse": ["m1", "m2", "m3", "m4", "m5", "m8"],
        "events.amplitude": ["m1", "m2", "m3", "m5"],
        "events.ads": ["m1", "m4", "m5"],
        "events.consent-records": ["m1", "m2"],
    }
    assert produced[-1] == "events.unreadable\tno JSON"


def test_the_batch_task(tmp_path: Path) -> None:
    script, workspace, events = (EXAMPLES / name for name in ("batch_task.py", "workspace.yaml", "events.jsonl"))
    counts = json.loads(run(sys.executable, script, workspace, events, tmp_path / "out"))
    assert counts["trial"] == {"withhold: destination_disabled": 8}
    assert counts["consent-records"]["deliver: consent_update"] == 1
    for destination, counted in counts.items():
        delivered = sum(count for why, count in counted.items() if why.startswith("deliver"))
        written = (tmp_path / "out" / f"{destination}.jsonl").read_text().splitlines()
        assert len(written) == delivered
        assert sum(counted.values()) == 8
    written = (tmp_path / "out" / "ads.jsonl").read_text().splitlines()
    assert [json.loads(line)["messageId"] for line in written] == ["m1", "m4", "m5"]
