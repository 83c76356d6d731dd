"""What the workspace in force would make of the last day's events."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import get
from litestar.di import NamedDependency

from assent.app.api.bodies import Body, Data, failures
from assent.app.api.delivery_overview import FlowLink, FlowNode, flow_links, flow_nodes
from assent.app.services.review import review
from assent.app.wiring import Server
from assent.domain.decision import Reason, Verdict, explain
from assent.engine.outlook import Outlook


class ReviewReason(Body, frozen=True):
    """How many events would go, or stay, for one reason."""

    verdict: Verdict
    reason: Reason
    title: str
    events: int


class ReviewDestination(Body, frozen=True):
    """What would become of the events at one destination; the most frequent reasons first."""

    id: Annotated[str, msgspec.Meta(examples=["warehouse"])]
    title: str
    delivered: int
    withheld: int
    reasons: Sequence[ReviewReason]


class ReviewBody(Body, frozen=True):
    """The last day's `events`, each decided once for every destination by one version, and the way they would take."""

    version: int
    events: int
    destinations: Sequence[ReviewDestination]
    nodes: Sequence[FlowNode]
    links: Sequence[FlowLink]


@get("/review", summary="What is set up, on a day's events", operation_id="getReview", responses=failures())
async def get_review(server: NamedDependency[Server]) -> Data[ReviewBody]:
    """What would become of the events of the last 24 hours under the version in force, decided anew: nothing is sent.

    For what did become of events, see `/delivery/overview`.
    """
    found = await review(server)
    destinations = [_destination(found.outlook, one.id, one.title) for one in found.version.workspace.destinations]
    flow = found.flow
    return Data(
        ReviewBody(found.version.number, found.outlook.events, destinations, flow_nodes(flow), flow_links(flow))
    )


def _destination(outlook: Outlook, id_: str, title: str) -> ReviewDestination:
    delivered = outlook.delivered(id_)
    reasons = [
        ReviewReason(verdict, reason, explain(verdict, reason).title, events)
        for verdict in (Verdict.DELIVER, Verdict.WITHHOLD)
        for reason, events in outlook.reasons(id_, verdict).items()
    ]
    return ReviewDestination(id_, title, delivered, outlook.events - delivered, reasons)
