"""`assent token`, `assent --version` and `assent --help` as people run them."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from assent.app.wiring import open_stores

ASSENT = str(Path(sys.executable).with_name("assent"))


def assent(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ASSENT, *arguments], capture_output=True, text=True, timeout=60)


def test_a_token_is_printed_once_and_alone(tmp_path: Path) -> None:
    made = assent("token", "create", "--data", tmp_path, "--role", "member", "--name", "Ada")
    assert (made.returncode, made.stderr) == (0, "")
    text = made.stdout.strip()
    assert text.startswith("assent_")
    assert made.stdout == f"{text}\n"
    assert all(text.encode() not in file.read_bytes() for file in tmp_path.iterdir()), "only its digest is kept"
    stores = open_stores(tmp_path)
    token = stores.tokens.check(text)
    stores.engine.dispose()
    assert token is not None
    assert (token.name, token.role) == ("Ada", "member")


@pytest.mark.parametrize(
    "options", [("--role", "boss", "--name", "Ada"), ("--role", "owner"), ("--role", "owner", "--name", " ")]
)
def test_a_token_needs_a_role_and_a_name(options: tuple[str, ...], tmp_path: Path) -> None:
    refused = assent("token", "create", "--data", tmp_path / "data", *options)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert not (tmp_path / "data").exists()


def test_the_version() -> None:
    assert assent("--version").stdout == f"assent {version('assent')}\n"


def test_tokens_are_listed_and_revoked(tmp_path: Path) -> None:
    text = assent("token", "create", "--data", tmp_path, "--role", "owner", "--name", "deploy").stdout.strip()
    assent("token", "create", "--data", tmp_path, "--role", "member", "--name", "grafana")
    listed = assent("token", "list", "--data", tmp_path)
    (id_, role, _, name), (_, other_role, _, other) = (line.split() for line in listed.stdout.splitlines())
    assert (role, name, other_role, other) == ("owner", "deploy", "member", "grafana")
    assert text not in listed.stdout

    revoked = assent("token", "revoke", id_, "--data", tmp_path)
    assert (revoked.returncode, revoked.stdout) == (0, "The token `deploy` is revoked.\n")
    stores = open_stores(tmp_path)
    assert stores.tokens.check(text) is None
    (on_record, *_) = stores.trail.entries(1)
    stores.engine.dispose()
    assert on_record.author.startswith("cli:")
    assert on_record.happening.action == "Token Revoked"

    again = assent("token", "revoke", id_, "--data", tmp_path)
    assert (again.returncode, again.stderr) == (1, f"there is no token `{id_}`\n")
    nowhere = assent("token", "list", "--data", tmp_path / "nowhere")
    assert nowhere.returncode == 1
    assert "is no data directory" in nowhere.stderr


@pytest.mark.parametrize(
    "command",
    [
        *("decide", "serve", "plan", "apply", "export", "audit", "demo"),
        *("token", "token create", "token list", "token revoke"),
        *("user", "user list", "user invite", "user remove"),
    ],
)
def test_every_command_has_help(command: str) -> None:
    helped = assent(*command.split(), "--help")
    assert helped.returncode == 0
    assert f"Usage: assent {command}" in helped.stdout
