"""The Segment connector: the batch as Segment's API takes it, its limits and its times."""

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from connector_rig import Event, Receiver, Rig, an_event, answer, closing, outgoing, receiving, some

from assent.destinations.connector import Outcome, Outgoing
from assent.destinations.segment import EVENT_BYTES, Segment, SegmentSettings
from assent.domain.errors import Rejected


def as_received(event: Event) -> Event:
    forwarded = {name: value for name, value in event.items() if name != "receivedAt"}
    return {**forwarded, "originalTimestamp": event["timestamp"]}


@asynccontextmanager
async def rig(folder: Path, **settings: Any) -> AsyncIterator[Rig]:
    async with receiving() as receiver, segment(receiver, **settings) as connector:

        def arrived() -> list[Event]:
            return [event for request in receiver.taken for event in request.json["batch"]]

        yield Rig(connector, lambda: len(arrived()), arrived, as_received, receiver)


@asynccontextmanager
async def segment(receiver: Receiver, path: str = "/v1", **settings: Any) -> AsyncIterator[Segment]:
    connector = Segment(SegmentSettings(endpoint=receiver.url + path, write_key="wk_12345", **settings))
    async with closing(connector):
        yield connector


async def sent(batch: Sequence[Outgoing], path: str = "/v1") -> tuple[Receiver, Sequence[Outcome]]:
    async with receiving() as receiver, segment(receiver, path) as connector:
        return receiver, await connector.send(batch)


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/v1", "/v1/"])
async def test_the_request_is_the_one_of_segments_libraries(path: str) -> None:
    receiver, _ = await sent(some(2), path)
    (request,) = receiver.taken
    assert request.path == "/v1/batch"
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"wk_12345:").decode()
    assert request.headers["content-type"] == "application/json"
    assert set(request.json) == {"batch", "sentAt"}


@pytest.mark.asyncio
async def test_the_consent_object_travels() -> None:
    receiver, _ = await sent(some(1))
    (event,) = receiver.taken[0].json["batch"]
    assert event["context"]["consent"] == {"categoryPreferences": {"C0002": True, "C0004": False}}


@pytest.mark.asyncio
async def test_an_event_that_waited_is_not_shifted_in_time() -> None:
    """The receiver's own sum, `receivedAt - (sentAt - originalTimestamp)`, for an old event of a wrong clock."""
    waited = an_event(
        originalTimestamp="1999-01-01T00:00:00.000Z",
        timestamp="2026-08-01T12:00:00.000Z",
        sentAt="1999-01-01T00:00:05.000Z",
    )
    receiver, _ = await sent([outgoing(waited)])
    received_at = datetime.now(UTC)
    (request,) = receiver.taken
    (event,) = request.json["batch"]
    assert "sentAt" not in event
    assert "receivedAt" not in event
    sent_at = datetime.fromisoformat(request.json["sentAt"])
    for start in (event["timestamp"], event["originalTimestamp"]):
        corrected = received_at - (sent_at - datetime.fromisoformat(start))
        shift = corrected - datetime.fromisoformat("2026-08-01T12:00:00+00:00")
        assert timedelta() <= shift < timedelta(seconds=5)


@pytest.mark.asyncio
async def test_our_sources_write_key_does_not_travel() -> None:
    receiver, _ = await sent([outgoing(an_event(writeKey="the key of our source"))])
    assert b"the key of our source" not in receiver.taken[0].body


@pytest.mark.asyncio
async def test_a_batch_stays_under_the_limit_of_the_endpoint() -> None:
    events = [an_event(number, blob="x" * 30_000) for number in range(40)]
    receiver, outcomes = await sent([outgoing(event) for event in events])
    assert list(outcomes) == [None] * 40
    assert all(len(request.body) < 500_000 for request in receiver.taken)
    assert len(receiver.taken) == 3
    arrived = [event for request in receiver.taken for event in request.json["batch"]]
    assert arrived == [as_received(event) for event in events]


@pytest.mark.asyncio
async def test_an_event_over_the_limit_fails_alone() -> None:
    batch = [*some(2), outgoing(an_event(2, blob="x" * EVENT_BYTES)), *some(2, start=3)]
    receiver, outcomes = await sent(batch)
    assert [type(outcome) for outcome in outcomes] == [type(None), type(None), Rejected, type(None), type(None)]
    assert "the endpoint takes 32768" in str(outcomes[2])
    (request,) = receiver.taken
    assert [event["messageId"] for event in request.json["batch"]] == ["msg-0", "msg-1", "msg-3", "msg-4"]


@pytest.mark.asyncio
async def test_a_batch_of_nothing_but_large_events_sends_no_request() -> None:
    receiver, outcomes = await sent([outgoing(an_event(blob="x" * EVENT_BYTES))])
    assert [type(outcome) for outcome in outcomes] == [Rejected]
    assert receiver.requests == []


@pytest.mark.asyncio
async def test_the_write_key_is_not_quoted() -> None:
    async with receiving() as receiver, segment(receiver) as connector:
        receiver.answer = answer(401, "unknown write key wk_12345")
        (outcome,) = await connector.send(some(1))
    assert str(outcome) == "answered 401: unknown write key ***"
