"""One event: why it went where it did, at every destination."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, NamedTuple, TypeAlias
from urllib.parse import unquote

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter

from assent.app.console.access import PageRequest
from assent.app.console.events import TAGS, Tag, address, source_title, tags
from assent.app.console.pages import page
from assent.app.services.explain_event import Explained, Explainer, choose
from assent.app.services.fates import Fates
from assent.app.wiring import Server
from assent.domain.decision import Verdict, explain_decision
from assent.domain.errors import InvalidInput, NotFound
from assent.domain.outcome import Attempt, State
from assent.domain.record import Record
from assent.domain.workspace import Version, Workspace
from assent.engine.fate import Fate
from assent.engine.forward import forward
from assent.engine.json import decode_leniently
from assent.engine.outline import outline
from assent.engine.rule import DecisiveRule

MessageId: TypeAlias = Annotated[str, PathParameter(name="message_id")]
Source: TypeAlias = Annotated[str | None, QueryParameter(name="source")]
ReceivedAt: TypeAlias = Annotated[int | None, QueryParameter(name="receivedAt")]

_REMEDIES: Final = {
    State.HELD: "Its source, or a category, is held. Release it: then this event is decided anew, and goes if it may.",
    State.RETRYING: "It is tried again by itself, for four hours. If it lasts, the answer says what is wrong there.",
    State.FAILED: "The destination did not take it, for good. Its answer says what to mend.",
}
"""What there is to do where consent was no obstacle, but the destination is."""

_NOT_THERE: Final = Tag("quiet", "circle-dashed", "Not there yet")


class NamedCategory(NamedTuple):
    """A category as it was called in the version that decided."""

    id: str
    title: str


class Why(NamedTuple):
    """What became of the event at one destination, and why, in words."""

    destination: str
    title: str
    tag: Tag
    because: str
    what_happened: str
    remedy: str
    categories: Sequence[NamedCategory]
    rules: Sequence[DecisiveRule]
    version: Version | None
    is_to_come: bool
    attempt: Attempt | None


@get("/events/{message_id:str}")
async def show_event(
    request: PageRequest,
    server: NamedDependency[Server],
    explainer: NamedDependency[Explainer],
    fates: NamedDependency[Fates],
    message_id: MessageId,
    source: Source = None,
    received_at: ReceivedAt = None,
) -> Response[Any]:
    sent = unquote(message_id)
    explained = await explainer.explain(sent)
    try:
        chosen, others = choose(explained, sent, source, received_at)
    except NotFound:
        return await asyncio.to_thread(_missing, request, server, sent)
    return await asyncio.to_thread(_show, request, server, fates, chosen, others)


def _missing(request: PageRequest, server: Server, message_id: str) -> Response[Any]:
    return page(
        request,
        server,
        "events/missing.html",
        status=404,
        message_id=message_id,
        kept_for=server.config.keep.total_seconds() / 86_400,
    )


def _show(
    request: PageRequest, server: Server, fates: Fates, chosen: Explained, others: Sequence[Explained]
) -> Response[Any]:
    record, workspace = chosen.found.record, server.in_force.version.workspace
    said = outline(record)
    return page(
        request,
        server,
        "events/event.html",
        record=record,
        said=said,
        source=source_title(workspace, record.source),
        whys=list(_whys(workspace, fates, chosen)),
        counts=tags(Counter(one.state for one in chosen.fates if one.state is not None)),
        others=[
            (source_title(workspace, one.found.record.source), one.found.record.received_at, address(one.found.record))
            for one in others
        ],
        pretty=_pretty(record),
        raw=_raw(record),
        what_if=address(record, "/what-if?event={}&"),
    )


def _whys(workspace: Workspace, fates: Fates, explained: Explained) -> Iterator[Why]:
    for one in explained.fates:
        yield _why(workspace, fates, one, explained.rules.get(one.destination, ()))


def _why(workspace: Workspace, fates: Fates, one: Fate, rules: Sequence[DecisiveRule]) -> Why:
    found = workspace.destination(one.destination)
    title = found.title if found is not None else one.destination
    if one.state is None or one.decision is None or one.version is None:
        return Why(
            one.destination,
            title,
            _NOT_THERE,
            "It never read this event",
            "The destination did not exist, or was removed, when this event came in.",
            "Nothing to mend: a destination gets the events that come in after it was added.",
            (),
            (),
            None,
            False,
            None,
        )
    text = explain_decision(one.decision)
    version = fates.version(one.version).version
    titles = {category.id: category.title for category in version.workspace.categories}
    return Why(
        one.destination,
        title,
        _tag(one.state, one.decision.verdict),
        text.title,
        text.what_happened,
        _REMEDIES.get(one.state, text.remedy),
        [NamedCategory(id_, titles.get(id_, id_)) for id_ in one.decision.categories],
        rules,
        version,
        one.state is State.UNREAD,
        one.attempt,
    )


def _tag(state: State, verdict: Verdict) -> Tag:
    kind, icon, word = TAGS[state]
    if state is State.UNREAD:
        word = f"not read yet, would be {'delivered' if verdict is Verdict.DELIVER else 'withheld'}"
    return Tag(kind, icon, word[:1].upper() + word[1:])


def _pretty(record: Record) -> str | None:
    """The event as destinations see it; None for one that is nested too deeply to be read."""
    try:
        return msgspec.json.format(msgspec.json.encode(forward(record)), indent=2).decode()
    except (InvalidInput, RecursionError):
        return None


def _raw(record: Record) -> str:
    """The event as it came in, but for the write key, which is nobody's to read here."""
    if b"writeKey" not in record.body:
        return record.body.decode(errors="replace")
    try:
        event = decode_leniently(record.body)
        event.pop("writeKey", None)
        return msgspec.json.encode(event).decode()
    except (InvalidInput, RecursionError):
        return ""


EVENT_PAGE: Final = [show_event]
