"""`assent demo` as people run it, and the visitors that it makes up."""

import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from assent.app.demo.shop import NAME, WEB, shop
from assent.app.demo.visits import Call, calls
from assent.app.wiring import open_stores
from assent.domain.decision import Reason, Verdict
from assent.engine.policy import Policy
from harness import free_port, wait_until

ASSENT = str(Path(sys.executable).with_name("assent"))
URLS = dict.fromkeys(("analytics", "ads", "email", "chat", "partner"), "http://127.0.0.1:9/")
TITLES = ("Product analytics", "Ad audiences", "E-mail campaigns", "Support chat", "Data lake", "Data partner")


def demo(*options: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ASSENT, "demo", *options], capture_output=True, text=True, timeout=100, env={**os.environ, **environment}
    )


def figures(table: str) -> dict[str, list[int]]:
    """What the audit at the end says of each destination."""
    rows = [line.split() for line in table.rpartition("Off by")[2].splitlines()]
    return {row[0]: [int(one.replace(",", "")) for one in row[1:]] for row in rows if len(row) == 9}


# ------------------------------------------------------------------ the visitors


def test_the_same_seed_brings_the_same_visitors() -> None:
    def first(seed: int) -> list[Call]:
        return list(islice(calls(seed), 300))

    assert first(1) == first(1)
    assert first(1) != first(2)


def test_calls_come_in_order_of_time_and_never_stop() -> None:
    times = [call.at for call in islice(calls(3), 3000)]
    assert times == sorted(times)
    assert 30 < times[-1] < 600


def test_visitors_of_every_kind_come_by() -> None:
    steps = [call.step for call in islice(calls(5), 4000)]
    events = [event for step in steps for event in step.events]
    assert {step.write_key for step in steps} >= {WEB.write_key, "demo-ios-key", "demo-backend-key"}
    assert {event["type"] for event in events} == {"page", "screen", "track", "identify"}
    assert {step.answer for step in steps if step.answer} == {"grant", "refuse", "choose", "ignore", "reconsider"}

    policy = Policy(shop(URLS, Path("data")))
    reasons = Counter((name, one.verdict, one.reason) for event in events for name, one in policy.decide(event).items())
    withheld = {reason for _name, verdict, reason in reasons if verdict is Verdict.WITHHOLD}
    assert withheld == {
        Reason.CATEGORY_DENIED,
        Reason.CATEGORY_MISSING,
        Reason.CONSENT_UNREADABLE,
        Reason.DESTINATION_UNMAPPED,
        Reason.INTEGRATIONS_OBJECT,
    }
    for name in ("analytics", "ads", "email", "chat", "lake"):
        assert reasons[name, Verdict.DELIVER, Reason.CONSENTED] > 100


# ------------------------------------------------------------------ where there is no terminal


def test_without_a_terminal_it_prints_tables_and_balances(tmp_path: Path) -> None:
    port = free_port()
    done = demo("--seconds", "8", "--port", str(port), "--seed", "7", TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert f"Open http://127.0.0.1:{port}/ and sign in as demo@example.com with the password " in done.stdout
    for title in TITLES:
        assert len(re.findall(rf"^{title} ", done.stdout, re.MULTILINE)) >= 2, "a table every few seconds"
    assert "Category denied" in done.stdout
    assert "Destination unmapped" in done.stdout
    assert "The same visitors come again with --seed 7." in done.stdout
    assert done.stdout.endswith("The accounts balance.\n")

    audited = figures(done.stdout)
    accepted = audited["lake"][0]
    assert accepted > 50
    assert all(row[0] == accepted and row[-1] == 0 for row in audited.values())
    delivered = {name: row[1] for name, row in audited.items()}
    assert min(delivered[name] for name in ("analytics", "ads", "email", "lake")) > 0
    assert delivered["chat"] == 0
    assert audited["chat"][3] > 0, "what could not be delivered is retrying"

    assert list(tmp_path.iterdir()) == [], "nothing is left behind"
    assert _refuses(port), "nobody serves any more"


def test_a_taken_port_is_left_to_whoever_has_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = demo("--seconds", "1", "--port", str(port), "--data", tmp_path / "kept")
    said = re.match(rf"port {port} is taken, so this is on (\d+)\nOpen http://127.0.0.1:(\d+)/ and", done.stdout)
    assert said, done.stdout + done.stderr
    assert said[1] == said[2] != str(port)
    assert {"state.db", "log.db", "workspace.yaml", "serve.log"} <= {one.name for one in (tmp_path / "kept").iterdir()}
    stores = open_stores(tmp_path / "kept")
    assert stores.versions.current().workspace.workspace == NAME
    stores.engine.dispose()


def test_it_leaves_other_peoples_workspaces_alone(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text("workspace: A real shop\n")
    applied = [ASSENT, "apply", tmp_path / "shop.yaml", "--data", tmp_path / "data", "--yes"]
    subprocess.run(applied, check=True, capture_output=True)
    done = demo("--seconds", "1", "--data", tmp_path / "data")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "give it a directory of its own" in done.stderr


# ------------------------------------------------------------------ on a terminal


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGHUP])
def test_on_a_terminal_it_shows_one_page_until_it_is_told_to_end(ending: signal.Signals, tmp_path: Path) -> None:
    port = free_port()
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    command = [ASSENT, "demo", "--port", str(port), "--data", tmp_path]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        shown = _read_until(ours, r"Received +\d\d")
        process.send_signal(ending)
        shown += _read_until(ours, "The accounts balance.")
        assert process.wait(20) == 0
    os.close(ours)
    page = _plain(shown)
    assert f"Open       http://127.0.0.1:{port}/" in page
    assert all(title in page for title in TITLES)
    assert "Ctrl-C ends it" in page
    assert "Traceback" not in page
    wait_until(lambda: _refuses(port), "nobody serves any more")


def _read_until(terminal: int, pattern: str) -> str:
    shown = ""
    while not re.search(pattern, _plain(shown)):
        shown += os.read(terminal, 100_000).decode()
    return shown


def _plain(shown: str) -> str:
    return re.sub(r"\x1b\][^\x1b]*\x1b\\|\x1b\[[0-9;?]*[A-Za-z]", "", shown)


def _refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False
