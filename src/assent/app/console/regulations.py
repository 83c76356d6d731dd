"""Deletion and suppression: what people asked for, and everything about one of them."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeAlias

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter
from litestar.response import Stream

from assent.app.console.access import PageRequest
from assent.app.console.forms import Form, read_form
from assent.app.console.pages import done, go, page, part
from assent.app.services import regulations
from assent.app.services.fates import Fates
from assent.app.services.person_export import export, record_export, subjects_of
from assent.app.services.regulations import Asked
from assent.app.wiring import Server, now
from assent.destinations.registry import CONNECTORS, connector_class
from assent.domain.errors import InvalidInput
from assent.domain.regulation import RegulationStatus, RegulationType, SubjectId, SubjectType
from assent.domain.workspace import Destination

_LISTED: Final = 100

TITLES: Final[Mapping[RegulationType, str]] = {
    RegulationType.SUPPRESS_ONLY: "Suppress",
    RegulationType.SUPPRESS_WITH_DELETE: "Suppress and delete",
    RegulationType.DELETE_ONLY: "Delete",
    RegulationType.UNSUPPRESS: "Unsuppress",
    RegulationType.SUPPRESS_WITH_DELETE_INTERNAL: "Suppress, and delete here only",
    RegulationType.DELETE_INTERNAL: "Delete here only",
}
CHOICES: Final = (
    (
        RegulationType.SUPPRESS_WITH_DELETE,
        "Everything there is goes, destinations are told, and nothing more is stored.",
    ),
    (RegulationType.DELETE_ONLY, "Everything there is goes, and destinations are told. What comes later is stored."),
    (RegulationType.SUPPRESS_ONLY, "Nothing more is stored. What there is stays."),
    (RegulationType.UNSUPPRESS, "What comes from now on is stored again."),
    (RegulationType.SUPPRESS_WITH_DELETE_INTERNAL, "As the first, but no destination is told."),
    (RegulationType.DELETE_INTERNAL, "As the second, but no destination is told."),
)
KINDS: Final = {SubjectType.USER_ID: "User id", SubjectType.ANONYMOUS_ID: "Anonymous id"}

_Id: TypeAlias = Annotated[str, PathParameter(name="regulation_id")]
_Seen: TypeAlias = Annotated[RegulationStatus, QueryParameter()]
_Person: TypeAlias = Annotated[str, QueryParameter(name="id")]


@get("/people/regulations", sync_to_thread=True)
def show_regulations(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    found = server.stores.regulations.all(_LISTED)
    suppressed = len(server.suppressions)
    return page(request, server, "rights/list.html", found=found, listed=_LISTED, suppressed=suppressed, **_WORDS)


@get("/people/regulations/new", sync_to_thread=True)
def show_new_regulation(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    return _new(request, server, Form(request.query_params), None)


@post("/people/regulations/confirm")
async def confirm_regulation(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    """What would happen, before it does: a deletion cannot be taken back."""
    form = await read_form(request)
    return await asyncio.to_thread(_confirm, request, server, form, None)


@post("/people/regulations")
async def take_regulation(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    form = await read_form(request)
    try:
        asked = _asked(form)
        _check_typed(form, asked)
    except InvalidInput as error:
        return await asyncio.to_thread(_confirm, request, server, form, error)
    author = request.user.email
    made = await asyncio.to_thread(lambda: regulations.regulate(server.stores, asked, author=author, at=now()))
    await server.follow()
    if made.type.deletes:
        return go(f"/people/regulations/{made.id}")
    how = "no longer suppressed" if made.type is RegulationType.UNSUPPRESS else "suppressed from now on"
    said = f"{_people(made.people)} {how}."
    return await asyncio.to_thread(done, request, server, "/people/regulations", said)


@get("/people/regulations/{regulation_id:str}", sync_to_thread=True)
def show_regulation(request: PageRequest, server: NamedDependency[Server], regulation_id: _Id) -> Response[Any]:
    return page(request, server, "rights/regulation.html", **_one(server, regulation_id))


@get("/people/regulations/{regulation_id:str}/progress", sync_to_thread=True)
def show_regulation_progress(
    request: PageRequest, server: NamedDependency[Server], regulation_id: _Id, seen: _Seen = RegulationStatus.RUNNING
) -> Response[Any]:
    """How far it is. Once it is over, the whole page is to be loaded again."""
    one = _one(server, regulation_id)
    answer = part(request, "rights/progress.html", **one)
    if one["one"].status is not seen:
        answer.headers["HX-Refresh"] = "true"
    return answer


@get("/people/suppressed", sync_to_thread=True)
def show_suppressed(request: PageRequest, server: NamedDependency[Server], id_: _Person = "") -> Response[Any]:
    """Who is suppressed; or whether one is, whom we may know by a digest only."""
    stores = server.stores.regulations
    sought = id_.strip()
    people = subjects_of(sought) if sought else []
    known = [(one, found) for one in people if (found := stores.suppression(one)) is not None]
    return page(
        request,
        server,
        "rights/suppressed.html",
        sought=sought,
        known=known,
        found=stores.suppressed(_LISTED) if not sought else [],
        all=len(server.suppressions),
        listed=_LISTED,
        **_WORDS,
    )


@get("/people/export")
async def export_person(
    request: PageRequest, server: NamedDependency[Server], fates: NamedDependency[Fates], id_: _Person = ""
) -> Stream:
    """Everything about whoever has this id, as a zip file."""
    subjects = subjects_of(id_.strip())
    at, author = now(), request.user.email
    await asyncio.to_thread(lambda: record_export(server.stores, author=author, at=at))
    content = export(server.stores, server.log, fates, subjects, server.in_force.version.workspace, at=at)
    today = datetime.fromtimestamp(at / 1000, UTC).date()
    headers = {"Content-Disposition": f'attachment; filename="person-{today}.zip"'}
    return Stream(content, media_type="application/zip", headers=headers)


_WORDS: Final[Mapping[str, Any]] = {"titles": TITLES, "kinds": KINDS}


def _one(server: Server, regulation_id: str) -> dict[str, Any]:
    report = regulations.report(server.stores, regulation_id)
    names = {one.id: one.title for one in server.in_force.version.workspace.destinations}
    return {"one": report.regulation, "told": report.told, "subjects": report.subjects, "names": names, **_WORDS}


def _new(request: PageRequest, server: Server, form: Form, error: InvalidInput | None) -> Response[Any]:
    status = error.status if error is not None else 200
    return page(request, server, "rights/new.html", status=status, form=form, error=error, choices=CHOICES, **_WORDS)


def _confirm(request: PageRequest, server: Server, form: Form, error: InvalidInput | None) -> Response[Any]:
    try:
        asked = _asked(form)
        people = asked.subjects()
    except InvalidInput as mistake:
        return _new(request, server, form, mistake)
    return page(
        request,
        server,
        "rights/confirm.html",
        status=error.status if error is not None else 200,
        form=form,
        error=error,
        asked=asked,
        people=people,
        phrase=_phrase(asked, people),
        destinations=[(one, _can_forget(one)) for one in server.in_force.version.workspace.destinations],
        **_WORDS,
    )


def _asked(form: Form) -> Asked:
    try:
        type_, subject_type = RegulationType(form.text("type")), SubjectType(form.text("subject_type"))
    except ValueError:
        raise InvalidInput("choose what is to be done, and by which kind of id", field="type") from None
    ids = tuple(line.strip() for line in form.raw("ids").splitlines() if line.strip())
    return Asked(type_, subject_type, ids, form.raw("why"))


def _phrase(asked: Asked, people: list[SubjectId]) -> str | None:
    """What is to be typed before somebody is deleted; None where nobody is."""
    if not asked.type.deletes:
        return None
    return people[0].id if len(people) == 1 else f"delete {len(people)} people"


def _check_typed(form: Form, asked: Asked) -> None:
    """INVARIANT: nobody is deleted by a slip. The page's script says so too, but need not have run."""
    phrase = _phrase(asked, asked.subjects())
    if phrase is not None and form.text("typed") != phrase:
        raise InvalidInput(f"type `{phrase}` to go on", field="typed")


def _can_forget(destination: Destination) -> bool:
    return destination.connector in CONNECTORS and connector_class(destination.connector).forgets


def _people(number: int) -> str:
    return "One person is" if number == 1 else f"{number:,} people are"


REGULATION_PAGES: Final = [
    show_regulations,
    show_new_regulation,
    confirm_regulation,
    take_regulation,
    show_regulation,
    show_regulation_progress,
    show_suppressed,
    export_person,
]
