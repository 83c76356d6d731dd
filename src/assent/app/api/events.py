"""Events: looking through what came in, newest first."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from assent.app.api.bodies import Body, Data, failures
from assent.app.api.paging import PageCount, PageCursor, Pagination, cursor_at, position
from assent.app.api.times import Time, epoch_ms, time_parameter, time_text
from assent.app.services.event_search import Wanted, search
from assent.app.wiring import Server
from assent.domain.errors import InvalidInput
from assent.domain.record import Record
from assent.engine.forward import forward
from assent.engine.outline import outline

EventType: TypeAlias = Literal["track", "identify", "page", "screen", "group", "alias"]

_NULL: Final = msgspec.Raw(b"null")


class Event(Body, frozen=True):
    """One event that came in and is still in the log."""

    message_id: Annotated[str, msgspec.Meta(examples=["ajs-next-1746351000000-6f1c"])]
    type: EventType
    event: Annotated[str | None, msgspec.Meta(description="The name of what was tracked, of the page or the screen.")]
    source: Annotated[str, msgspec.Meta(description="The id of the source.", examples=["website"])]
    received_at: Time
    user_id: str | None
    anonymous_id: str | None
    payload: Annotated[
        msgspec.Raw,
        msgspec.Meta(
            description="The whole event as destinations see it; null for one that is nested too deeply to be read.",
            extra_json_schema={"type": ["object", "null"]},
        ),
    ]


class EventPage(Body, frozen=True):
    """Events, newest first."""

    events: Sequence[Event]
    pagination: Pagination


def event_body(record: Record) -> Event:
    """A record as the API shows it."""
    said = outline(record)
    return Event(
        record.message_id,
        msgspec.convert(record.type, EventType),
        said.title,
        record.source,
        time_text(record.received_at),
        said.user_id,
        said.anonymous_id,
        _payload(record),
    )


def _payload(record: Record) -> msgspec.Raw:
    # Written where it was read: an event so deep that it can just be read could not be written further down the stack.
    try:
        return msgspec.Raw(msgspec.json.encode(forward(record)))
    except (InvalidInput, RecursionError):
        return _NULL


def _filter(name: str, description: str) -> QueryParameter:
    # Without examples: the documentation page would fill them in, and send them.
    return QueryParameter(name=name, description=description)


Source: TypeAlias = Annotated[str | None, _filter("source", "The id of a source.")]
Type: TypeAlias = Annotated[EventType | None, _filter("type", "The type of the event.")]
Name: TypeAlias = Annotated[
    str | None, _filter("event", "The name of what was tracked, of the page or the screen; the whole of it.")
]
UserId: TypeAlias = Annotated[str | None, _filter("userId", "The whole user id.")]
AnonymousId: TypeAlias = Annotated[str | None, _filter("anonymousId", "The whole anonymous id.")]
MessageId: TypeAlias = Annotated[str | None, _filter("messageId", "The whole message id.")]
From: TypeAlias = Annotated[str | None, time_parameter("from", "Received at this time or later.")]
To: TypeAlias = Annotated[str | None, time_parameter("to", "Received before this time.")]


@get("/events", summary="Look through events", operation_id="listEvents", responses=failures(400))
async def list_events(
    server: NamedDependency[Server],
    source: Source = None,
    type_: Type = None,
    event: Name = None,
    user_id: UserId = None,
    anonymous_id: AnonymousId = None,
    message_id: MessageId = None,
    since: From = None,
    until: To = None,
    count: PageCount = 100,
    cursor: PageCursor = None,
) -> Data[EventPage]:
    """The events in the log that match every filter, newest first.

    One page looks at 20,000 events at the most. Where it stops there, it has fewer events than asked for, perhaps none,
    and a `pagination.next` all the same: the list ends only where `next` is null. An event that comes in meanwhile is
    on no later page.
    """
    wanted = Wanted(
        source,
        type_,
        event,
        user_id,
        anonymous_id,
        message_id,
        epoch_ms(since, "from"),
        epoch_ms(until, "to"),
    )
    before = position(cursor, newest=server.log.head)
    page = await search(server.log, wanted, count, before)
    events = await asyncio.to_thread(lambda: [event_body(one.record) for one in page.found])
    following = cursor_at(page.before) if page.before is not None else None
    return Data(EventPage(events, Pagination(cursor_at(before), following)))
