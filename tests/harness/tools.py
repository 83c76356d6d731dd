"""Tools that a person's machine may lack: a test that needs one is skipped there, and fails where `CI=true`."""

import os
import shutil
from pathlib import Path
from typing import Final

import pytest

_CLIENTS: Final = Path(__file__).parent.parent / "clients"
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")


def need(found: str | Path | None, tool: str, remedy: str) -> str:
    """The path of a tool that was found; without it, skip with one line, or fail where `CI=true`."""
    if found:
        return str(found)
    message = f"{tool} is not on this machine: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def node() -> str:
    return need(shutil.which("node"), "node", "install Debian's `nodejs` and `npm`, or the like")


def node_modules() -> Path:
    """The directory with the client libraries of `tests/clients/package.json`."""
    directory = _CLIENTS / "node_modules"
    need(directory if directory.is_dir() else None, "node_modules", "run `npm ci` in `tests/clients`")
    return directory


def chromium() -> str:
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    return need(found, "chromium", "install Debian's `chromium`, or the like")
