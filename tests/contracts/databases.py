"""The databases that every store must work on; a store's suite runs on each."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

DATABASES: Final[dict[str, Callable[[Path], str]]] = {"sqlite": lambda directory: f"sqlite:///{directory / 'state.db'}"}
"""The URL of a fresh database, by name."""
