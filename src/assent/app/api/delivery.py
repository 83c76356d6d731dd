"""Delivery in numbers: what was received, and what became of it, counted."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.params import QueryParameter

from assent.app.api.bodies import Body, Data, failures
from assent.app.api.paging import PageCount, PageCursor, Pagination, cursor_at, position
from assent.app.api.times import Time, epoch_ms, time_parameter, time_text
from assent.app.wiring import Server, now
from assent.domain.decision import Reason
from assent.domain.errors import InvalidInput
from assent.domain.record import DiscardCode
from assent.log.interface import Received
from assent.store.counting import Sum

_MINUTE_MS: Final = 60_000
_DAY_MINUTES: Final = 24 * 60
_MOST_DAYS: Final = 31
_MOST_GROUPS: Final = 10_000

_BUCKETS: Final = {"minute": 1, "hour": 60, "day": _DAY_MINUTES}
_NAMES: Final = ("destination", "source", "state", "reason", "event")
_GROUPS: Final = (*_NAMES, *_BUCKETS)
_USUAL_GROUPS: Final = ("destination", "state", "reason")

SettledState: TypeAlias = Literal["withheld", "delivered", "failed", "held"]


class SettledCount(Body, frozen=True, kw_only=True):
    """How many events came to rest at destinations; only the keys that were grouped by are there."""

    at: Annotated[Time | msgspec.UnsetType, msgspec.Meta(description="When the minute, hour or day begins.")] = (
        msgspec.UNSET
    )
    destination: str | msgspec.UnsetType = msgspec.UNSET
    source: str | msgspec.UnsetType = msgspec.UNSET
    state: SettledState | msgspec.UnsetType = msgspec.UNSET
    reason: Reason | msgspec.UnsetType = msgspec.UNSET
    event: Annotated[
        str | msgspec.UnsetType,
        msgspec.Meta(
            description="The name of what was tracked, of the page or the screen; empty for events that have none, and "
            "for those beyond 200 different names in an hour."
        ),
    ] = msgspec.UNSET
    events: int


class ReceivedCount(Body, frozen=True, kw_only=True):
    """How many items came in: `accepted`, or discarded by this code. Grouped by source and time, where asked for."""

    at: Annotated[Time | msgspec.UnsetType, msgspec.Meta(description="When the minute, hour or day begins.")] = (
        msgspec.UNSET
    )
    source: str | msgspec.UnsetType = msgspec.UNSET
    code: Annotated[str, msgspec.Meta(examples=["accepted", "no_user_anon_id"])]
    events: int


class DeliveryCounts(Body, frozen=True):
    """What was received between two times, and what came to rest at destinations between them.

    The times are those asked for, widened to whole minutes. An event counts when it comes to rest: one that is retried
    for an hour counts as received now and as delivered in an hour. One that was held, or withheld, and is delivered
    later counts as delivered then and is taken off what it was: that count may be below zero.
    """

    since: Time = msgspec.field(name="from")
    until: Time = msgspec.field(name="to")
    group_by: Sequence[str]
    received: Sequence[ReceivedCount]
    settled: Sequence[SettledCount]
    observing: Annotated[
        bool, msgspec.Meta(description="Consent is decided and counted now, but not enforced: everything flows.")
    ]


class ShownDiscard(Body, frozen=True):
    """Something received that never became an event, and the start of what it was."""

    source: str
    received_at: Time
    code: DiscardCode
    sample: str


class DiscardPage(Body, frozen=True):
    """Discards, newest first."""

    discards: Sequence[ShownDiscard]
    pagination: Pagination


From: TypeAlias = Annotated[str | None, time_parameter("from", "Counted from here; a day before `to` if left out.")]
To: TypeAlias = Annotated[str | None, time_parameter("to", "Counted up to here; now if left out.")]
GroupBy: TypeAlias = Annotated[
    list[str] | None,
    QueryParameter(
        name="groupBy",
        description="What to count by, repeated or with commas between: any of `destination`, `source`, `state`, "
        "`reason` and `event`, and one of `minute`, `hour` and `day` (UTC). By `event`, its name, whole hours are "
        "counted: `minute` is not for it. Left out: destination, state and reason.",
        schema_extra={"items": Schema(type=OpenAPIType.STRING, enum=list(_GROUPS))},
    ),
]


@get("/delivery", summary="Count what was delivered", operation_id="countDelivery", responses=failures(400))
async def count_delivery(
    server: NamedDependency[Server], since: From = None, until: To = None, group_by: GroupBy = None
) -> Data[DeliveryCounts]:
    """What was received, and what was delivered, withheld and failed, counted by the minute in which it was.

    At most 31 days at once, and 10,000 groups; names of events are counted for 29 days. What is retrying or unread has
    not come to rest: `/destinations` has it.
    """
    groups = _groups(group_by)
    first, end = _minutes(epoch_ms(since, "from"), epoch_ms(until, "to"))
    minutes = next((_BUCKETS[one] for one in groups if one in _BUCKETS), 0)
    names = [one for one in _NAMES if one in groups]
    accounts, most = server.stores.accounts, _MOST_GROUPS + 1
    sums = await asyncio.to_thread(lambda: accounts.sums(first, end, names, minutes=minutes, limit=most))
    counts = await server.log.received(first, end, minutes=minutes or 1)
    received = await asyncio.to_thread(lambda: _received(counts, minutes, by_source="source" in groups))
    if max(len(sums), len(received)) > _MOST_GROUPS:
        raise InvalidInput(
            f"these are over {_MOST_GROUPS} groups: ask for less time, or group by less", field="groupBy"
        )
    times = (time_text(first * _MINUTE_MS), time_text(end * _MINUTE_MS))
    observing = server.in_force.version.workspace.observe
    return Data(DeliveryCounts(*times, groups, received, [_settled(one) for one in sums], observing))


@get("/discards", summary="Look through discards", operation_id="listDiscards", responses=failures(400))
async def list_discards(
    server: NamedDependency[Server], count: PageCount = 100, cursor: PageCursor = None
) -> Data[DiscardPage]:
    """What was received and never became an event, newest first.

    All of them are counted (`/delivery`); of very many at once only some are kept to look at.
    """
    before = position(cursor)
    found = await server.log.discards(count + 1, before)
    shown = [
        ShownDiscard(one.source, time_text(one.received_at), one.code, one.sample.decode(errors="replace"))
        for _, one in found[:count]
    ]
    following = cursor_at(found[count - 1][0]) if len(found) > count else None
    return Data(DiscardPage(shown, Pagination(cursor_at(before), following)))


def _groups(asked: list[str] | None) -> tuple[str, ...]:
    if asked is None:
        return _USUAL_GROUPS
    groups = tuple(dict.fromkeys(one for text in asked for one in text.split(",") if one))
    for one in groups:
        if one not in _GROUPS:
            raise InvalidInput(f"`{one[:50]}` is nothing to group by: use {', '.join(_GROUPS)}", field="groupBy")
    if len([one for one in groups if one in _BUCKETS]) > 1:
        raise InvalidInput(f"group by only one of {', '.join(_BUCKETS)}", field="groupBy")
    if "event" in groups and "minute" in groups:
        raise InvalidInput("events are counted by name per hour: group by `hour`, not `minute`", field="groupBy")
    return groups


def _minutes(since: int | None, until: int | None) -> tuple[int, int]:
    """The epoch minutes, the first and the one after the last, that hold the time asked for."""
    end = -(-(until if until is not None else now()) // _MINUTE_MS)
    first = since // _MINUTE_MS if since is not None else max(0, end - _DAY_MINUTES)
    if first >= end:
        raise InvalidInput("`from` must be before `to`", field="from")
    if end - first > _MOST_DAYS * _DAY_MINUTES:
        raise InvalidInput(f"this is more than {_MOST_DAYS} days: ask for less time at once", field="from")
    return first, end


def _received(counts: Sequence[Received], minutes: int, *, by_source: bool) -> list[ReceivedCount]:
    sums: Counter[tuple[int, str, str]] = Counter()
    for one in counts:
        sums[one.minute - one.minute % minutes if minutes else 0, one.source if by_source else "", one.code] += (
            one.events
        )
    return [
        ReceivedCount(
            at=time_text(minute * _MINUTE_MS) if minutes else msgspec.UNSET,
            source=source if by_source else msgspec.UNSET,
            code=code,
            events=events,
        )
        for (minute, source, code), events in sorted(sums.items())
    ]


def _settled(counted: Sum) -> SettledCount:
    return SettledCount(
        at=time_text(counted.minute * _MINUTE_MS) if counted.minute is not None else msgspec.UNSET,
        destination=counted.destination if counted.destination is not None else msgspec.UNSET,
        source=counted.source if counted.source is not None else msgspec.UNSET,
        state=msgspec.convert(counted.state, SettledState) if counted.state is not None else msgspec.UNSET,
        reason=counted.reason if counted.reason is not None else msgspec.UNSET,
        event=counted.event if counted.event is not None else msgspec.UNSET,
        events=counted.events,
    )
