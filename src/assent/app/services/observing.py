"""Observing: deciding on consent and counting, without enforcing it. For API, console and command line.

Held is something else: then nothing is delivered. While a workspace observes, everything flows.
"""

from assent.app.services.trials import Readable, Tried, trial
from assent.app.services.workspaces import change
from assent.app.wiring import Stores
from assent.domain.errors import InvalidInput
from assent.domain.workspace import Version, Workspace
from assent.engine.edit import Edit, set_observe

_COMMENT_CHARACTERS = 1_000


def observe(stores: Stores, on: bool, *, author: str, at: int, comment: str = "", after: int | None = None) -> Version:
    """Begin or end to observe, as a new version; who begins says why. Raises InvalidInput, and what `change` raises."""
    said = comment.strip()
    if on and not said:
        raise InvalidInput("say why consent is not to be enforced: it goes on the audit trail", field="comment")
    if len(said) > _COMMENT_CHARACTERS:
        raise InvalidInput(f"say it in at most {_COMMENT_CHARACTERS:,} characters", field="comment")
    return change(stores, set_observe(on), author=author, at=at, comment=said, after=after)


async def try_other(stores: Stores, log: Readable, workspace: Workspace, *, hours: int, at: int) -> Tried:
    """What beginning to observe would have let go of the last hours' events; or what ending it would have withheld."""
    other: Edit = set_observe(not workspace.observe)
    return await trial(stores, log, other(workspace), hours=hours, at=at)
