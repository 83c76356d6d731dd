"""One destination: its settings, changing and testing it."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import msgspec
from litestar import Request, delete, get, patch, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from assent.app.api.access import owners_only
from assent.app.api.bodies import Body, Data, failures
from assent.app.api.destinations import DestinationStatus, shown_status
from assent.app.api.sources import Removed
from assent.app.api.times import Time, time_text
from assent.app.api.workspace import ExpectedVersion, IfMatch, expected
from assent.app.services.connections import By, create_destination, delete_destination, update_destination
from assent.app.services.destination_status import kept, status_of
from assent.app.services.test_event import AnswerKind, send_test_event
from assent.app.wiring import Server, now
from assent.domain.workspace import Destination
from assent.store.tokens import Token

_Request: TypeAlias = Request[Token, None, State]

_SETTINGS = msgspec.Meta(
    description="As the connector wants them (`/connectors`). A secret is answered as a reference, which may be sent "
    "back to keep it; `$NAME` is taken from the server's environment."
)
_CATEGORIES = msgspec.Meta(description="The ids of the categories that it is in.")


class Waiting(Body, frozen=True):
    """What the destination has still to settle: unread and retrying. After `forgottenAt` the oldest is *failed*."""

    events: int
    oldest_received_at: Time
    forgotten_at: Time


class DestinationDetails(Body, frozen=True, kw_only=True):
    """A destination as it is configured, and how it is doing."""

    id: str
    name: str
    connector: str
    integration: str
    enabled: bool
    held: bool
    receives_consent_updates: bool
    settings: Annotated[dict[str, Any], _SETTINGS]
    categories: Annotated[Sequence[str], _CATEGORIES]
    status: DestinationStatus
    waiting: Waiting | None


class NewDestination(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A destination to add. An id that is left out is made from the name."""

    connector: Annotated[str, msgspec.Meta(examples=["webhook"])]
    name: str = ""
    id: Annotated[str, msgspec.Meta(min_length=1)] | msgspec.UnsetType = msgspec.UNSET
    integration: str = ""
    enabled: bool = True
    held: bool = False
    receives_consent_updates: bool = False
    settings: Annotated[dict[str, Any], _SETTINGS] = msgspec.field(default_factory=dict)
    categories: Annotated[Sequence[str], _CATEGORIES] = ()


class DestinationChanges(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to be different about a destination; the rest stays. `settings` are all of them, where they are given."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    integration: str | msgspec.UnsetType = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET
    receives_consent_updates: bool | msgspec.UnsetType = msgspec.UNSET
    settings: Annotated[dict[str, Any] | msgspec.UnsetType, _SETTINGS] = msgspec.UNSET
    categories: Annotated[Sequence[str] | msgspec.UnsetType, _CATEGORIES] = msgspec.UNSET


class EventAnswer(Body, frozen=True):
    """What a destination said of a test event."""

    outcome: AnswerKind
    answer: str
    http_status: int | None
    message_id: str


DestinationId: TypeAlias = Annotated[
    str, PathParameter(name="destinationId", description="The id of a destination.", min_length=1)
]


@get(
    "/destinations/{destinationId:str}",
    summary="One destination",
    operation_id="getDestination",
    responses=failures(400, 404),
)
async def get_destination(server: NamedDependency[Server], destination_id: DestinationId) -> Data[DestinationDetails]:
    """One destination of the workspace in force."""
    return await _answer(server, destination_id)


@post(
    "/destinations",
    status_code=200,
    summary="Add a destination",
    operation_id="createDestination",
    guards=[owners_only],
    responses=failures(400, 403, 404, 409, 413),
)
async def post_destination(
    data: JSONBody[NewDestination],
    request: _Request,
    server: NamedDependency[Server],
    if_match: IfMatch = None,
    expected_version: ExpectedVersion = None,
) -> Data[DestinationDetails]:
    """Add a destination. It begins at the end of the log: it gets what comes in from now on."""
    by = By(request.user.name, now(), expected(if_match, expected_version))
    fields = {name: getattr(data, name) for name in Destination.__struct_fields__}
    wanted = Destination(**{**fields, "id": data.id or ""})
    created = await asyncio.to_thread(create_destination, server.stores, wanted, data.categories, by)
    await server.follow()
    return await _answer(server, created.id)


@patch(
    "/destinations/{destinationId:str}",
    summary="Change a destination",
    operation_id="changeDestination",
    guards=[owners_only],
    responses=failures(400, 403, 404, 409, 413),
)
async def patch_destination(
    data: JSONBody[DestinationChanges],
    request: _Request,
    server: NamedDependency[Server],
    destination_id: DestinationId,
    if_match: IfMatch = None,
    expected_version: ExpectedVersion = None,
) -> Data[DestinationDetails]:
    """Change a destination: its settings, whether it is enabled, which categories it is in."""
    by = By(request.user.name, now(), expected(if_match, expected_version))
    changes = {
        name: value
        for name in data.__struct_fields__
        if (value := getattr(data, name)) is not msgspec.UNSET and name != "categories"
    }
    categories = None if data.categories is msgspec.UNSET else data.categories
    await asyncio.to_thread(lambda: update_destination(server.stores, destination_id, by, categories, **changes))
    await server.follow()
    return await _answer(server, destination_id)


@delete(
    "/destinations/{destinationId:str}",
    status_code=200,
    summary="Remove a destination",
    operation_id="removeDestination",
    guards=[owners_only],
    responses=failures(400, 403, 404, 409),
)
async def remove_destination(
    request: _Request,
    server: NamedDependency[Server],
    destination_id: DestinationId,
    if_match: IfMatch = None,
    expected_version: ExpectedVersion = None,
) -> Data[Removed]:
    """Remove a destination, also from its categories. What it has not read by now is withheld."""
    by = By(request.user.name, now(), expected(if_match, expected_version))
    version = await asyncio.to_thread(delete_destination, server.stores, destination_id, by)
    await server.follow()
    return Data(Removed(destination_id, version.number))


@post(
    "/destinations/{destinationId:str}/test",
    status_code=200,
    summary="Send a test event",
    operation_id="testDestination",
    guards=[owners_only],
    responses=failures(400, 403, 404, 409),
)
async def test_destination(
    request: _Request, server: NamedDependency[Server], destination_id: DestinationId
) -> Data[EventAnswer]:
    """Send a destination one event of nobody, and say what it answered. It is sent past log and accounts, whatever the
    rules say, also to a destination that is held or disabled; one at a time."""
    answer = await send_test_event(server, destination_id, author=request.user.name)
    return Data(EventAnswer(answer.outcome, answer.said, answer.http_status, answer.message_id))


async def _answer(server: Server, destination_id: str) -> Data[DestinationDetails]:
    status = await status_of(server, destination_id)
    destination = status.destination
    waiting = await kept(server, status)
    return Data(
        DestinationDetails(
            id=destination.id,
            name=destination.title,
            connector=destination.connector,
            integration=destination.integration,
            enabled=destination.enabled,
            held=destination.held,
            receives_consent_updates=destination.receives_consent_updates,
            settings=destination.settings,
            categories=[
                one.id for one in server.in_force.version.workspace.categories if destination_id in one.destinations
            ],
            status=shown_status(status),
            waiting=Waiting(waiting.events, time_text(waiting.since), time_text(waiting.forgotten_at))
            if waiting is not None
            else None,
        )
    )
