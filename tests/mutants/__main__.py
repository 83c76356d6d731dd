"""Break the engine on purpose, one fault at a time, and see that the tests notice: `python -m tests.mutants [NAME...]`.

Each fault is made in a copy of `src`, never in the checkout. The exit status is 1 where one survives.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.progress import track
from rich.table import Column, Table
from rich.text import Text
from tests.mutants.catalogue import MUTANTS, SOURCES, Mutant, suite_for

_FOUND_BY = re.compile(r"^FAILED \S+?([^/]+?)(?: - .*)?$", re.MULTILINE)
_SECONDS: Final = 200
_PASSED, _FAILED = 0, 1
_COLUMNS: Final = 150

# Loading every installed plugin takes longer than most of these runs.
_ONLY_THOSE_PLUGINS: Final = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "300"}
_PLUGINS: Final = ("-p", "pytest_asyncio.plugin", "-p", "pytest_timeout", "-p", "_hypothesis_pytestplugin")


class Verdict(NamedTuple):
    """What the tests made of one fault: the test that noticed it, or why none did."""

    mutant: Mutant
    caught: bool
    said: str


def main(names: list[str]) -> int:
    chosen = [one for one in MUTANTS if not names or one.name in names]
    console = Console(width=None if sys.stdout.isatty() else _COLUMNS)
    if not chosen:
        console.print(f"no fault is called {' or '.join(names)}")
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        unbroken = workers.submit(
            _run_tests, sorted({test for one in chosen for test in suite_for(one.module)}), SOURCES
        )
        verdicts = list(track(workers.map(_try, chosen), "breaking the engine", len(chosen), console=console))
    table = Table("fault", "module", Column("noticed by", no_wrap=True))
    for mutant, caught, said in verdicts:
        table.add_row(mutant.name, mutant.module, Text(said, style="" if caught else "bold red"))
    console.print(table)
    caught = sum(one.caught for one in verdicts)
    console.print(f"{caught} of {len(chosen)} faults noticed")
    if unbroken.result().returncode != _PASSED:
        console.print(f"the tests fail without any fault:\n{unbroken.result().stdout}", style="bold red", markup=False)
        return 1
    return 0 if caught == len(chosen) else 1


def _try(mutant: Mutant) -> Verdict:
    if mutant.occurrences() != 1:
        return Verdict(mutant, False, "its text is not there exactly once: mend the catalogue")
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder) / "src"
        shutil.copytree(SOURCES, sources, ignore=shutil.ignore_patterns("__pycache__"))
        module = sources / "assent" / mutant.module
        module.write_text(module.read_text().replace(mutant.right, mutant.wrong))
        return _judge(mutant, sources)


def _judge(mutant: Mutant, sources: Path) -> Verdict:
    ended = _run_tests(suite_for(mutant.module), sources)
    if ended.returncode == _PASSED:
        return Verdict(mutant, False, "SURVIVED")
    found = _FOUND_BY.search(ended.stdout)
    if ended.returncode == _FAILED and found:
        return Verdict(mutant, True, found[1])
    return Verdict(mutant, False, f"the tests did not run: {ended.stdout[-300:]}{ended.stderr[-300:]}")


def _run_tests(tests: Iterable[str], sources: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-rf", *_PLUGINS, *tests]
    environment = {**os.environ, "PYTHONPATH": str(sources), "HYPOTHESIS_PROFILE": "mutants", **_ONLY_THOSE_PLUGINS}
    return subprocess.run(
        command, cwd=SOURCES.parent, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
