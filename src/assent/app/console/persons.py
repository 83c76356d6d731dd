"""People as the ledger knows them: what each consents to now, since when, how we learnt it, and what it means."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, NamedTuple, TypeAlias
from urllib.parse import quote, unquote

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import PathParameter

from assent.app.console.access import PageRequest
from assent.app.console.forms import Form
from assent.app.console.pages import go, page
from assent.app.services.ledger import Person, look_up, meaning
from assent.app.wiring import Server
from assent.domain.decision import Verdict, explain
from assent.domain.errors import NotFound
from assent.domain.receipt import Joining, Method, Preference, Receipt, settled
from assent.engine.receipts import decoded

PersonId: TypeAlias = Annotated[str, PathParameter(name="person_id")]

_LISTED: Final = 50
_HISTORY: Final = 200

METHODS: Final[Mapping[Method, str]] = {
    Method.EVENT: "Seen on an event",
    Method.UPDATE: "Chosen by the person",
    Method.API: "Told by another system",
    Method.IMPORT: "Imported",
    Method.SIGNAL: "Signal of the browser",
    Method.EXPIRED: "Expired",
    Method.WITHDRAWN: "Withdrawn",
}
PREFERENCES: Final[Mapping[Preference, tuple[str, str, str]]] = {
    Preference.GRANTED: ("deliver", "check", "Granted"),
    Preference.DENIED: ("withhold", "ban", "Refused"),
    Preference.UNKNOWN: ("quiet", "circle-dashed", "Unreadable"),
    Preference.CONFLICT: ("withhold", "alert-triangle", "Conflict"),
}
"""How a preference is shown: the kind of its tag, an icon, a word."""


class Standing(NamedTuple):
    """What counts for one category now, since when, and the receipts that say so; more than one where they disagree."""

    title: str
    id: str
    preference: Preference
    since: int
    receipts: tuple[int, ...]


class Meaning(NamedTuple):
    """What would become of an event that carries this consent, at one destination."""

    title: str
    verdict: Verdict
    because: str


@get("/people", sync_to_thread=True)
def show_people(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    part = Form(request.query_params).text("id")
    ledger = server.stores.ledger
    if part and ledger.subject(part) is not None:
        return go(f"/people/{quote(part, safe='')}")
    state = ledger.state()
    return page(
        request,
        server,
        "persons/list.html",
        part=part,
        found=ledger.people(_LISTED, part),
        most=_LISTED,
        people=state.people,
        receipts=state.number,
    )


@get("/people/{person_id:str}")
async def show_person(request: PageRequest, server: NamedDependency[Server], person_id: PersonId) -> Response[Any]:
    return await asyncio.to_thread(_show, request, server, unquote(person_id))


def _show(request: PageRequest, server: Server, person_id: str) -> Response[Any]:
    try:
        person = look_up(server.stores, person_id, limit=_HISTORY)
    except NotFound:
        return page(request, server, "persons/missing.html", status=404, person_id=person_id)
    workspace = server.in_force.version.workspace
    titles = {one.id: one.title for one in workspace.categories}
    return page(
        request,
        server,
        "persons/person.html",
        person=person,
        person_id=person_id,
        standings=list(_standings(person, titles, workspace.rules.joined_profiles)),
        meanings=[
            Meaning(one.title, decision.verdict, explain(decision.verdict, decision.reason).title)
            for one, decision in meaning(workspace, person.preferences)
        ],
        titles=titles,
        methods=METHODS,
        words=PREFERENCES,
        evidence=_evidence,
        numbers={one.number: one for one in person.history},
        most=_HISTORY,
    )


def _standings(person: Person, titles: Mapping[str, str], joining: Joining) -> Iterator[Standing]:
    for category, answers in sorted(person.profile.answers.items()):
        yield Standing(
            titles.get(category, category),
            category,
            settled(answers, joining),
            max(one.at.occurred_at for one in answers),
            tuple(sorted({one.receipt for one in answers})),
        )


def _evidence(receipt: Receipt) -> str:
    """What was received, to be read; the write key is nobody's to read here."""
    found = decoded(receipt.said.evidence)
    if isinstance(found, dict):
        found.pop("writeKey", None)
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode()


PERSON_PAGES: Final = [show_people, show_person]
