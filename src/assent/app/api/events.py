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
from assent.app.services.event_search import Searcher, Seen, Wanted
from assent.app.wiring import Server
from assent.domain.decision import Reason, Verdict
from assent.domain.errors import InvalidInput
from assent.domain.outcome import State
from assent.domain.record import Record
from assent.engine.forward import forward
from assent.engine.outline import outline

EventType: TypeAlias = Literal["track", "identify", "page", "screen", "group", "alias"]

_NULL: Final = msgspec.Raw(b"null")


EventState: TypeAlias = Literal["unread", "withheld", "held", "delivered", "retrying", "failed"]


class Outcomes(Body, frozen=True):
    """At how many destinations one event is in each state."""

    delivered: int
    held: int
    withheld: int
    retrying: int
    failed: int
    unread: Annotated[int, msgspec.Meta(description="The destination has not come to it yet.")]


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


class FoundEvent(Event, frozen=True):
    """One event that was found, and what became of it."""

    outcomes: Outcomes


class EventPage(Body, frozen=True):
    """Events, newest first."""

    events: Sequence[FoundEvent]
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


def _found_event(seen: Seen) -> FoundEvent:
    counts = seen.counts()
    outcomes = Outcomes(
        delivered=counts[State.DELIVERED],
        held=counts[State.HELD],
        withheld=counts[State.WITHHELD],
        retrying=counts[State.RETRYING],
        failed=counts[State.FAILED],
        unread=counts[State.UNREAD],
    )
    return FoundEvent(**msgspec.structs.asdict(event_body(seen.record)), outcomes=outcomes)


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
Subject: TypeAlias = Annotated[str | None, _filter("subject", "The whole user id or anonymous id.")]
SomeText: TypeAlias = Annotated[
    str | None, _filter("text", "Anything that is in the event, in upper or lower case: a part of a value will do.")
]
OneDestination: TypeAlias = Annotated[
    str | None, _filter("destination", "The id of a destination; what became of the event is then asked of it alone.")
]
AnyState: TypeAlias = Annotated[EventState | None, _filter("state", "Some destination has it in this state.")]
AnyVerdict: TypeAlias = Annotated[Verdict | None, _filter("verdict", "Some destination has this verdict on it.")]
AnyReason: TypeAlias = Annotated[Reason | None, _filter("reason", "Some destination has it for this reason.")]
MessageId: TypeAlias = Annotated[str | None, _filter("messageId", "The whole message id.")]
From: TypeAlias = Annotated[str | None, time_parameter("from", "Received at this time or later.")]
To: TypeAlias = Annotated[str | None, time_parameter("to", "Received before this time.")]


@get("/events", summary="Look through events", operation_id="listEvents", responses=failures(400))
async def list_events(
    server: NamedDependency[Server],
    searcher: NamedDependency[Searcher],
    source: Source = None,
    type_: Type = None,
    event: Name = None,
    user_id: UserId = None,
    anonymous_id: AnonymousId = None,
    subject: Subject = None,
    message_id: MessageId = None,
    text: SomeText = None,
    since: From = None,
    until: To = None,
    destination: OneDestination = None,
    in_state: AnyState = None,
    verdict: AnyVerdict = None,
    reason: AnyReason = None,
    count: PageCount = 100,
    cursor: PageCursor = None,
) -> Data[EventPage]:
    """The events in the log that match every filter, newest first, and at how many destinations each is in which state.

    `destination`, `state`, `verdict` and `reason` must hold together at one destination. One page looks at 10,000
    events at the most. Where it stops there, it has fewer events than asked for, perhaps none, and a `pagination.next`
    all the same: the list ends only where `next` is null. An event that comes in meanwhile is on no later page.
    """
    wanted = Wanted(
        source=source,
        type=type_,
        event=event,
        user_id=user_id,
        anonymous_id=anonymous_id,
        subject=subject,
        message_id=message_id,
        text=text,
        since=epoch_ms(since, "from"),
        until=epoch_ms(until, "to"),
        destination=destination,
        state=State(in_state) if in_state is not None else None,
        verdict=verdict,
        reason=reason,
    )
    before = position(cursor, newest=server.log.head)
    page = await searcher.search(wanted, count, before)
    events = await asyncio.to_thread(lambda: [_found_event(one) for one in page.found])
    following = cursor_at(page.before) if page.before is not None else None
    return Data(EventPage(events, Pagination(cursor_at(before), following)))
