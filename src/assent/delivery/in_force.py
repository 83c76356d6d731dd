"""What is in force right now: one version of the workspace and its policy."""

from typing import NamedTuple

from assent.domain.workspace import Version
from assent.engine.policy import Policy


class Shadow(NamedTuple):
    """A draft that decides beside the version in force, at one of its revisions."""

    draft: str
    revision: int
    policy: Policy


class InForce(NamedTuple):
    """One version of the workspace, with the policy compiled from it; and the draft that is its shadow."""

    version: Version
    policy: Policy
    shadow: Shadow | None = None

    @property
    def number(self) -> int:
        return self.version.number
