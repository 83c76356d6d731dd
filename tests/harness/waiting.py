"""Waiting for a condition, with a deadline."""

import time
from collections.abc import Callable
from typing import Final

PATIENCE: Final = 20.0
_PAUSE: Final = 0.02


def wait_until(condition: Callable[[], bool], what: str | Callable[[], str], seconds: float = PATIENCE) -> None:
    """Return once `condition` holds; fail with `what` was waited for when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what if isinstance(what, str) else what()}")
        time.sleep(_PAUSE)
