"""What holds for all tests: how Hypothesis looks for examples, and where the processes of tests keep bytecode.

Of the Hypothesis profiles, `ci` takes the same examples every time, `explore` looks for new ones.
"""

import os
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

_LONG = ("test_every_page.py", "test_api_document.py", "test_kill.py", "test_web_library.py")
"""Modules that begin first: begun last, they would keep one process busy while the other has nothing left to do."""

_SLOW_IS_FINE = (HealthCheck.too_slow, HealthCheck.data_too_large)

settings.register_profile(
    "ci", derandomize=True, max_examples=200, deadline=None, database=None, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile(
    "explore", max_examples=5_000, deadline=None, database=None, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile(
    "mutants", settings.get_profile("ci"), max_examples=150, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

if sys.dont_write_bytecode:
    # Many tests start servers and commands: each would compile all that it imports, which takes a second or two.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(Path(tempfile.gettempdir()) / "assent-tests-bytecode")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda one: one.path.name not in _LONG)
