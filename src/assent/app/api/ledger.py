"""The consent ledger: what is known of a person, what came of it, and consent that is told by other systems."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeAlias
from urllib.parse import unquote

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, JSONBody, PathParameter, QueryParameter
from litestar.response import Stream

from assent.app.api.access import owners_only
from assent.app.api.bodies import Body, Data, failures
from assent.app.api.document import ReceiptsFile
from assent.app.api.paging import PageCount, PageCursor, Pagination, cursor_at, position
from assent.app.api.times import Time, epoch_ms, time_parameter, time_text
from assent.app.services import ledger
from assent.app.services.receipt_export import MEDIA_TYPES, Format, exported
from assent.app.wiring import Server, now
from assent.domain.decision import Reason, Verdict, explain
from assent.domain.errors import InvalidInput
from assent.domain.receipt import Method, Notice, Preference, Subject
from assent.domain.receipt import Receipt as Entry
from assent.engine.receipts import decoded
from assent.store.ledger import ReceiptFilter
from assent.store.tokens import Token

_Request: TypeAlias = Request[Token, None, State]

Preferences: TypeAlias = Annotated[
    Mapping[str, Preference],
    msgspec.Meta(
        description="By the id of the category: `granted`, `denied` or `unknown`.",
        examples=[{"analytics": "granted", "advertising": "denied"}],
    ),
]
UserId: TypeAlias = Annotated[str | None, msgspec.Meta(examples=["ann"])]
AnonymousId: TypeAlias = Annotated[str | None, msgspec.Meta(examples=["0b1c9ad2-browser"])]


class NoticeBody(Body, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In which words the person was asked."""

    version: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    language: Annotated[str, msgspec.Meta(max_length=200, examples=["de"])] | None = None
    jurisdiction: Annotated[str, msgspec.Meta(max_length=200, examples=["EU"])] | None = None


class Receipt(Body, frozen=True, kw_only=True):
    """One entry of the ledger: what somebody said, when, how we learnt it, and in which words they were asked.

    `complete` says that what is not named is refused; where `readable` is false, there was consent that says nothing
    that can be read. `evidence` is what was received. `hash` is over everything and `previous`, the hash of the receipt
    before it. Of somebody who was forgotten, ids are keyed hashes, and there is no evidence.
    """

    number: int
    id: Annotated[str, msgspec.Meta(examples=["rcp_64908bbf394e4c82083bf4c9"])]
    user_id: UserId
    anonymous_id: AnonymousId
    preferences: Preferences
    complete: bool
    readable: bool
    method: Method
    source: str
    occurred_at: Time
    received_at: Time
    notice: NoticeBody
    evidence: Any
    forgotten: bool
    previous: str
    hash: str


class ReceiptPage(Body, frozen=True):
    """Receipts, the newest first."""

    receipts: Sequence[Receipt]
    pagination: Pagination


class WrittenReceipts(Body, frozen=True):
    """The receipts that were written; for an idempotency key that was used before, those of then."""

    receipts: Sequence[Receipt]


class AtDestination(Body, frozen=True, kw_only=True):
    """What would become at one destination of an event that carries what is known of the person."""

    destination: str
    name: str
    verdict: Verdict
    reason: Reason
    title: str


class PersonConsent(Body, frozen=True, kw_only=True):
    """What is known of one person now, what it means, and the receipts behind it.

    `preferences` are worked out of the receipts alone. A category that is not named was never answered. `conflict` says
    that two profiles which became one disagree; it is enforced like a refusal.
    """

    user_ids: Sequence[str]
    anonymous_ids: Sequence[str]
    preferences: Preferences
    destinations: Sequence[AtDestination]
    history: Annotated[Sequence[Receipt], msgspec.Meta(description="The newest first, at most 1,000.")]


class ChoiceBody(Body, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody chose. Name the person by `userId`, `anonymousId` or both; both become one profile.

    What `preferences` does not name stays as it is, unless the choice is `complete`: then it is refused. `withdrawn`
    refuses everything.
    """

    user_id: UserId = None
    anonymous_id: AnonymousId = None
    preferences: Preferences = msgspec.field(default_factory=dict)
    complete: bool = False
    withdrawn: bool = False
    occurred_at: Annotated[Time | None, msgspec.Meta(description="When it was said; else now.")] = None
    notice: NoticeBody = NoticeBody()
    source: Annotated[str, msgspec.Meta(max_length=200, description="Which system tells it.")] = "api"
    evidence: Annotated[Any, msgspec.Meta(description="What proves it, kept as it is: any JSON, at most 32 KB.")] = None

    def choice(self) -> ledger.Choice:
        """Raises InvalidInput."""
        return ledger.Choice(
            Subject(self.user_id, self.anonymous_id),
            dict(self.preferences),
            epoch_ms(self.occurred_at, "occurredAt"),
            self.complete,
            self.withdrawn,
            Notice(self.notice.version, self.notice.language, self.notice.jurisdiction),
            msgspec.to_builtins(self),
        )


class ChoicesBody(Body, frozen=True, forbid_unknown_fields=True):
    """What several people chose. All of it is written, or nothing."""

    choices: Annotated[list[ChoiceBody], msgspec.Meta(min_length=1, max_length=ledger.MOST_AT_ONCE)]


AnyId: TypeAlias = Annotated[
    str, PathParameter(name="anyId", description="A user id or an anonymous id.", min_length=1)
]
ReceiptId: TypeAlias = Annotated[str, PathParameter(name="receiptId", description="The id of a receipt.", min_length=1)]
IdempotencyKey: TypeAlias = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        max_length=200,
        description="A text of your own: the same request with the same key is written once, however often it is sent.",
    ),
]
Of: TypeAlias = Annotated[str | None, QueryParameter(name="id", description="A user id or an anonymous id.")]
ByMethod: TypeAlias = Annotated[Method | None, QueryParameter(name="method", description="How it came about.")]
BySource: TypeAlias = Annotated[str | None, QueryParameter(name="source", description="Who told it.")]
From: TypeAlias = Annotated[str | None, time_parameter("from", "Received at this time or later.")]
To: TypeAlias = Annotated[str | None, time_parameter("to", "Received before this time.")]
AsFormat: TypeAlias = Annotated[Format, QueryParameter(name="format", description="`iso-27560`: ISO/IEC TS 27560.")]


@get(
    "/profiles/{anyId:str}/consent",
    summary="What is known of a person",
    operation_id="getProfileConsent",
    responses=failures(400, 404),
)
async def get_profile_consent(server: NamedDependency[Server], any_id: AnyId) -> Data[PersonConsent]:
    """What a person consents to now, by any of their ids, with the receipts that say so."""
    found = await asyncio.to_thread(ledger.look_up, server.stores, unquote(any_id), limit=1_000)
    return Data(_person(found, server))


@post(
    "/consent",
    status_code=200,
    summary="Record a choice",
    operation_id="recordConsent",
    guards=[owners_only],
    responses=failures(400, 403, 413),
)
async def record_consent(
    data: JSONBody[ChoiceBody], server: NamedDependency[Server], key: IdempotencyKey = None
) -> Data[WrittenReceipts]:
    """Put what one person chose on record. It is in force at once."""
    return await _record(server, [data], key)


@post(
    "/consent/batch",
    status_code=200,
    summary="Record many choices",
    operation_id="recordConsents",
    guards=[owners_only],
    responses=failures(400, 403, 413),
)
async def record_consents(
    data: JSONBody[ChoicesBody], server: NamedDependency[Server], key: IdempotencyKey = None
) -> Data[WrittenReceipts]:
    """Put what several people chose on record, in one transaction."""
    return await _record(server, data.choices, key)


@get("/receipts", summary="All receipts", operation_id="listReceipts", responses=failures(400))
async def list_receipts(
    server: NamedDependency[Server],
    of: Of = None,
    method: ByMethod = None,
    source: BySource = None,
    since: From = None,
    until: To = None,
    count: PageCount = 100,
    cursor: PageCursor = None,
) -> Data[ReceiptPage]:
    """Everything on record, the newest first."""
    wanted = ReceiptFilter(of, method, source, epoch_ms(since, "from"), epoch_ms(until, "to"))
    before = position(cursor)
    found = await asyncio.to_thread(lambda: server.stores.ledger.receipts(count + 1, wanted, before=before))
    following = cursor_at(found[count - 1].number) if len(found) > count else None
    return Data(ReceiptPage([receipt_body(one) for one in found[:count]], Pagination(cursor_at(before), following)))


@get("/receipts/{receiptId:str}", summary="One receipt", operation_id="getReceipt", responses=failures(400, 404))
async def get_receipt(server: NamedDependency[Server], receipt_id: ReceiptId) -> Data[Receipt]:
    """What one receipt says, with its evidence."""
    return Data(receipt_body(await asyncio.to_thread(server.stores.ledger.receipt, receipt_id)))


@get(
    "/receipts/export",
    summary="Receipts as a file",
    operation_id="exportReceipts",
    responses={**failures(400), 200: ResponseSpec(str, media_type="text/csv", generate_examples=False)},
    operation_class=ReceiptsFile,
)
async def export_receipts(
    server: NamedDependency[Server],
    of: Of = None,
    since: From = None,
    until: To = None,
    as_format: AsFormat = "csv",
) -> Response[Any]:
    """All receipts that match, the newest first: as CSV, as JSON lines, or as records in the sections of ISO/IEC TS
    27560, which name the controller of the workspace."""
    wanted = ReceiptFilter(of, since=epoch_ms(since, "from"), until=epoch_ms(until, "to"))
    return Stream(exported(server.stores, as_format, wanted), media_type=MEDIA_TYPES[as_format])


async def _record(server: Server, bodies: Sequence[ChoiceBody], key: str | None) -> Data[WrittenReceipts]:
    at = now()
    if key is not None and not key.strip():
        raise InvalidInput("an idempotency key is not blank", field="Idempotency-Key")

    def write() -> list[Entry]:
        statements = [ledger.statement(one.choice(), source=one.source, at=at, method=Method.API) for one in bodies]
        return ledger.record(server.stores, statements, key=f"api {key}" if key else "", at=at)

    return Data(WrittenReceipts([receipt_body(one) for one in await asyncio.to_thread(write)]))


def _person(found: ledger.Person, server: Server) -> PersonConsent:
    workspace = server.in_force.version.workspace
    return PersonConsent(
        user_ids=found.users,
        anonymous_ids=found.devices,
        preferences=found.preferences,
        destinations=[
            AtDestination(
                destination=one.id,
                name=one.title,
                verdict=decision.verdict,
                reason=decision.reason,
                title=explain(decision.verdict, decision.reason).title,
            )
            for one, decision in ledger.meaning(workspace, found.preferences)
        ],
        history=[receipt_body(one) for one in found.history],
    )


def receipt_body(receipt: Entry) -> Receipt:
    said = receipt.said
    return Receipt(
        number=receipt.number,
        id=receipt.id,
        user_id=said.subject.user_id,
        anonymous_id=said.subject.anonymous_id,
        preferences=said.preferences,
        complete=said.complete,
        readable=said.readable,
        method=said.method,
        source=said.source,
        occurred_at=time_text(said.occurred_at),
        received_at=time_text(said.received_at),
        notice=NoticeBody(
            version=said.notice.version, language=said.notice.language, jurisdiction=said.notice.jurisdiction
        ),
        evidence=decoded(said.evidence) if said.evidence else None,
        forgotten=receipt.is_forgotten,
        previous=receipt.previous,
        hash=receipt.hash,
    )
