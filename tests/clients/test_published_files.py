"""The copies of published files: the library that Assent serves, and the list of what these tests install."""

import json
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from harness import need, node_modules
from harness.tools import node

_HERE: Final = Path(__file__).parent
_VENDOR: Final = _HERE.parents[1] / "src/assent/app/static/vendor"
_VENDORED: Final = _VENDOR / "analytics-next"
_OF_THE_CONSOLE: Final = {
    "echarts": ("echarts", "dist"),
    "htmx": ("htmx.org", "dist"),
    "htmx-sse": ("htmx-ext-sse", "dist"),
    "tabler": ("@tabler/core", "dist/css"),
    "tabler-icons": ("@tabler/icons", "icons/outline"),
}


def test_the_library_that_assent_serves_is_the_published_one() -> None:
    package = node_modules() / "@segment/analytics-next"
    assert json.loads((package / "package.json").read_text())["version"] == (_VENDORED / "VERSION").read_text().strip()
    assert (_VENDORED / "LICENSE").read_bytes() == (package / "LICENSE.MD").read_bytes()
    scripts = sorted(_VENDORED.glob("*.js"))
    assert [one.name.partition(".")[0] for one in scripts] == [
        "ajs-destination",
        "auto-track",
        "queryString",
        "schemaFilter",
        "standalone",
    ]
    for script in scripts:
        assert script.read_bytes() == (package / "dist/umd" / script.name).read_bytes(), script.name


@pytest.mark.parametrize("name", _OF_THE_CONSOLE)
def test_what_the_console_ships_is_published(name: str) -> None:
    published, folder = _OF_THE_CONSOLE[name]
    package, ours = node_modules() / published, _VENDOR / name
    assert json.loads((package / "package.json").read_text())["version"] == (ours / "VERSION").read_text().strip()
    assert (ours / "LICENSE").read_text().strip()
    files = [one for one in ours.iterdir() if one.suffix in (".js", ".css", ".svg")]
    assert files
    for file in files:
        assert file.read_bytes() == (package / folder / file.name).read_bytes(), file.name


def test_the_snippet_that_people_copy_is_the_published_one() -> None:
    package, ours = node_modules() / "@segment/snippet", _VENDOR / "segment-snippet"
    assert json.loads((package / "package.json").read_text())["version"] == (ours / "VERSION").read_text().strip()
    assert (ours / "LICENSE").read_bytes() == (package / "LICENSE").read_bytes()
    options = {"host": "ASSENT", "apiKey": "WRITE_KEY", "useHostForBundles": True, "load": False}
    script = f"process.stdout.write(require({json.dumps(str(package))}).min({json.dumps(options)}))"
    rendered = subprocess.run([node(), "-e", script], capture_output=True, text=True, check=True).stdout
    without_page = re.sub(r"\s*analytics\.page\(\);\s*", "\n", rendered)
    assert (ours / "snippet.min.js").read_text().strip() == without_page.strip()


def test_the_lock_file_names_no_registry() -> None:
    packages = json.loads((_HERE / "package-lock.json").read_text())["packages"]
    assert len(packages) > 50
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []


def test_a_missing_tool_skips_here_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="node is not on this machine: install it"):
        need(None, "node", "install it")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="node is not on this machine: install it"):
        need(None, "node", "install it")
