"""The examples of the documents do what the documents say: every block is tried, or says why it is not."""

import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import typer
import yaml
from desk import Desk
from pages import ROOT, Block, blocks, pages

from assent import Workspace
from assent.app.cli import app
from assent.app.workspace_file import workspace_of
from assent.destinations.webhook import signature_headers
from harness import need, node, node_modules

_SHOWN_ONLY: Final = {"text", "html", "nginx"}
_HOSTS: Final = ("events.example.com", "127.0.0.1:8700")
_WITH_BLOCKS: Final = [page for page in pages() if any(block.language not in _SHOWN_ONLY for block in blocks(page))]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Desk(tmp_path) as desk:
        yield desk


@pytest.mark.parametrize("page", _WITH_BLOCKS, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_blocks_of_a_page_do_what_it_says(page: Path, desk: Desk) -> None:
    all_blocks = list(blocks(page))
    for block, following in zip(all_blocks, [*all_blocks[1:], None], strict=True):
        if block.title is not None:
            desk.write(block.title, block.text)
        if block.untested is None and block.language not in _SHOWN_ONLY:
            _TRIED[block.language](desk, block, following)


def _try_console(desk: Desk, block: Block, _: Block | None) -> None:
    if "curl " in block.text:
        need(shutil.which("curl"), "curl", "install it with your package manager")
    for command, expected in _commands(block.text):
        got = desk.type(command)
        assert _is_as(expected, got), f"{block.where}: `{command}` printed\n{got}\nand not\n{expected}"


def _commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a console with what it prints; a command goes on to where its quotes end."""
    lines = text.splitlines()
    while lines:
        command = lines.pop(0).removeprefix("$ ")
        while not _is_whole(command):
            command += "\n" + lines.pop(0)
        end = next((index for index, line in enumerate(lines) if line.startswith("$ ")), len(lines))
        yield command, "\n".join(lines[:end])
        del lines[:end]


def _is_whole(command: str) -> bool:
    try:
        shlex.split(command)
    except ValueError:
        return False
    return True


def _is_as(expected: str, got: str) -> bool:
    """Whether `got` is what was expected, in which `...` stands for anything, and a line `...` for any lines."""
    wanted = "".join(_pattern(line) for line in expected.strip().splitlines())
    return re.fullmatch(wanted, "".join(f"{line.rstrip()}\n" for line in got.strip().splitlines())) is not None


def _pattern(line: str) -> str:
    return r"(?:.*\n)*?" if line == "..." else ".*".join(map(re.escape, line.split("..."))) + r"\n"


def _try_shell(desk: Desk, block: Block, _: Block | None) -> None:
    desk.write("block.sh", block.text)
    desk.run("bash", "-eu", "block.sh")


def _try_yaml(desk: Desk, block: Block, _: Block | None) -> None:
    """A whole workspace file, or parts of one, which take the place of those of the page's file."""
    if block.title is not None:
        assert Workspace.load(desk.directory / block.title).destinations
        return
    part = yaml.safe_load(block.text)
    file = desk.directory / "workspace.yaml"
    whole = yaml.safe_load(file.read_text()) if file.exists() and "destinations" not in part else {}
    assert workspace_of({**whole, **part})


def _try_json(_: Desk, block: Block, __: Block | None) -> None:
    assert json.loads(block.text)


def _try_python(desk: Desk, block: Block, following: Block | None) -> None:
    if block.title is not None:
        # A file of the repository, tried by its own test, or one that a console block runs.
        included = re.fullmatch(r'--8<-- "(.+)"\n', block.text)
        compile((ROOT / included[1]).read_text() if included else block.text, block.title, "exec")
        return
    printed = _counting(
        desk, block, lambda: desk.run(sys.executable, "-W", "error", "-c", desk.here(block.text)).stdout
    )
    if following is not None and following.language == "text":
        assert printed == following.text, following.where


def _try_javascript(desk: Desk, block: Block, _: Block | None) -> None:
    if "@segment/analytics-node" not in block.text:
        return  # for the browser: test_docs_in_the_browser.py
    (desk.directory / "node_modules").unlink(missing_ok=True)
    (desk.directory / "node_modules").symlink_to(node_modules())
    desk.write("block.mjs", block.text)
    _counting(desk, block, lambda: desk.run(node(), "block.mjs"))


def _counting(desk: Desk, block: Block, call: Callable[[], Any]) -> Any:
    """What `call` gives; where a block sends to the server, its event must be accepted."""
    if not any(host in block.text for host in _HOSTS):
        return call()
    desk.serve()
    before = desk.accepted
    answer = call()
    assert desk.accepted == before + 1, block.where
    return answer


def _try_unit(_: Desk, block: Block, __: Block | None) -> None:
    """A unit of systemd: it names the command, and variables that the command knows."""
    assert re.search(r"^ExecStart=\S+/\.venv/bin/assent serve$", block.text, re.MULTILINE)
    known = {one.envvar for one in typer.main.get_command(app).commands["serve"].params}
    assert set(re.findall(r"^Environment=(\w+)", block.text, re.MULTILINE)) <= known


_TRIED: Final[dict[str, Callable[[Desk, Block, Block | None], None]]] = {
    "console": _try_console,
    "ini": _try_unit,
    "js": _try_javascript,
    "json": _try_json,
    "python": _try_python,
    "sh": _try_shell,
    "yaml": _try_yaml,
}


def test_the_verification_of_a_webhook_that_the_guide_shows_takes_our_signature_and_no_other() -> None:
    (block,) = (one for one in blocks(ROOT / "docs/guide/destinations.md") if "is_genuine" in one.text)
    shown: dict[str, Any] = {}
    exec(block.text, shown)
    headers = signature_headers(b"a secret", "m1", int(shown["time"].time()), b"{}")
    old = signature_headers(b"a secret", "m1", int(shown["time"].time()) - 600, b"{}")

    assert shown["is_genuine"]("a secret", headers, b"{}")
    assert not shown["is_genuine"]("a secret", headers, b"[]")
    assert not shown["is_genuine"]("another", headers, b"{}")
    assert not shown["is_genuine"]("a secret", old, b"{}")
