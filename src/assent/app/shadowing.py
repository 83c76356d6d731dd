"""Drafts on top of what is in force: what they would bring, and the one that decides beside it as the shadow."""

from assent.delivery.in_force import Shadow
from assent.domain.draft import Draft
from assent.domain.errors import Conflict
from assent.domain.workspace import Version, Workspace
from assent.engine.policy import Policy
from assent.engine.rebase import rebase
from assent.store.drafts import Drafts
from assent.store.versions import Versions


def base_of(versions: Versions, draft: Draft) -> Workspace:
    """The workspace that a draft was made from."""
    return versions.get(draft.base).workspace if draft.base else Workspace()


def on_top(versions: Versions, draft: Draft, current: Version) -> Workspace:
    """A draft's edits on top of what is in force. Raises Conflict, in words, where others changed the same thing."""
    if current.number == draft.base:
        return draft.workspace
    return rebase(base_of(versions, draft), draft.workspace, current.workspace)


def shadow_of(versions: Versions, drafts: Drafts, current: Version) -> Shadow | None:
    """The shadow of a version; None without one, and while it could not be put into force as it is."""
    draft = drafts.shadow()
    if draft is None:
        return None
    try:
        wanted = on_top(versions, draft, current)
    except Conflict:
        return None
    return Shadow(draft.id, draft.revision, Policy(wanted))
