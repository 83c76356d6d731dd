"""A plan as the management API writes it."""

from typing import Any

import msgspec

from assent.app.api.workspace import PlannedVersion
from assent.app.services.workspaces import Plan


def encode_plan(plan: Plan) -> bytes:
    """The JSON of a plan."""
    return msgspec.json.encode(msgspec.convert(plan, PlannedVersion, from_attributes=True))


def read_plan(document: Any) -> Plan:
    """The plan in parsed JSON. Raises msgspec.ValidationError."""
    return msgspec.convert(msgspec.convert(document, PlannedVersion), Plan, from_attributes=True)
