"""Trials: what a workspace would change for real events, before it is put into force."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter, RawBody

from assent.app.api.bodies import Body, Data, failures
from assent.app.api.document import WorkspaceBody
from assent.app.api.workspace import PlannedChange
from assent.app.api.workspace_document import read_document
from assent.app.services.trials import MOST_HOURS, Examples, Tried, trial
from assent.app.wiring import Server, now
from assent.domain.decision import Reason
from assent.domain.outcome import State
from assent.engine.trial import Effect, Outcome, Shift


class TriedOutcome(Body, frozen=True):
    """What one version makes of an event: delivered, withheld or held, why, and the categories that settled it."""

    state: State
    reason: Reason
    categories: Sequence[str]


class TriedShift(Body, frozen=True):
    """Events that would go another way, or for another reason. Null: the destination is not in the workspace."""

    before: TriedOutcome | None
    after: TriedOutcome | None
    events: int


class TriedExamples(Body, frozen=True):
    """Message ids of a few events that would be newly delivered, withheld or held, the newest first."""

    delivered: Sequence[str]
    withheld: Sequence[str]
    held: Sequence[str]


class TriedDestination(Body, frozen=True):
    """What would be different at one destination. The counts are exact; examples are from the newest events only."""

    destination: str
    newly_delivered: int
    newly_withheld: int
    newly_held: int
    shifts: Sequence[TriedShift]
    examples: TriedExamples


class TriedWorkspace(Body, frozen=True):
    """What putting a workspace into force would change; destinations without a difference are left out."""

    version: Annotated[int, msgspec.Meta(description="The version in force, which the changes start from.")]
    changes: Sequence[PlannedChange]
    in_words: Sequence[str]
    hours: int
    events: Annotated[int, msgspec.Meta(description="How many events it was measured on.")]
    destinations: Sequence[TriedDestination]
    looked_through: Annotated[int, msgspec.Meta(description="How many events were looked through for examples.")]


Hours: TypeAlias = Annotated[
    int,
    QueryParameter(name="hours", ge=1, le=MOST_HOURS, description="Measured on the events of so many last hours."),
]


@post(
    "/trials",
    status_code=200,
    summary="Try a workspace on real events",
    operation_id="tryWorkspace",
    operation_class=WorkspaceBody,
    responses=failures(400, 413),
)
async def try_workspace(
    body: RawBody, request: Request[Any, Any, Any], server: NamedDependency[Server], hours: Hours = 24
) -> Data[TriedWorkspace]:
    """What putting this workspace into force would have meant for the events of the last hours: exact, nothing sampled,
    by destination and reason, with examples. Changes nothing. The body is as for `PUT /workspace`.
    """
    workspace = await asyncio.to_thread(read_document, body, request.content_type[0])
    return Data(trial_body(await trial(server.stores, server.log, workspace, hours=hours, at=now())))


def trial_body(tried: Tried) -> TriedWorkspace:
    """A trial as the API has it."""
    return TriedWorkspace(
        tried.version,
        [msgspec.convert(one, PlannedChange, from_attributes=True) for one in tried.changes],
        tried.in_words,
        tried.hours,
        tried.events,
        [_destination(one, tried.examples.get(one.destination, Examples())) for one in tried.effects],
        tried.looked_through,
    )


def _destination(effect: Effect, examples: Examples) -> TriedDestination:
    return TriedDestination(
        effect.destination,
        effect.newly_delivered,
        effect.newly_withheld,
        effect.newly_held,
        [_shift(one) for one in effect.shifts],
        TriedExamples(examples.delivered, examples.withheld, examples.held),
    )


def _shift(shift: Shift) -> TriedShift:
    return TriedShift(_outcome(shift.before), _outcome(shift.after), shift.events)


def _outcome(outcome: Outcome | None) -> TriedOutcome | None:
    return TriedOutcome(*outcome) if outcome is not None else None
