"""Changing the workspace: plan, apply and export, the same for command line, API and console."""

from typing import Any

import msgspec

from assent.app.wiring import Stores, check_settings
from assent.destinations.registry import secret_paths
from assent.domain.errors import InvalidWorkspace
from assent.domain.workspace import Destination, Version, Workspace
from assent.engine.changes import Change, changes
from assent.engine.impact import Impact, impact
from assent.log.interface import KeyCounts
from assent.store.secrets import REFERENCE_PREFIX, Secrets


class Plan(msgspec.Struct, frozen=True):
    """What putting a workspace into force would change, and for how many of the last day's events."""

    version: int
    changes: list[Change]
    events: int
    impact: list[Impact]


def plan(stores: Stores, workspace: Workspace, last_day: KeyCounts) -> Plan:
    """What `apply` would do now; `last_day` are the events to measure it on. Raises InvalidWorkspace."""
    current = stores.current()
    ready = _ready(workspace, stores.secrets)
    return Plan(
        current.number,
        changes(current.workspace, ready),
        sum(last_day.values()),
        impact(current.workspace, ready, last_day),
    )


def apply(stores: Stores, workspace: Workspace, *, author: str, at: int, comment: str = "") -> Version:
    """Put `workspace` into force as a new version; the one in force stays when nothing differs.

    Raises InvalidWorkspace when it could not be used, Conflict when somebody else was faster.
    """
    current = stores.current()
    ready = _ready(workspace, stores.secrets)
    if current.number and ready == current.workspace:
        return current
    return stores.versions.save(ready, after=current.number, at=at, author=author, comment=comment)


def _ready(workspace: Workspace, secrets: Secrets) -> Workspace:
    """The workspace fit to be kept: every destination can send, and no secret is written in it."""
    for index, destination in enumerate(workspace.destinations):
        if not destination.connector:
            where = f"destinations[{index}].connector"
            raise InvalidWorkspace(f"{where}: `{destination.id}` needs a connector to be served", field=where)
    check_settings(workspace, secrets)
    destinations = tuple(_without_secrets(one, secrets) for one in workspace.destinations)
    return msgspec.structs.replace(workspace, destinations=destinations)


def _without_secrets(destination: Destination, secrets: Secrets) -> Destination:
    secret = secret_paths(destination.connector)
    settings = {
        name: _kept(value, secrets) if name in secret else value for name, value in destination.settings.items()
    }
    return msgspec.structs.replace(destination, settings=settings)


def _kept(value: Any, secrets: Secrets) -> Any:
    """A secret value as a version may hold it: `$NAME` and references as they are, anything else sealed."""
    if isinstance(value, dict):
        return {name: _kept(one, secrets) for name, one in value.items()}
    if not isinstance(value, str) or value.startswith(REFERENCE_PREFIX):
        return value
    if value.startswith("$$"):
        return secrets.keep(value[1:])
    return value if value.startswith("$") else secrets.keep(value)
