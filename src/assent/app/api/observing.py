"""Observing: consent is decided and counted, but not enforced."""

import asyncio
from typing import Annotated, TypeAlias

import msgspec
from litestar import Request, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import JSONBody

from assent.app.api.access import owners_only
from assent.app.api.bodies import Body, Data, check_switch, failures
from assent.app.api.holds import NewVersion
from assent.app.api.trials import Hours, TriedWorkspace, trial_body
from assent.app.services.observing import observe, try_other
from assent.app.wiring import Server, now
from assent.store.tokens import Token

_Request: TypeAlias = Request[Token, None, State]


class ObserveBody(Body, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether to observe; who begins says why."""

    observe: bool
    comment: Annotated[str, msgspec.Meta(max_length=1000, description="Why, for the history. Needed to begin.")] = ""
    expected_version: Annotated[
        int | None, msgspec.Meta(description="The version that this is meant for. Another in force: 409.")
    ] = None


class Observing(Body, frozen=True):
    """Whether the workspace observes; and what the last hours' events would have come to the other way round."""

    observing: bool
    otherwise: TriedWorkspace


@get("/workspace/observe", summary="Whether consent is enforced", operation_id="getObserving", responses=failures(400))
async def get_observing(server: NamedDependency[Server], hours: Hours = 24) -> Data[Observing]:
    """Exact, nothing sampled: while the workspace observes, what would have been withheld if consent were enforced;
    else what would have gone all the same if it were not.
    """
    workspace = server.in_force.version.workspace
    tried = await try_other(server.stores, server.log, workspace, hours=hours, at=now())
    return Data(Observing(workspace.observe, trial_body(tried)))


@post(
    "/workspace/observe",
    status_code=200,
    summary="Begin or end to observe",
    operation_id="setObserving",
    guards=[owners_only],
    responses=failures(400, 403, 409, 413),
)
async def set_observing(
    data: JSONBody[ObserveBody], request: _Request, server: NamedDependency[Server]
) -> Data[NewVersion]:
    """While it observes, every decision is made and counted as it would be, and what consent would withhold is
    delivered. The integrations object, a disabled destination and what the browser already sent still hold.
    """
    await check_switch(request, "observe")
    author = request.user.name
    version = await asyncio.to_thread(
        lambda: observe(
            server.stores, data.observe, author=author, at=now(), comment=data.comment, after=data.expected_version
        )
    )
    await server.follow()
    return Data(NewVersion(version.number))
