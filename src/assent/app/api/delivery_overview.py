"""Delivery at a glance: the steps, the breakdown, the flow and samples, as the console shows them."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from assent.app.api.bodies import Body, Data, failures
from assent.app.api.events import Event, event_body
from assent.app.api.times import Time, time_text
from assent.app.services.delivery_flow import Flow, delivery_flow
from assent.app.services.delivery_overview import (
    MINUTE_MS,
    Bar,
    Dimension,
    DiscardRow,
    Row,
    Step,
    WindowName,
    breakdown,
    breakdown_csv,
    overview,
    wanted,
)
from assent.app.services.delivery_samples import Outcome, Sample, Wish, samples
from assent.app.services.fates import Fates
from assent.app.wiring import Server
from assent.domain.decision import Reason, Verdict, explain_decision
from assent.domain.record import DiscardCode


class DeliveryStep(Body, frozen=True):
    """How many came to one step of delivery, and how that differs from the period before.

    `received` and `failed_on_ingest` count what came in; the steps after count once per destination. `change` is a
    share, 0.5 for half as many again; null where there were none before.
    """

    name: Annotated[
        str,
        msgspec.Meta(
            examples=["received"],
            description="In order: `received`, `failed_on_ingest`, `withheld_at_source`, `withheld_at_destination`, "
            "`failed`, `delivered`.",
        ),
    ]
    title: str
    segment_title: Annotated[str, msgspec.Meta(description="What Segment's Delivery Overview calls it.")]
    events: int
    before: int
    change: float | None


class DeliveryBar(Body, frozen=True):
    """What came to rest at destinations during one stretch of time, which begins at `at`."""

    at: Time
    delivered: int
    withheld: int
    failed: int


class BreakdownRow(Body, frozen=True):
    """What became of the events of one reason, destination, source or name.

    `key` is its code, id or name; empty for events without a name, null for all that are beyond the first 50. A reason
    comes with its `verdict`.
    """

    key: str | None
    title: str
    verdict: Verdict | None
    delivered: int
    withheld: int
    failed: int
    events: int
    before: int
    change: float | None


class DiscardBreakdown(Body, frozen=True):
    """How much was received and never became an event, by code."""

    code: DiscardCode
    title: str
    what_was_received: str
    events: int
    before: int
    change: float | None


class DeliveryOverview(Body, frozen=True):
    """What came in and what became of it, between two times, and how it differs from the period before."""

    since: Time = msgspec.field(name="from")
    until: Time = msgspec.field(name="to")
    steps: Sequence[DeliveryStep]
    discards: Sequence[DiscardBreakdown]
    series: Sequence[DeliveryBar]
    by: Dimension
    rows: Sequence[BreakdownRow]


class FlowNode(Body, frozen=True):
    """One thing that events pass: a source; what settled where they went (a category, or why none did); a destination;
    and what became of them."""

    id: Annotated[str, msgspec.Meta(examples=["source:website"])]
    stage: Literal["source", "settled", "destination", "outcome"]
    title: str


class FlowLink(Body, frozen=True):
    """How many events pass from one node to another, by what became of them."""

    start: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")
    outcome: Outcome
    events: int


class DeliveryFlow(Body, frozen=True):
    """The way that events take from sources through categories to destinations, as one version decides them.

    `isDecidedAnew` says that another version was in force for a part of the time, so that some went another way then.
    """

    version: int
    is_decided_anew: bool
    nodes: Sequence[FlowNode]
    links: Sequence[FlowLink]


class DeliverySample(Body, frozen=True):
    """One recent event that came to rest at a destination, and why; with the destination's last answer, where it
    did not settle at its first attempt."""

    event: Event
    destination: str
    verdict: Verdict
    reason: Reason
    title: str
    categories: Sequence[str]
    version: Annotated[int, msgspec.Meta(description="The version of the workspace that decided.")]
    answer: str | None
    http_status: int | None


class SampleList(Body, frozen=True):
    """At most ten, newest first."""

    samples: Sequence[DeliverySample]


AskedWindow: TypeAlias = Annotated[
    WindowName, QueryParameter(name="window", description="How far to look back: 10 minutes to 14 days.")
]
By: TypeAlias = Annotated[Dimension, QueryParameter(name="by", description="What to break down by.")]
Source: TypeAlias = Annotated[str | None, QueryParameter(name="source", description="Only this source (its id).")]
Destination: TypeAlias = Annotated[
    str | None, QueryParameter(name="destination", description="Only this destination (its id).")
]
SampleOutcome: TypeAlias = Annotated[
    Outcome, QueryParameter(name="outcome", description="What became of the events at the destination.")
]
SampleReason: TypeAlias = Annotated[
    Reason | None, QueryParameter(name="reason", description="Only events that this was decided of.")
]


@get("/delivery/overview", summary="Delivery at a glance", operation_id="getDeliveryOverview", responses=failures(400))
async def get_overview(
    server: NamedDependency[Server],
    window: AskedWindow = "24h",
    by: By = "reason",
    source: Source = None,
    destination: Destination = None,
) -> Data[DeliveryOverview]:
    """Step by step what came in and what became of it, over time and broken down, compared with the period before.

    An event counts when it comes to rest. Names of events are counted by the hour: broken down by `event`, whole hours
    count.
    """
    found = await overview(server, wanted(window, source, destination), by)
    times = (time_text(found.wanted.since * MINUTE_MS), time_text(found.wanted.until * MINUTE_MS))
    return Data(
        DeliveryOverview(
            *times,
            [_step(one) for one in found.steps],
            [_discard(one) for one in found.discards],
            [_bar(one) for one in found.series],
            by,
            [_row(one) for one in found.rows],
        )
    )


@get(
    "/delivery/breakdown.csv",
    summary="The breakdown as CSV",
    operation_id="getDeliveryCsv",
    media_type="text/csv",
    responses={**failures(400), 200: ResponseSpec(str, media_type="text/csv", generate_examples=False)},
)
async def get_breakdown_csv(
    server: NamedDependency[Server],
    window: AskedWindow = "24h",
    by: By = "reason",
    source: Source = None,
    destination: Destination = None,
) -> Response[str]:
    """All rows of the breakdown, for a spreadsheet. What it would take for a formula has an apostrophe before it."""
    rows = await breakdown(server, wanted(window, source, destination), by)
    return Response(breakdown_csv(rows, by), media_type="text/csv")


@get("/delivery/flow", summary="From sources to destinations", operation_id="getDeliveryFlow", responses=failures(400))
async def get_flow(
    server: NamedDependency[Server],
    window: AskedWindow = "24h",
    source: Source = None,
    destination: Destination = None,
) -> Data[DeliveryFlow]:
    """The way that events take: through the categories that settled it, to destinations, or to nobody.

    What came in is counted by the hour, and decided by the version in force now.
    """
    found = await delivery_flow(server, wanted(window, source, destination))
    return Data(
        DeliveryFlow(
            found.version,
            found.is_decided_anew,
            flow_nodes(found),
            flow_links(found),
        )
    )


@get("/delivery/samples", summary="Samples of a reason", operation_id="listDeliverySamples", responses=failures(400))
async def list_samples(
    server: NamedDependency[Server],
    fates: NamedDependency[Fates],
    outcome: SampleOutcome = "withheld",
    reason: SampleReason = None,
    source: Source = None,
    destination: Destination = None,
) -> Data[SampleList]:
    """At most ten of the newest events that were delivered, withheld or failed for a reason.

    Only the newest 10,000 events are looked at, and of failures the newest hundred of each destination. What was
    discarded is under `/discards`.
    """
    found = await samples(server, fates, Wish(outcome, reason, source, destination))
    return Data(SampleList([_sample(one) for one in found]))


def flow_nodes(flow: Flow) -> list[FlowNode]:
    return [msgspec.convert(one._asdict(), FlowNode) for one in flow.nodes]


def flow_links(flow: Flow) -> list[FlowLink]:
    return [FlowLink(one.start, one.end, msgspec.convert(one.outcome, Outcome), one.events) for one in flow.streams]


def _step(step: Step) -> DeliveryStep:
    return DeliveryStep(step.name, step.title, step.segment_title, step.events, step.before, step.change)


def _discard(row: DiscardRow) -> DiscardBreakdown:
    return DiscardBreakdown(row.code, row.title, row.what_was_received, row.events, row.before, row.change)


def _bar(bar: Bar) -> DeliveryBar:
    return DeliveryBar(time_text(bar.at), bar.delivered, bar.withheld, bar.failed)


def _row(row: Row) -> BreakdownRow:
    return BreakdownRow(
        row.key,
        row.title,
        row.verdict,
        row.delivered,
        row.withheld,
        row.failed,
        row.events,
        row.before,
        row.change,
    )


def _sample(sample: Sample) -> DeliverySample:
    decision, attempt = sample.decision, sample.attempt
    return DeliverySample(
        event_body(sample.record),
        sample.destination,
        decision.verdict,
        decision.reason,
        explain_decision(decision).title,
        decision.categories,
        sample.version,
        attempt.answer if attempt is not None else None,
        attempt.http_status if attempt is not None else None,
    )


DELIVERY_OVERVIEW: Final = [get_overview, get_breakdown_csv, get_flow, list_samples]
