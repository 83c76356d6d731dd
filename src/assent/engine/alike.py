"""Counts by what routing keys say to a workspace: senders choose keys, and nearly all of them say only a few things."""

from collections.abc import Container, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

from assent.domain.workspace import Workspace
from assent.engine.routing import narrowed

Counts: TypeAlias = Mapping[tuple[str, bytes], int]

_MOST_REMEMBERED: Final = 100_000
_MOST_BYTES: Final = 2_048
"""Of a key that is remembered: senders choose how long they are."""

_ALL: Final = "All"


class Alike:
    """Narrows keys to the answers to some categories and the integrations of some names, and remembers what each came
    to: that is most of the work."""

    def __init__(self, categories: Container[str], names: Container[str]) -> None:
        self._categories = categories
        self._names = names
        self._known: dict[bytes, bytes] = {}

    def key(self, key: bytes) -> bytes:
        """A key that says the same, as short as can be."""
        short = self._known.get(key)
        if short is None:
            short = narrowed(key, self._categories, self._names)
            if len(key) <= _MOST_BYTES:
                if len(self._known) >= _MOST_REMEMBERED:
                    self._known.clear()
                self._known[key] = short
        return short

    def counts(self, counts: Counts) -> dict[tuple[str, bytes], int]:
        """The same events, counted by source and short key."""
        found: dict[tuple[str, bytes], int] = {}
        for (source, key), events in counts.items():
            short = source, self.key(key)
            found[short] = found.get(short, 0) + events
        return found


def alike(*workspaces: Workspace) -> Alike:
    """For all that these workspaces ask for: each of them decides a key and the short one alike."""
    return _remembered(
        frozenset(one.id for workspace in workspaces for one in workspace.categories),
        frozenset(name for workspace in workspaces for name in _names(workspace)),
    )


_remembered = lru_cache(4)(Alike)


def _names(workspace: Workspace) -> Iterator[str]:
    """What an integrations object can name its destinations by."""
    yield _ALL
    for one in workspace.destinations:
        yield one.title
        yield one.integration


class _Everything:
    def __contains__(self, _one: Any) -> bool:
        return True


CONSENT: Final = Alike(_Everything(), ())
"""For what is said about consent, to whichever categories."""
