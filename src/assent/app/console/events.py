"""Events: what came in lately and what became of it, live or looked for."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, NamedTuple, TypeAlias, TypeVar
from urllib.parse import quote, urlencode

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from assent.app.console.access import PageRequest
from assent.app.console.pages import page
from assent.app.services.event_search import MOST_SCANNED, Page, Searcher, Seen, Wanted
from assent.app.wiring import Server
from assent.domain.decision import REASONS, Reason, Verdict
from assent.domain.errors import InvalidInput
from assent.domain.outcome import State
from assent.domain.record import EVENT_TYPES, Record
from assent.domain.workspace import Workspace
from assent.engine.outline import outline

SHOWN: Final = 500
"""How many events a page shows."""

_Choice = TypeVar("_Choice", State, Verdict, Reason)

_Before: TypeAlias = Annotated[int | None, QueryParameter(name="before", ge=0, lt=1 << 62)]

TAGS: Final[Mapping[State, tuple[str, str, str]]] = {
    State.FAILED: ("fail", "circle-x", "failed"),
    State.RETRYING: ("wait", "clock", "retrying"),
    State.HELD: ("wait", "player-pause", "held"),
    State.DELIVERED: ("deliver", "check", "delivered"),
    State.WITHHELD: ("withhold", "ban", "withheld"),
    State.UNREAD: ("quiet", "circle-dashed", "not read yet"),
}
"""How a state looks: the kind of its tag, its icon, and its word. In the order in which a reader wants to see them."""


class Tag(NamedTuple):
    """One of the small labels that say what became of an event."""

    kind: str
    icon: str
    text: str


class Row(NamedTuple):
    """One event as a list shows it."""

    offset: int
    at: int
    type: str
    title: str
    source: str
    subject: str
    address: str
    tags: Sequence[Tag]


class Filters:
    """What is looked for, as the form and the addresses of pages have it."""

    NAMES: Final = (
        "text",
        "event",
        "subject",
        "type",
        "source",
        "destination",
        "state",
        "verdict",
        "reason",
        "messageId",
    )

    def __init__(self, query: Mapping[str, str]) -> None:
        self.given = {name: value for name in self.NAMES if (value := query.get(name, "").strip())}

    def __getitem__(self, name: str) -> str:
        return self.given.get(name, "")

    @property
    def are_inside(self) -> bool:
        """Whether one is set of those that the form keeps folded away."""
        return any(self[name] for name in ("type", "source", "subject", "messageId", "verdict"))

    def query(self, **others: object) -> str:
        """For an address: the filters that are set, and others."""
        return urlencode({**self.given, **others})

    def wanted(self) -> Wanted:
        """Raises InvalidInput for a state, verdict or reason that there is not."""
        return Wanted(
            text=self.given.get("text"),
            event=self.given.get("event"),
            subject=self.given.get("subject"),
            type=self.given.get("type"),
            source=self.given.get("source"),
            destination=self.given.get("destination"),
            message_id=self.given.get("messageId"),
            state=self._one_of("state", State),
            verdict=self._one_of("verdict", Verdict),
            reason=self._one_of("reason", Reason),
        )

    def _one_of(self, name: str, kind: type[_Choice]) -> _Choice | None:
        try:
            return kind(self.given[name]) if name in self.given else None
        except ValueError:
            raise InvalidInput(f"there is no {name} `{self.given[name][:50]}`", field=name) from None


@get("/events")
async def show_events(
    request: PageRequest,
    server: NamedDependency[Server],
    searcher: NamedDependency[Searcher],
    before: _Before = None,
) -> Response[Any]:
    filters = Filters(request.query_params)
    head = server.log.head
    found = await searcher.search(filters.wanted(), SHOWN, head if before is None else before)
    return await asyncio.to_thread(_show, request, server, filters, found, head, before)


def _show(
    request: PageRequest, server: Server, filters: Filters, found: Page, head: int, before: int | None
) -> Response[Any]:
    workspace = server.in_force.version.workspace
    return page(
        request,
        server,
        "events/list.html",
        filters=filters,
        rows=[row(workspace, one) for one in found.found],
        head=head,
        is_newest=before is None,
        older=filters.query(before=found.before) if found.before is not None else None,
        is_cut=found.before is not None and len(found.found) < SHOWN,
        most_scanned=MOST_SCANNED,
        is_empty=head == server.log.start,
        sources=[(one.id, one.title) for one in workspace.sources],
        destinations=[(one.id, one.title) for one in workspace.destinations],
        types=[(one, one) for one in EVENT_TYPES],
        states=[(state.value, word.capitalize()) for state, (_, _, word) in TAGS.items()],
        reasons=list(_reasons()),
    )


def _reasons() -> Iterator[tuple[str, str]]:
    """Each reason with its titles: it may have one per verdict."""
    for reason in Reason:
        titles = dict.fromkeys(one.title for one in REASONS if one.reason is reason and not one.observed)
        yield reason.value, ", or ".join(titles)


def row(workspace: Workspace, seen: Seen) -> Row:
    said = outline(seen.record)
    return Row(
        seen.offset,
        seen.record.received_at,
        seen.record.type,
        said.title or "",
        source_title(workspace, seen.record.source),
        said.user_id or said.anonymous_id or "",
        address(seen.record),
        tags(seen.counts()),
    )


def tags(counts: Mapping[State, int]) -> list[Tag]:
    return [Tag(kind, icon, f"{counts[state]} {word}") for state, (kind, icon, word) in TAGS.items() if counts[state]]


def address(record: Record, path: str = "/events/{}?") -> str:
    """Where the page of an event is, or another one about it. Its message id may hold any character."""
    exactly = urlencode({"source": record.source, "receivedAt": record.received_at})
    return path.format(quote(record.message_id, safe="")) + exactly


def source_title(workspace: Workspace, source_id: str) -> str:
    found = workspace.source(source_id)
    return found.title if found is not None else source_id


EVENT_PAGES: Final = [show_events]
