"""What every page says above its content, because nobody may overlook it."""

from collections.abc import Iterator
from typing import NamedTuple

from assent.domain.workspace import Workspace


class Banner(NamedTuple):
    """One message; `kind` is that of an alert."""

    kind: str
    title: str
    text: str


def banners(workspace: Workspace) -> list[Banner]:
    """Everything that makes the workspace do something else than it is configured for."""
    return [*_observing(workspace), *_held(workspace)]


def _observing(workspace: Workspace) -> Iterator[Banner]:
    if workspace.observe:
        yield Banner(
            "danger",
            "Observing: consent is decided and counted, but NOT enforced. Everything flows.",
            "What people refused is delivered all the same. An owner ends it under Monitor, Observe.",
        )


def _held(workspace: Workspace) -> Iterator[Banner]:
    if workspace.held:
        yield Banner(
            "warning",
            "The workspace is held: nothing is delivered",
            "Events are accepted and kept for every destination. They go once an owner releases the workspace.",
        )
        return
    for kind, things in (
        ("source", workspace.sources),
        ("category", workspace.categories),
        ("destination", workspace.destinations),
    ):
        held = [one.title for one in things if one.held]
        if held:
            many = len(held) > 1
            kinds = {"category": "categories"}.get(kind, f"{kind}s") if many else kind
            yield Banner(
                "warning",
                f"Held: the {kinds} {', '.join(held)}",
                "What would be delivered is kept, and goes on release.",
            )
