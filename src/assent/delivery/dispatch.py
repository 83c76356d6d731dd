"""Sending a run of events through a connector: batches, lanes, and one outcome per event."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

from assent.delivery.breaker import Breaker
from assent.destinations.connector import Connector, Outcome, Outgoing
from assent.domain.decision import Decision
from assent.domain.errors import InvalidInput, Rejected, Unavailable
from assent.domain.record import Record
from assent.engine.forward import forward, subject_of
from assent.engine.stamp import Stamp, stamped

log = logging.getLogger("assent.delivery")


class Deliverable(NamedTuple):
    """One event that a destination should have, the decision that says so, how often it has been tried, and the consent
    that it gets from the ledger."""

    offset: int
    record: Record
    decision: Decision
    tried: int = 0
    stamp: Stamp | None = None


class NotTried(Unavailable):
    """An event that was not sent because one before it could not be."""


async def dispatch(
    connector: Connector, events: Sequence[Deliverable], breaker: Breaker, clock: Callable[[], float]
) -> list[Outcome]:
    """Send `events`; one outcome each, in order.

    Events of one person stay in order: they share a lane, which sends one batch after the other and stops at the first
    that finds the destination unavailable.
    """
    outcomes: dict[int, Outcome] = {}
    async with asyncio.TaskGroup() as lanes:
        for lane in _lanes(events, connector):
            lanes.create_task(_send_lane(connector, lane, outcomes, breaker, clock))
    return [outcomes[one.offset] for one in events]


def _lanes(events: Sequence[Deliverable], connector: Connector) -> list[list[Deliverable]]:
    if connector.concurrency == 1 or len(events) <= 1:
        return [list(events)]
    lanes: list[list[Deliverable]] = [[] for _ in range(connector.concurrency)]
    for event in events:
        lanes[hash(subject_of(event.record)) % connector.concurrency].append(event)
    return [lane for lane in lanes if lane]


async def _send_lane(
    connector: Connector,
    lane: list[Deliverable],
    outcomes: dict[int, Outcome],
    breaker: Breaker,
    clock: Callable[[], float],
) -> None:
    while lane:
        # What fails again and again goes in ever smaller batches, so that one event that the destination cannot stand
        # does not hold those that travel with it for long.
        size = max(1, connector.batch_size >> lane[0].tried)
        batch, lane = lane[:size], lane[size:]
        answers = await _send_batch(connector, batch)
        outcomes.update(zip((one.offset for one in batch), answers, strict=True))
        unavailable = next((one for one in answers if isinstance(one, Unavailable)), None)
        if unavailable is None:
            breaker.succeeded()
            continue
        breaker.failed(clock(), unavailable.after)
        outcomes.update((one.offset, _not_tried(unavailable)) for one in lane)
        return


def _not_tried(unavailable: Unavailable) -> NotTried:
    return NotTried(unavailable.answer, after=unavailable.after)


async def _send_batch(connector: Connector, batch: list[Deliverable]) -> Sequence[Outcome]:
    outgoing: list[Outgoing] = []
    for one in batch:
        try:
            event = forward(one.record)
            outgoing.append(
                Outgoing(one.record.message_id, stamped(event, one.stamp.answers) if one.stamp is not None else event)
            )
        except InvalidInput as error:
            return await _send_without(connector, batch, one, Rejected(f"it cannot be forwarded: {error.message}"))
    try:
        outcomes = await connector.send(outgoing)
        if len(outcomes) != len(batch):
            raise ValueError(f"{len(outcomes)} outcomes for {len(batch)} events")
    except Rejected as error:
        # One bad event must not condemn those that happened to travel with it.
        return await _send_singly(connector, batch) if len(batch) > 1 else [error]
    except Unavailable as error:
        return [error] * len(batch)
    except Exception as error:
        log.exception("the connector `%s` has a bug; its events wait", connector.name)
        return [Unavailable(f"the connector has a bug: {type(error).__name__}")] * len(batch)
    return outcomes


async def _send_singly(connector: Connector, batch: list[Deliverable]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for one in batch:
        outcomes += await _send_batch(connector, [one])
        if isinstance(last := outcomes[-1], Unavailable):
            return outcomes + [_not_tried(last)] * (len(batch) - len(outcomes))
    return outcomes


async def _send_without(
    connector: Connector, batch: list[Deliverable], unsendable: Deliverable, outcome: Rejected
) -> list[Outcome]:
    others = [one for one in batch if one is not unsendable]
    answers = iter(await _send_batch(connector, others) if others else [])
    return [outcome if one is unsendable else next(answers) for one in batch]
