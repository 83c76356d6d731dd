"""The steps of the wizard, and how far a workspace has come: its progress is what is in the workspace."""

from typing import NamedTuple

from assent.domain.workspace import Workspace


class Step(NamedTuple):
    """A step of the wizard, and whether the workspace has got what it is about."""

    path: str
    title: str
    is_done: bool


def steps(workspace: Workspace) -> list[Step]:
    """All steps in their order."""
    is_mapped = any(one.destinations for one in workspace.categories)
    return [
        Step("/privacy/consent/setup", "Prerequisites", bool(workspace.sources and workspace.destinations)),
        Step("/privacy/consent/setup/categories", "Create categories", bool(workspace.categories)),
        Step("/privacy/consent/setup/destinations", "Map destinations", is_mapped),
        Step("/privacy/consent/setup/sources", "Add the consent object", False),
        Step("/privacy/consent/setup/review", "Review", False),
    ]
