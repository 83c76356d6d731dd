"""Holding and releasing: what is held and since when, what is kept for whom, and the way to change it."""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from assent.app.console.access import PageRequest
from assent.app.console.collecting import collect, is_for_draft
from assent.app.console.editing import meanwhile_of
from assent.app.console.forms import Form, Hours, read_form
from assent.app.console.pages import done, page, part
from assent.app.console.words import titles
from assent.app.services import holds
from assent.app.services.holds import Held, Kind, held_edit
from assent.app.services.trials import try_edit
from assent.app.wiring import Server, Stores, now
from assent.domain.errors import AssentError, Conflict, InvalidInput, NotFound
from assent.domain.trail import Entry
from assent.domain.workspace import Workspace
from assent.store.trail import TrailFilter

_ENTRIES_SEARCHED: Final = 500
_COMMENT_CHARACTERS: Final = 1_000
_HELD: Final = {
    "workspace": "Workspace Held",
    "source": "Source Held",
    "category": "Consent Category Held",
    "destination": "Destination Held",
}

_KindName: TypeAlias = Annotated[Kind, QueryParameter(name="kind")]
_Id: TypeAlias = Annotated[str, QueryParameter(name="id")]
_Most: TypeAlias = Annotated[int, QueryParameter(ge=0)]


class Holdable(NamedTuple):
    """Something that can be held, and the entry of the trail that says who holds it, where there is one."""

    kind: Kind
    id: str
    title: str
    held: bool
    entry: Entry | None


class KeptRow(NamedTuple):
    """One destination, and what waits for it. `is_held` says that something holds it now; else it is on its way."""

    title: str
    events: int
    unread: int
    is_held: bool
    held: Held | None

    @property
    def left(self) -> int:
        return self.events + self.unread


@get("/holds")
async def show_holds(request: PageRequest, server: NamedDependency[Server], most: _Most = 0) -> Response[Any]:
    rows = await _kept(server)

    def render() -> Response[Any]:
        workspace = server.in_force.version.workspace
        found = list(_holdables(server.stores, workspace))
        groups = [
            (title, [one for one in found if one.kind == kind])
            for kind, title in (("source", "Sources"), ("category", "Categories"), ("destination", "Destinations"))
        ]
        return page(request, server, "holds/list.html", whole=found[0], groups=groups, **_progress(rows, most))

    return await asyncio.to_thread(render)


@get("/holds/kept")
async def show_kept(request: PageRequest, server: NamedDependency[Server], most: _Most = 0) -> Response[Any]:
    """What is kept now; `most` waited when whoever watches released it, so that they see how far it is."""
    rows = await _kept(server)
    return await asyncio.to_thread(lambda: part(request, "holds/kept.html", **_progress(rows, most)))


@get("/holds/change")
async def show_change(
    request: PageRequest, server: NamedDependency[Server], kind: _KindName, id_: _Id = ""
) -> Response[Any]:
    return await _change_page(request, server, kind, id_, Form({}), None)


@get("/holds/trial")
async def show_hold_trial(
    request: PageRequest, server: NamedDependency[Server], kind: _KindName, id_: _Id = "", hours: Hours = 24
) -> Response[Any]:
    """What it would have meant for the last hours' events: apart from the page, which does not wait."""
    workspace = server.in_force.version.workspace
    one = await asyncio.to_thread(_find, server.stores, workspace, kind, id_)
    tried = await try_edit(server.stores, server.log, held_edit(kind, id_, not one.held), hours=hours, at=now())
    return await asyncio.to_thread(part, request, "holds/trial.html", tried=tried, names=titles(workspace))


@post("/holds/change")
async def take_change(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    form = await read_form(request)
    kind, id_ = _kind(form), form.text("id")
    most = sum(one.left for one in await _kept(server)) if form.raw("action") == "release" else 0
    change, verb = (holds.release, "released") if form.raw("action") == "release" else (holds.hold, "held")
    try:
        if is_for_draft(form):
            edit = held_edit(kind, id_, form.raw("action") != "release")
            return await asyncio.to_thread(collect, request, server, form, edit)
        after, comment = form.version(), _comment(form)
        version = await asyncio.to_thread(
            lambda: change(server.stores, kind, id_, author=request.user.email, at=now(), comment=comment, after=after)
        )
    except (InvalidInput, Conflict) as error:
        return await _change_page(request, server, kind, id_, form, error)
    await server.follow()
    title = _find(server.stores, version.workspace, kind, id_).title
    return await asyncio.to_thread(done, request, server, f"/holds?most={most}", f"{title} is {verb}.")


async def _change_page(
    request: PageRequest, server: Server, kind: Kind, id_: str, form: Form, error: AssentError | None
) -> Response[Any]:
    rows = await _kept(server)

    def render() -> Response[Any]:
        version = server.in_force.version
        return page(
            request,
            server,
            "holds/change.html",
            status=error.status if error is not None else 200,
            one=_find(server.stores, version.workspace, kind, id_),
            version=version.number,
            left=sum(one.left for one in rows),
            form=form,
            error=error,
            meanwhile=meanwhile_of(server.stores, error, form),
        )

    return await asyncio.to_thread(render)


async def _kept(server: Server) -> list[KeptRow]:
    found = {one.destination: one for one in await holds.held(server.stores, server.log, server.config.keep, at=now())}
    cursors = {one.destination: one for one in await asyncio.to_thread(server.stores.accounts.cursors)}
    in_force, rows = server.in_force, []
    workspace = in_force.version.workspace
    for one in workspace.destinations:
        held, cursor = found.get(one.id), cursors.get(one.id)
        rows.append(
            KeptRow(
                one.title,
                held.events if held is not None else 0,
                server.log.head - cursor.position if cursor is not None else 0,
                workspace.held or one.held or in_force.policy.holds.concern(one.id),
                held,
            )
        )
    return rows


def _progress(rows: list[KeptRow], most: int) -> dict[str, Any]:
    """How much of the `most` events that waited at a release is still on its way."""
    left = sum(one.left for one in rows if not one.is_held)
    return {"rows": rows, "left": min(left, most), "most": most}


def _holdables(stores: Stores, workspace: Workspace) -> Iterator[Holdable]:
    yield _holdable(stores, "workspace", workspace.workspace, "The whole workspace", workspace.held)
    for source in workspace.sources:
        yield _holdable(stores, "source", source.id, source.title, source.held)
    for category in workspace.categories:
        yield _holdable(stores, "category", category.id, category.title, category.held)
    for destination in workspace.destinations:
        yield _holdable(stores, "destination", destination.id, destination.title, destination.held)


def _holdable(stores: Stores, kind: Kind, id_: str, title: str, held: bool) -> Holdable:
    return Holdable(kind, id_, title, held, _entry(stores, kind, id_) if held else None)


def _entry(stores: Stores, kind: Kind, id_: str) -> Entry | None:
    """The newest entry that says that this was held; the workspace has been held under another name, too."""
    entries = stores.trail.entries(_ENTRIES_SEARCHED, TrailFilter(kind=kind, action=_HELD[kind]))
    return next((one for one in entries if kind == "workspace" or one.happening.id == id_), None)


def _find(stores: Stores, workspace: Workspace, kind: Kind, id_: str) -> Holdable:
    """Raises NotFound."""
    for one in _holdables(stores, workspace):
        if one.kind == kind and (kind == "workspace" or one.id == id_):
            return one
    raise NotFound(f"there is no {kind} `{id_[:100]}`")


def _kind(form: Form) -> Kind:
    for kind in ("destination", "category", "source", "workspace"):
        if form.raw("kind") == kind:
            return kind
    raise InvalidInput("this form is not whole: load the page again")


def _comment(form: Form) -> str:
    comment = form.text("comment")
    if len(comment) > _COMMENT_CHARACTERS:
        raise InvalidInput(f"say it in at most {_COMMENT_CHARACTERS:,} characters", field="comment")
    return comment


HOLD_PAGES: Final = [show_holds, show_kept, show_change, show_hold_trial, take_change]
