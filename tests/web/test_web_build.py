"""The built assent.js: what its source builds to, byte for byte, small, and installed from no named registry."""

import gzip
import json
import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from harness import need, node

_ROOT: Final = Path(__file__).parents[2]
_WEB: Final = _ROOT / "web"
_BUILT: Final = _ROOT / "src/assent/app/static/assent.js"
_MOST_BYTES: Final = 12 * 1024


@pytest.fixture
def modules() -> Path:
    found = _WEB / "node_modules"
    return Path(need(str(found) if found.is_dir() else None, "what builds assent.js", "run `npm ci` in web/"))


def test_the_committed_file_is_what_its_source_builds(modules: Path, tmp_path: Path) -> None:
    # In a folder as deep as the real one, because the source map names the source by its relative path.
    out = _BUILT.with_name(f"{tmp_path.name}.js")
    try:
        environment = {**os.environ, "OUT": str(out)}
        subprocess.run([node(), "build.mjs"], cwd=_WEB, env=environment, check=True)
        script = out.read_text().replace(f"{out.name}.map", f"{_BUILT.name}.map")
        assert script == _BUILT.read_text(), "run `npm run build` in web/ and commit what it makes"
        assert Path(f"{out}.map").read_bytes() == Path(f"{_BUILT}.map").read_bytes()
    finally:
        out.unlink(missing_ok=True)
        Path(f"{out}.map").unlink(missing_ok=True)


def test_its_types_are_right(modules: Path) -> None:
    checked = subprocess.run([node(), modules / "typescript/bin/tsc", "--noEmit"], cwd=_WEB, capture_output=True)
    assert checked.returncode == 0, checked.stdout.decode()


def test_it_is_small() -> None:
    assert len(gzip.compress(_BUILT.read_bytes(), 9)) < _MOST_BYTES


def test_it_brings_the_published_wrapper() -> None:
    sources = json.loads(Path(f"{_BUILT}.map").read_text())["sources"]
    assert any("@segment/analytics-consent-tools" in one for one in sources)
    assert not [one for one in sources if one.startswith("/")]


def test_the_lock_file_names_no_registry() -> None:
    packages = json.loads((_WEB / "package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []
