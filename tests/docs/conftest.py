"""The documentation, built once for each test process."""

import subprocess
import sys
from pathlib import Path

import pytest
from pages import ROOT
from site_pages import Site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site as `make docs` builds it: a warning, such as a link to nowhere, fails it (`--quiet` would hide them)."""
    directory = tmp_path_factory.mktemp("site")
    command = [Path(sys.executable).with_name("mkdocs"), "build", "--strict", "--site-dir", directory]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Site(directory)
