"""A draft: edits of the workspace that are collected, tried, and put into force together."""

import msgspec

from assent.domain.workspace import Workspace


class Draft(msgspec.Struct, frozen=True):
    """What the workspace would be; `base` is the number of the version that it was made from.

    As the `shadow`, it also decides on every event that is read, and what it would do otherwise is counted. Times are
    UTC epoch milliseconds; `revision` counts up with each change, so that nobody's is lost unseen.
    """

    id: str
    name: str
    base: int
    workspace: Workspace
    author: str
    created_at: int
    updated_at: int
    revision: int = 1
    shadow: bool = False
