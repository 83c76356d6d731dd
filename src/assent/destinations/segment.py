"""The Segment connector: events to Segment, RudderStack or whatever speaks Segment's tracking API."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final

import msgspec

from assent.destinations.connector import Connector, Outcome, Outgoing, Secret, Settings
from assent.destinations.http import Endpoint, HttpUrl, Part, TimeoutSeconds, in_runs, post_runs
from assent.domain.errors import Rejected

EVENT_BYTES: Final = 32 * 1024
# As Segment's own libraries: below the 500 KB of the endpoint, whichever way it counts a KB.
BATCH_BYTES: Final = 480 * 1024
_ENVELOPE_BYTES: Final = 100
_LAST_HOP: Final = frozenset({"receivedAt", "sentAt", "writeKey"})
_encode = msgspec.json.Encoder().encode


class SegmentSettings(Settings, frozen=True):
    """Which Segment-compatible source takes the events."""

    write_key: Annotated[
        Secret,
        msgspec.Meta(
            pattern=r"^[!-9;-~]+$(?!\n)",
            title="Write key",
            description="The write key of the source that takes the events.",
            examples=["$SEGMENT_WRITE_KEY"],
        ),
    ]
    endpoint: Annotated[
        HttpUrl,
        msgspec.Meta(
            title="Endpoint",
            description="The address of the tracking API, to which `/batch` is added: Segment's, or a compatible one.",
            examples=["https://api.segment.io/v1", "https://events.eu1.segmentapis.com/v1"],
        ),
    ] = "https://api.segment.io/v1"
    batch_size: Annotated[
        int,
        msgspec.Meta(
            ge=1,
            le=2500,
            title="Batch size",
            description="How many events one request may hold; fewer go where they would pass 500 KB.",
            examples=[100],
        ),
    ] = 100
    timeout: TimeoutSeconds = 10


class Segment(Connector):
    """A source of Segment, or of another pipeline that speaks its tracking API.

    Every event goes whole, its consent object included. Of the hop that it made to reach us nothing travels on
    (`receivedAt`, `sentAt`, our source's `writeKey`), and its times are such that the receiver does not shift them: it
    sets `timestamp = receivedAt - (sentAt - originalTimestamp)` to correct a client's clock, which we have already
    done. So `timestamp` and `originalTimestamp` are both the corrected time, and `sentAt` is the time of this very
    attempt: the receiver adds only what the request spent on its way, however long the event waited here.
    """

    name: ClassVar = "segment"
    integration: ClassVar = "Segment"
    title: ClassVar = "Segment-compatible"
    description: ClassVar = """\
Forwards events to Segment, RudderStack or anything else that speaks Segment's tracking API, so that Assent can stand in
front of it. Events go whole, with their consent object; `originalTimestamp` becomes the corrected `timestamp`.

An event over 32 KB is not sent, since the endpoint would refuse or lose it: it shows as failed."""
    icon: ClassVar = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"'
        ' stroke-linecap="round" stroke-linejoin="round"><path d="M10 9h10M4 15h10"/>'
        '<path d="M19.500 13A8 8 0 0 1 6 17"/><path d="M4.500 11A8 8 0 0 1 18 7"/></svg>'
    )
    settings_type: ClassVar = SegmentSettings

    concurrency = 4

    def __init__(self, settings: SegmentSettings) -> None:
        self.batch_size = settings.batch_size
        credentials = b64encode(f"{settings.write_key}:".encode()).decode()
        self._endpoint = Endpoint(
            settings.endpoint.rstrip("/") + "/batch",
            headers={"Authorization": f"Basic {credentials}"},
            timeout=settings.timeout,
            connections=self.concurrency,
            secrets=[settings.write_key],
        )

    async def send(self, batch: Sequence[Outgoing]) -> Sequence[Outcome]:
        parts = [Part(one.message_id, _encode(for_next_hop(one.event))) for one in batch]
        fitting = [part for part in parts if len(part.body) <= EVENT_BYTES]
        outcomes = iter(await post_runs(in_runs(fitting, BATCH_BYTES - _ENVELOPE_BYTES), self._post))
        return [next(outcomes) if len(part.body) <= EVENT_BYTES else _too_large(part) for part in parts]

    async def close(self) -> None:
        await self._endpoint.close()

    async def _post(self, run: Sequence[Part]) -> Outcome:
        sent_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        events = b",".join([part.body for part in run])
        return await self._endpoint.post(b'{"batch":[%b],"sentAt":"%b"}' % (events, sent_at.encode()), {})


def for_next_hop(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event without what was said of the last hop, both its times the corrected one."""
    forwarded = {name: value for name, value in event.items() if name not in _LAST_HOP}
    if "timestamp" in forwarded:
        forwarded["originalTimestamp"] = forwarded["timestamp"]
    return forwarded


def _too_large(part: Part) -> Rejected:
    return Rejected(f"the event has {len(part.body)} bytes, the endpoint takes {EVENT_BYTES}: it was not sent")
