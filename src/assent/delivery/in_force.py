"""What is in force right now: one version of the workspace and its policy."""

from typing import NamedTuple

from assent.domain.workspace import Version
from assent.engine.policy import Policy


class InForce(NamedTuple):
    """One version of the workspace, with the policy compiled from it."""

    version: Version
    policy: Policy

    @property
    def number(self) -> int:
        return self.version.number
