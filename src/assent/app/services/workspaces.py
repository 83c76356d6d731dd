"""Changing the workspace: plan, apply and export, the same for command line, API and console."""

import re
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from assent.app.wiring import Stores, check_settings
from assent.app.workspace_file import workspace_of
from assent.destinations.registry import secret_paths
from assent.domain.errors import Conflict, InvalidWorkspace
from assent.domain.workspace import Destination, Version, Workspace
from assent.engine.changes import Change, changes
from assent.engine.edit import Edit
from assent.engine.impact import Impact, impact
from assent.engine.sentences import sentences
from assent.engine.trail import happenings
from assent.log.interface import KeyCounts
from assent.store.secrets import REFERENCE_PREFIX, Secrets

_is_variable = re.compile(r"\$[A-Za-z_][A-Za-z0-9_]*").fullmatch

_Refer: TypeAlias = Callable[[str], str]
"""Gives the reference to write in place of a secret."""


class Plan(msgspec.Struct, frozen=True):
    """What putting a workspace into force would change, and for how many of the last day's events."""

    version: int
    changes: list[Change]
    events: int
    impact: list[Impact]


def plan(stores: Stores, workspace: Workspace, last_day: KeyCounts) -> Plan:
    """What `apply` would do now; `last_day` are the events to measure it on. Raises InvalidWorkspace."""
    current = stores.current()
    ready = prepared(stores, workspace)
    return Plan(
        current.number,
        changes(current.workspace, ready),
        sum(last_day.values()),
        impact(current.workspace, ready, last_day),
    )


def prepared(stores: Stores, workspace: Workspace) -> Workspace:
    """The workspace as `apply` would put it into force; keeps nothing. Raises InvalidWorkspace."""
    return _ready(workspace, stores.secrets, stores.secrets.reference)


def sealed(stores: Stores, workspace: Workspace) -> Workspace:
    """The workspace with its secrets kept, and references in their place. Raises InvalidWorkspace."""
    return _ready(workspace, stores.secrets, stores.secrets.keep)


def apply(
    stores: Stores, workspace: Workspace, *, author: str, at: int, comment: str = "", after: int | None = None
) -> Version:
    """Put `workspace` into force as a new version; the one in force stays when nothing differs.

    `after` is the version that the plan was made for. Raises InvalidWorkspace when it could not be used, Conflict when
    somebody else was faster.
    """
    current = stores.current()
    if after is not None and after != current.number:
        raise Conflict(f"the workspace is at version {current.number} by now, not {after}: look at a new plan first")
    ready = sealed(stores, workspace)
    if current.number and ready == current.workspace:
        return current
    return stores.versions.save(
        ready,
        after=current.number,
        at=at,
        author=author,
        comment=comment,
        happenings=happenings(current.workspace, ready),
    )


def change(stores: Stores, edit: Edit, *, author: str, at: int, comment: str = "", after: int | None = None) -> Version:
    """Do one thing to the workspace in force. Raises what `edit`, `edited` and `apply` raise."""
    return apply(stores, edited(stores, edit), author=author, at=at, comment=comment, after=after)


def restore(
    stores: Stores, number: int, *, author: str, at: int, comment: str = "", after: int | None = None
) -> Version:
    """Put an older version's workspace into force again, as a new version; its secrets are references, and still there.

    Raises NotFound when there is no such version, and what `apply` raises.
    """
    workspace = stores.versions.get(number).workspace
    return apply(stores, workspace, author=author, at=at, comment=comment or f"version {number} again", after=after)


def plan_restore(stores: Stores, number: int, last_day: KeyCounts) -> Plan:
    """What `restore` would do now. Raises NotFound, InvalidWorkspace."""
    return plan(stores, stores.versions.get(number).workspace, last_day)


def difference(stores: Stores, number: int, since: int | None = None) -> list[Change]:
    """What version `number` changed since version `since`, by default the one before it; 0 is the empty workspace.

    Raises NotFound.
    """
    return changes(*_two(stores, number, since))


def difference_in_words(stores: Stores, number: int, since: int | None = None, *, last_day: KeyCounts) -> list[str]:
    """The same in sentences, with what it means for the events of the last day. Raises NotFound."""
    old, new = _two(stores, number, since)
    return sentences(old, new, impact(old, new, last_day))


def _two(stores: Stores, number: int, since: int | None) -> tuple[Workspace, Workspace]:
    before = number - 1 if since is None else since
    old = stores.versions.get(before).workspace if before else Workspace()
    return old, stores.versions.get(number).workspace


def edited(stores: Stores, edit: Edit) -> Workspace:
    """What the workspace in force would be after an edit. Raises InvalidWorkspace, and what `edit` raises."""
    document = msgspec.json.encode(edit(stores.current().workspace))
    return workspace_of(msgspec.json.decode(document))


def _ready(workspace: Workspace, secrets: Secrets, refer: _Refer) -> Workspace:
    """The workspace fit to be kept: every destination can send, and no secret is written in it."""
    for index, destination in enumerate(workspace.destinations):
        if not destination.connector:
            where = f"destinations[{index}].connector"
            raise InvalidWorkspace(f"{where}: `{destination.id}` needs a connector to be served", field=where)
    check_settings(workspace, secrets)
    destinations = tuple(_without_secrets(one, refer) for one in workspace.destinations)
    return msgspec.structs.replace(workspace, destinations=destinations)


def _without_secrets(destination: Destination, refer: _Refer) -> Destination:
    secret = secret_paths(destination.connector)
    settings = {name: _kept(value, refer) if name in secret else value for name, value in destination.settings.items()}
    return msgspec.structs.replace(destination, settings=settings)


def _kept(value: Any, refer: _Refer) -> Any:
    """A secret value as a version may hold it: `$NAME` and references as they are, anything else sealed."""
    if isinstance(value, dict):
        return {name: _kept(one, refer) for name, one in value.items()}
    if not isinstance(value, str) or value.startswith(REFERENCE_PREFIX) or _is_variable(value):
        return value
    return refer(value[1:] if value.startswith("$$") else value)
