"""Decisions: what would become of an event, and what became of one that came in."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, TypeAlias
from urllib.parse import unquote

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter, RawBody

from assent.app.api.bodies import Body, Data, failures
from assent.app.api.document import EventBody
from assent.app.api.events import Event, event_body
from assent.app.api.ledger import Preferences
from assent.app.api.times import Time, epoch_ms, time_parameter, time_text
from assent.app.services.decide_event import as_from, decide_everywhere, read_event
from assent.app.services.explain_event import Explained, Explainer, choose
from assent.app.services.fates import Fates
from assent.app.wiring import Server
from assent.domain.decision import Decision, Reason, Verdict, explain_decision
from assent.domain.outcome import Attempt, State
from assent.domain.receipt import Preference
from assent.domain.workspace import Workspace
from assent.engine.fate import Fate
from assent.engine.rule import DecisiveRule, RuleName

FateState: TypeAlias = Literal["unread", "withheld", "held", "delivered", "retrying", "failed", "not_subscribed"]

SegmentCode: TypeAlias = Annotated[
    str | None,
    msgspec.Meta(description="What Segment calls it.", examples=["FILTERED_BY_END_USER_CONSENT"]),
]
Categories: TypeAlias = Annotated[
    Sequence[str], msgspec.Meta(description="The ids of the categories that settled it.", examples=[["advertising"]])
]


class SettledBy(Body, frozen=True):
    """A rule that settled a decision: with another value of it the decision would be another."""

    name: RuleName
    value: Annotated[str, msgspec.Meta(examples=["any"])]
    meaning: Annotated[str, msgspec.Meta(description="What the rule says with this value.")]


SettledByRules: TypeAlias = Annotated[
    Sequence[SettledBy],
    msgspec.Meta(description="The rules that settled it; none where no rule had a say, or two would come to the same."),
]


class DestinationDecision(Body, frozen=True, kw_only=True):
    """The decision on an event at one destination, and in words what it means and what can be done about it."""

    destination: Annotated[str, msgspec.Meta(description="The id of the destination.", examples=["amplitude"])]
    name: str
    verdict: Verdict
    reason: Reason
    title: str
    what_happened: str
    remedy: str
    segment_code: SegmentCode
    categories: Categories
    rules: SettledByRules


class Decisions(Body, frozen=True):
    """The decisions of one version of the workspace on one event, one for each destination."""

    message_id: str | None
    version: Annotated[int, msgspec.Meta(description="The version of the workspace that decided.")]
    decisions: Sequence[DestinationDecision]


class Attempts(Body, frozen=True):
    """How often an event was sent to a destination that did not take it at once.

    `count` is 0 while the event waits for an earlier one of the same person. `answer` and `httpStatus` are what the
    destination last said when it did not take it. `nextAt` is there only while the event is retrying, `settledAt` only
    once it is not.
    """

    count: int
    first_at: Time
    answer: str
    http_status: int | None
    next_at: Time | None
    settled_at: Time | None


class DestinationFate(Body, frozen=True, kw_only=True):
    """What became of an event at one destination, and why.

    `unread`: the destination has not come to it yet; the decision is the one that the version in force would make now.
    `withheld`, `delivered`, `retrying` and `failed` carry the decision that was made, and the version that made it; a
    retrying event is decided again before every attempt. `not_subscribed`: the destination did not exist, or was
    removed, when the event came in; there was no decision, so `verdict`, `reason` and `version` are null. `held`: it
    would be delivered, and is kept until its source or category (`heldBy`) is released, when it is decided anew.
    """

    destination: Annotated[str, msgspec.Meta(description="The id of the destination.", examples=["amplitude"])]
    name: str
    state: FateState
    verdict: Verdict | None
    reason: Reason | None
    title: str
    what_happened: str
    remedy: str
    segment_code: SegmentCode
    categories: Categories
    rules: SettledByRules
    version: Annotated[int | None, msgspec.Meta(description="The version of the workspace that decided.")]
    held_by: Annotated[
        Sequence[str], msgspec.Meta(description="The held source, or the held categories, of a held event.")
    ]
    attempts: Annotated[
        Attempts | None, msgspec.Meta(description="Null unless sending it failed, at first or for good.")
    ]


class Namesake(Body, frozen=True):
    """Another event with the same message id; ask for it by its `source` and `receivedAt`."""

    source: str
    received_at: Time


class Stamped(Body, frozen=True):
    """The consent that an event without any got from the ledger: what was known of its person when it came in, and by
    which receipts."""

    preferences: Preferences
    receipts: Annotated[
        Sequence[str],
        msgspec.Meta(description="The ids of the receipts.", examples=[["rcp_64908bbf394e4c82083bf4c9"]]),
    ]


class EventDecisions(Body, frozen=True):
    """One event and what became of it: a decision for each destination of the workspace in force, then for those that
    had it to read and were removed since.

    `stamped` is null unless the event carried no consent and the ledger had some. `others` are further events with the
    same message id: from another source, or over 24 hours apart.
    """

    event: Event
    decisions: Sequence[DestinationFate]
    stamped: Stamped | None
    others: Sequence[Namesake]


Version: TypeAlias = Annotated[
    int | None,
    QueryParameter(name="version", ge=1, description="The version of the workspace to ask; else the one in force."),
]
OneMessageId: TypeAlias = Annotated[
    str, PathParameter(name="messageId", description="The message id, URL-encoded.", min_length=1)
]
OneSource: TypeAlias = Annotated[
    str | None, QueryParameter(name="source", description="The source that the event is from, where several sent it.")
]
ReceivedAt: TypeAlias = Annotated[
    str | None, time_parameter("receivedAt", "When exactly it was received, where there is more than one.")
]


AsFrom: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="source",
        description="Read it as an event of this source, which may state consent in another way: see `consentFrom`.",
    ),
]


@post(
    "/decisions",
    status_code=200,
    summary="Decide an event",
    operation_id="decideEvent",
    operation_class=EventBody,
    sync_to_thread=True,
    responses=failures(400, 404, 413),
)
def decide_event(
    body: RawBody,
    server: NamedDependency[Server],
    fates: NamedDependency[Fates],
    version: Version = None,
    source: AsFrom = None,
) -> Data[Decisions]:
    """What would become of this event at every destination. Nothing is stored and nothing is sent."""
    event = read_event(body)
    deciding = server.in_force if version is None else fates.version(version)
    workspace = deciding.version.workspace
    if source is not None:
        event = as_from(workspace, source, event)
    decisions = [_in_words(workspace, *one) for one in decide_everywhere(deciding, event)]
    message_id = event.get("messageId")
    return Data(Decisions(message_id if isinstance(message_id, str) else None, deciding.number, decisions))


@get(
    "/events/{messageId:str}/decisions",
    summary="Why an event went where it did",
    operation_id="explainEvent",
    responses=failures(400, 404),
)
async def explain_event(
    server: NamedDependency[Server],
    explainer: NamedDependency[Explainer],
    message_id: OneMessageId,
    source: OneSource = None,
    received_at: ReceivedAt = None,
) -> Data[EventDecisions]:
    """For each destination what became of the event and why: exactly, under the version that decided it then.

    Only events that are still in the log can be explained. Of several with the same message id, this is the newest that
    `source` and `receivedAt` leave.
    """
    explained = await explainer.explain(unquote(message_id))
    chosen, others = choose(explained, unquote(message_id), source, epoch_ms(received_at, "receivedAt"))
    return Data(_explanation(chosen, others, server))


def _in_words(
    workspace: Workspace, destination: str, decision: Decision, rules: Iterable[DecisiveRule]
) -> DestinationDecision:
    text = explain_decision(decision)
    return DestinationDecision(
        destination=destination,
        name=_title(workspace, destination),
        verdict=decision.verdict,
        reason=decision.reason,
        title=text.title,
        what_happened=text.what_happened,
        remedy=text.remedy,
        segment_code=text.segment_code,
        categories=decision.categories,
        rules=[SettledBy(one.name, one.value, one.meaning) for one in rules],
    )


def _explanation(explained: Explained, others: Sequence[Explained], server: Server) -> EventDecisions:
    workspace = server.in_force.version.workspace
    return EventDecisions(
        event_body(explained.found.record),
        [_fate_in_words(workspace, one, explained.rules.get(one.destination, ())) for one in explained.fates],
        _stamped(explained),
        [Namesake(one.found.record.source, time_text(one.found.record.received_at)) for one in others],
    )


def _stamped(explained: Explained) -> Stamped | None:
    if not explained.stamped:
        return None
    said = {one: Preference.GRANTED if granted else Preference.DENIED for one, granted in explained.stamped}
    return Stamped(said, explained.receipts)


def _fate_in_words(workspace: Workspace, fate: Fate, rules: Iterable[DecisiveRule]) -> DestinationFate:
    if fate.state is None or fate.decision is None:
        return DestinationFate(
            destination=fate.destination,
            name=_title(workspace, fate.destination),
            state="not_subscribed",
            verdict=None,
            reason=None,
            title="Not there yet",
            what_happened="The destination did not exist, or was removed, when this event came in: it never read it.",
            remedy="Nothing to mend: a destination gets the events that come in after it was added.",
            segment_code=None,
            categories=(),
            rules=(),
            version=None,
            held_by=(),
            attempts=None,
        )
    return DestinationFate(
        **msgspec.structs.asdict(_in_words(workspace, fate.destination, fate.decision, rules)),
        state=fate.state.value,
        version=fate.version,
        held_by=fate.holder.ids if fate.holder is not None else (),
        attempts=_attempts(fate.attempt) if fate.attempt is not None else None,
    )


def _attempts(attempt: Attempt) -> Attempts:
    is_retrying = attempt.state is State.RETRYING
    return Attempts(
        attempt.tried,
        time_text(attempt.first_at),
        attempt.answer,
        attempt.http_status,
        time_text(attempt.due_at) if is_retrying else None,
        time_text(attempt.settled_at) if attempt.settled_at is not None else None,
    )


def _title(workspace: Workspace, destination: str) -> str:
    found = workspace.destination(destination)
    return found.title if found is not None else destination
