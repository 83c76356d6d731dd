"""`assent decide` as people run it: the installed command, with real files, pipes and terminals."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from assent.app.cli.decision_lines import JsonAnswers, RenderOnce
from assent.app.workspace_file import read_workspace
from assent.domain.decision import Decision, Reason, Verdict
from assent.engine.decide import decide as decide_readably
from assent.engine.policy import KEYS_REMEMBERED, Decisions, Policy

ASSENT = str(Path(sys.executable).with_name("assent"))
CORPUS = yaml.safe_load((Path(__file__).parents[3] / "shared/spec/decisions.yaml").read_text(encoding="utf-8"))
PASSED_ON = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
PLAIN_ENVIRONMENT = {**PASSED_ON, "LANG": "C.UTF-8", "TERM": "xterm-256color"}
WORKSPACE = """
consent:
  categories:
    - {id: ad, destinations: [facebook]}
    - {id: analytics, destinations: [facebook, amplitude]}
destinations: [{id: facebook}, {id: amplitude}]
"""
GRANTED = {"messageId": "m1", "type": "page", "context": {"consent": {"categoryPreferences": {"ad": True}}}}
GRANTED_DECISION = Decision(Verdict.DELIVER, Reason.CONSENTED, ("ad",))
GRANTED_LINE = (
    '{"messageId":"m1","decisions":{"facebook":{"verdict":"deliver","reason":"consented","categories":["ad"],"observed":false},'
    '"amplitude":{"verdict":"withhold","reason":"category_missing","categories":["analytics"],"observed":false}}}\n'
)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    file = tmp_path / "workspace.yaml"
    file.write_text(WORKSPACE)
    return file


def decide(workspace: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [ASSENT, "decide", "--workspace", str(workspace), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, env=PLAIN_ENVIRONMENT, timeout=60)


# ------------------------------------------------------------------ decisions


@pytest.mark.parametrize("name", CORPUS["workspaces"])
def test_the_corpus(name: str, tmp_path: Path) -> None:
    file = tmp_path / "workspace.yaml"
    file.write_text(yaml.safe_dump(CORPUS["workspaces"][name]))
    cases = [case for case in CORPUS["cases"] if case["workspace"] == name and "consent" not in case]
    done = decide(file, stdin=b"".join(json.dumps(case["event"]).encode() + b"\n" for case in cases))
    assert (done.returncode, done.stderr) == (0, b"")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(cases) > 0
    for case, answer in zip(cases, answers, strict=True):
        assert answer["messageId"] == case["event"].get("messageId")
        got = {one: [said["verdict"], said["reason"]] for one, said in answer["decisions"].items()}
        assert got == {one: expected[:2] for one, expected in case["expect"].items()}, case["name"]
        for one, expected in case["expect"].items():
            if len(expected) == 3:
                assert answer["decisions"][one]["categories"] == expected[2], case["name"]


def test_a_file_of_events(workspace: Path, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    events.write_text(json.dumps(GRANTED) + "\n")
    done = decide(workspace, str(events))
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, GRANTED_LINE, b"")


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_standard_input_is_the_default(workspace: Path, arguments: tuple[str, ...]) -> None:
    assert decide(workspace, *arguments, stdin=json.dumps(GRANTED).encode()).stdout.decode() == GRANTED_LINE


def test_no_events_no_answers(workspace: Path) -> None:
    done = decide(workspace)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_an_event_without_a_message_id_has_null(workspace: Path) -> None:
    done = decide(workspace, stdin=b'{}\n{"messageId": null}\n{"messageId": 7}\n"text"\n')
    assert [json.loads(line)["messageId"] for line in done.stdout.splitlines()] == [None, None, 7, None]


def test_byte_order_mark_windows_line_ends_blank_lines_and_a_last_line_without_an_end(workspace: Path) -> None:
    event = json.dumps(GRANTED).encode()
    done = decide(workspace, stdin=b"\xef\xbb\xbf%b\r\n\r\n   \n\n%b" % (event, event))
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, GRANTED_LINE * 2, b"")


def test_a_line_that_is_not_json_is_reported_by_its_number_and_the_rest_goes_on(workspace: Path) -> None:
    event = json.dumps(GRANTED).encode()
    lines = [event, b"", b'{"messageId": ', event, b"\xff", b'{"a":NaN}', b"[" * 9999, b"\xef\xbb\xbf{}", event]
    done = decide(workspace, stdin=b"\n".join(lines))
    assert (done.returncode, done.stdout.decode()) == (1, GRANTED_LINE * 3)
    reported = done.stderr.decode().splitlines()
    assert [line.split(":")[0] for line in reported] == ["line 3", "line 5", "line 6", "line 7", "line 8"]
    assert reported[0] == "line 3: is not JSON: Expecting value: column 15"
    assert reported[1] == "line 5: is not UTF-8: invalid start byte at byte 0"


def test_a_line_too_long_is_reported_and_the_rest_goes_on(workspace: Path) -> None:
    event = json.dumps(GRANTED).encode()
    done = decide(workspace, stdin=b'%b\n{"messageId":"%b"}\n%b\n' % (event, b"x" * 3_000_000, event))
    assert (done.returncode, done.stdout.decode()) == (1, GRANTED_LINE * 2)
    assert done.stderr == b"line 2: is longer than 1048576 bytes; put each event on a line of its own\n"


def test_a_surrogate_without_its_other_half(workspace: Path) -> None:
    done = decide(workspace, stdin=rb'{"messageId":"m\ud83d","name":"\ud83d"}')
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["messageId"] == "m\N{REPLACEMENT CHARACTER}"


_values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 1) | st.sampled_from(["ad", "track", "facebook", "\N{GRINNING FACE}"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["messageId", "context", "consent", "categoryPreferences", "ad", "integrations", "facebook"]
            ),
            inner,
        )
    ),
)


@given(st.lists(_values, max_size=5), st.booleans())
def test_a_line_says_what_the_readable_decision_says(events: list[Any], in_ascii: bool) -> None:
    workspace = read_workspace(WORKSPACE, "w.yaml")
    answer = JsonAnswers(Policy(workspace))
    for event in events * 2:
        said = json.loads(answer(json.dumps(event, ensure_ascii=in_ascii).encode()))
        assert said["messageId"] == (event.get("messageId") if isinstance(event, dict) else None)
        for destination in workspace.destinations:
            expected = decide_readably(workspace.rules, workspace.categories, destination, event)
            assert msgspec.convert(said["decisions"].pop(destination.id), Decision) == expected
        assert said["decisions"] == {}


def test_what_is_rendered_once_is_bounded_and_never_another_ones() -> None:
    render = RenderOnce(lambda decisions: "".join(decisions).encode())
    for number in range(KEYS_REMEMBERED * 2 + 10):
        # Nobody else keeps these decisions: as soon as they are forgotten, the next ones may get their place in memory.
        assert render({str(number): GRANTED_DECISION}) == str(number).encode()
        assert len(render._rendered) <= KEYS_REMEMBERED


def test_the_same_decisions_are_rendered_once() -> None:
    rendered: list[Decisions] = []
    render = RenderOnce(lambda decisions: rendered.append(decisions) or b"")
    policy = Policy(read_workspace(WORKSPACE, "w.yaml"))
    for number in range(5):
        render(policy.decide({**GRANTED, "messageId": f"m{number}"}))
    assert len(rendered) == 1


# ------------------------------------------------------------------ pipes


def test_answers_come_while_the_input_is_still_open(workspace: Path) -> None:
    command = [ASSENT, "decide", "--workspace", str(workspace)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=PLAIN_ENVIRONMENT) as running:
        assert running.stdin
        assert running.stdout
        for _ in range(3):
            running.stdin.write(json.dumps(GRANTED).encode() + b"\n")
            running.stdin.flush()
            assert running.stdout.readline().decode() == GRANTED_LINE
        running.stdin.close()
        assert running.wait(30) == 0


def test_a_reader_that_has_seen_enough_ends_it_quietly(workspace: Path, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    events.write_text((json.dumps(GRANTED) + "\n") * 50_000)
    command = [ASSENT, "decide", "--workspace", str(workspace), str(events)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=PLAIN_ENVIRONMENT) as running:
        assert running.stdout
        assert running.stderr
        assert running.stdout.readline().decode() == GRANTED_LINE
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(30) == 0


# Between the test and the command, because a new process begins with the peak of the one that started it.
LAUNCHER = """if True:
    import resource, subprocess, sys
    subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    """


def test_memory_does_not_grow_with_the_input(workspace: Path) -> None:
    def peak_memory(lines: int) -> int:
        event = json.dumps({**GRANTED, "properties": {"x": "x" * 2000}}).encode() + b"\n"
        command = [sys.executable, "-c", LAUNCHER, ASSENT, "decide", "--workspace", str(workspace)]
        endless_line = b'{"x":"' + b"x" * (lines * 1000)
        done = subprocess.run(
            command, input=event * lines + endless_line, stdout=subprocess.PIPE, env=PLAIN_ENVIRONMENT
        )
        return int(done.stdout)

    assert peak_memory(20_000) < 1.25 * peak_memory(2000)


# ------------------------------------------------------------------ mistakes


def test_a_missing_workspace_file(tmp_path: Path) -> None:
    done = decide(tmp_path / "none.yaml")
    expected = f"{tmp_path}/none.yaml: No such file or directory\n"
    assert (done.returncode, done.stdout, done.stderr.decode()) == (2, b"", expected)


def test_a_wrong_workspace_file(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text("workspace: 1\ndestination: []\n")
    done = decide(file, stdin=b"{}\n")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == (
        f"{file}:1: workspace: `1` is a number, and text is wanted; write it in quotes\n"
        f"{file}:2: destination: `destination` is no key here; did you mean `destinations`? "
        "the keys are workspace, consent, sources, destinations, held, observe, backfill_later_grants, controller\n"
    )


@pytest.mark.parametrize(("name", "said"), [("none.jsonl", "No such file or directory"), (".", "Is a directory")])
def test_events_that_cannot_be_read(workspace: Path, tmp_path: Path, name: str, said: str) -> None:
    done = decide(workspace, str(tmp_path / name))
    assert (done.returncode, done.stdout, done.stderr.decode()) == (2, b"", f"{tmp_path / name}: {said}\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said_once(workspace: Path) -> None:
    command = [ASSENT, "decide", "--workspace", str(workspace)]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            command, input=b"{}\n", stdout=full, stderr=subprocess.PIPE, env=PLAIN_ENVIRONMENT, timeout=60
        )
    assert (done.returncode, done.stderr) == (2, b"No space left on device\n")


def test_without_a_workspace_it_says_what_is_missing() -> None:
    done = subprocess.run([ASSENT, "decide"], capture_output=True, env=PLAIN_ENVIRONMENT, timeout=60)
    assert done.returncode == 2
    assert b"--workspace" in done.stderr


# ------------------------------------------------------------------ for people


def test_explained_in_80_columns(workspace: Path) -> None:
    done = decide(workspace, "--explain", stdin=json.dumps({**GRANTED, "name": "Home"}).encode() + b"\n{\n{}\n")
    printed = done.stdout.decode()
    assert (done.returncode, done.stderr[:8]) == (1, b"line 2: ")
    assert max(map(len, printed.splitlines())) <= 80
    assert "page · Home · messageId m1\n" in printed
    assert "\nno messageId\n" in printed
    words = " ".join(re.sub(r"[│┃]", " ", printed).split())
    for expected in (
        "facebook deliver Consented",
        "The person granted what this destination needs. Categories: ad Nothing to do.",
        "amplitude withhold Category not named",
        "The consent object does not name a category that this destination needs, which counts as refused.",
        "Categories: analytics Compare the category ids that the source sends with those of the workspace",
    ):
        assert expected in words


def test_an_event_cannot_steer_the_terminal(workspace: Path) -> None:
    event = {"type": "track", "event": "\x1b[2J[red]x[/red]", "messageId": "\x9b31m"}
    printed = decide(workspace, "--explain", stdin=json.dumps(event, ensure_ascii=False).encode()).stdout.decode()
    printed += decide(workspace, "--explain", stdin=json.dumps(event).encode()).stdout.decode()
    assert "\x1b" not in printed
    assert "\x9b" not in printed
    assert (
        printed.count("track · \N{REPLACEMENT CHARACTER}[2J[red]x[/red] · messageId \N{REPLACEMENT CHARACTER}31m") == 2
    )


# ------------------------------------------------------------------ terminals


class Seen:
    """What a terminal of 80 columns was sent, and how the command ended."""

    def __init__(self, command: list[str], *, stdout_too: bool = False, stdin: int = subprocess.DEVNULL) -> None:
        terminal, end = pty.openpty()
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        stdout = end if stdout_too else subprocess.DEVNULL
        running = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=end, env=PLAIN_ENVIRONMENT)
        os.close(end)
        self.text = b"".join(iter(lambda: _read(terminal), b"")).decode()
        os.close(terminal)
        self.status = running.wait(30)

    @property
    def lines_left(self) -> list[str]:
        """What stays on the terminal: a bar is taken off by going up to its line and clearing it."""
        shown = [""]
        for part in re.split(r"(\r\n|\r|\x1b\[1A|\x1b\[2K)", re.sub(r"\x1b\[(\?25[lh]|[0-9;]*m)", "", self.text)):
            if part == "\r\n":
                shown.append("")
            elif part == "\x1b[1A":
                shown.pop()
            elif part == "\x1b[2K":
                shown[-1] = ""
            elif part != "\r":
                shown[-1] += part
        return [line for line in shown if line]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


@pytest.fixture
def events(tmp_path: Path) -> Path:
    file = tmp_path / "events.jsonl"
    file.write_text((json.dumps(GRANTED) + "\n") * 5000 + "{\n" + json.dumps(GRANTED) + "\n")
    return file


def test_a_terminal_sees_a_progress_bar_which_does_not_stay(workspace: Path, events: Path) -> None:
    seen = Seen([ASSENT, "decide", "--workspace", str(workspace), str(events)])
    assert seen.status == 1
    assert "deciding" in seen.text
    assert "100%" in seen.text
    assert seen.lines_left == ["line 5001: is not JSON: Expecting property name enclosed in double quotes: column 2"]


def test_a_redirected_file_has_a_size_and_so_a_bar(workspace: Path, events: Path) -> None:
    with events.open("rb") as stdin:
        assert "100%" in Seen([ASSENT, "decide", "--workspace", str(workspace)], stdin=stdin.fileno()).text


def test_a_bar_and_answers_on_one_terminal_do_not_mix(workspace: Path, events: Path) -> None:
    seen = Seen([ASSENT, "decide", "--workspace", str(workspace), str(events)], stdout_too=True)
    assert "100%" in seen.text
    assert seen.lines_left.count(GRANTED_LINE.strip()) == 5001
    assert len(seen.lines_left) == 5002


def test_there_is_no_bar_for_input_of_unknown_size(workspace: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"{}\n")
    os.close(writing)
    seen = Seen([ASSENT, "decide", "--workspace", str(workspace)], stdin=reading)
    os.close(reading)
    assert (seen.status, seen.text) == (0, "")


def test_there_is_no_bar_where_standard_error_is_no_terminal(workspace: Path, events: Path) -> None:
    assert decide(workspace, str(events)).stderr.startswith(b"line 5001: ")


def test_the_table_has_colours_on_a_terminal_only(workspace: Path, tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    file.write_text(json.dumps(GRANTED))
    command = [ASSENT, "decide", "--explain", "--workspace", str(workspace), str(file)]
    assert "\x1b[32mdeliver" in Seen(command, stdout_too=True).text
    assert b"\x1b" not in decide(workspace, "--explain", str(file)).stdout
