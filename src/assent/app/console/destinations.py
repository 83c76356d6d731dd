"""The pages of destinations: the catalogue, a form for each, and what is done with one."""

import asyncio
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, Final, TypeAlias

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter
from markupsafe import Markup

from assent.app.connectors import integration_of
from assent.app.console.access import PageRequest
from assent.app.console.editing import take_edit
from assent.app.console.forms import Form, Hours, read_form
from assent.app.console.meanwhile import Meanwhile
from assent.app.console.pages import page, part
from assent.app.console.prose import line, prose
from assent.app.console.settings_form import filled_in, read_settings_form, settings_of, typed_again
from assent.app.services.connections import (
    By,
    create_destination,
    delete_destination,
    suggested_id,
    update_destination,
)
from assent.app.services.destination_status import kept, status_of, statuses
from assent.app.services.last_day import DestinationDay, destinations_day
from assent.app.services.test_event import EVENT_NAME, send_test_event
from assent.app.services.trials import try_edit
from assent.app.wiring import Server, now
from assent.destinations.registry import CONNECTORS, connector_class
from assent.domain.errors import AssentError, Conflict, InvalidInput, NotFound
from assent.domain.workspace import Destination, Workspace
from assent.engine.edit import Edit, change_destination, map_categories, remove_destination

_HERE: Final = "/connections/destinations"

_Id: TypeAlias = Annotated[str, PathParameter(name="destination_id")]


# -------------------------------------------------------------------------------------------- all of them


@get(_HERE)
async def show_destinations(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    found, days = await asyncio.gather(statuses(server), destinations_day(server))
    return await asyncio.to_thread(
        page,
        request,
        server,
        "destinations/list.html",
        statuses=[one for one in found if one.condition != "removed"],
        days=days,
        no_day=DestinationDay(),
        **_WORDS,
    )


@get(f"{_HERE}/catalogue", sync_to_thread=True)
def show_catalogue(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    connectors = sorted((connector_class(one) for one in CONNECTORS), key=lambda one: one.title.lower())
    return page(request, server, "destinations/catalogue.html", connectors=connectors, **_WORDS)


# -------------------------------------------------------------------------------------------- a new one


@get(f"{_HERE}/new", sync_to_thread=True)
def show_new_destination(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    return _new(request, server, request.query_params.get("connector", ""), None)


@post(f"{_HERE}/new")
async def take_new_destination(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    form = await read_form(request)
    connector, name = form.text("connector"), form.text("name")
    settings = settings_of(_known(connector).settings_type)
    taken = {one.id for one in server.in_force.version.workspace.destinations}
    id_ = form.text("id") or suggested_id(name, taken, connector)

    def create(by: By) -> None:
        if not name:
            raise InvalidInput("a destination needs a name, for people to know it by", field="name")
        wanted = Destination(
            id_,
            name,
            form.text("integration"),
            receives_consent_updates=form.has("receives_consent_updates"),
            connector=connector,
            settings=read_settings_form(settings, form, {}),
        )
        create_destination(server.stores, wanted, form.texts("categories"), by)

    async def again(error: AssentError, meanwhile: Meanwhile | None) -> Response[Any]:
        return await asyncio.to_thread(_new, request, server, connector, form, error, meanwhile)

    notice = f"{name} is there, and gets what comes in from now on. Send it a test event to see whether it answers."
    return await take_edit(request, server, form, create, done_at=f"{_HERE}/{id_}", notice=notice, again=again)


def _new(
    request: PageRequest,
    server: Server,
    connector: str,
    form: Form | None,
    error: AssentError | None = None,
    meanwhile: Meanwhile | None = None,
) -> Response[Any]:
    kind = _known(connector)
    settings = settings_of(kind.settings_type)
    return page(
        request,
        server,
        "destinations/new.html",
        status=error.status if error is not None else 200,
        connector=kind,
        form=form or Form({}),
        settings=typed_again(settings, form, {}) if form is not None else filled_in(settings, {}),
        ticked=form.texts("categories") if form is not None else [],
        error=error,
        meanwhile=meanwhile,
        version=server.stores.current().number,
        **_WORDS,
    )


def _known(connector: str) -> Any:
    if connector not in CONNECTORS:
        raise NotFound(f"there is no connector `{connector}`: choose one from the catalogue")
    return connector_class(connector)


# -------------------------------------------------------------------------------------------- one of them


@get(f"{_HERE}/{{destination_id:str}}")
async def show_destination(request: PageRequest, server: NamedDependency[Server], destination_id: _Id) -> Response[Any]:
    return await _destination(request, server, destination_id)


@post(f"{_HERE}/{{destination_id:str}}")
async def take_destination(request: PageRequest, server: NamedDependency[Server], destination_id: _Id) -> Response[Any]:
    form = await read_form(request)
    saved = _find(server, destination_id)
    settings = settings_of(_known(saved.connector).settings_type)

    def save(by: By) -> None:
        update_destination(
            server.stores,
            destination_id,
            by,
            name=form.text("name"),
            integration=form.text("integration") or integration_of(saved.connector),
            receives_consent_updates=form.has("receives_consent_updates"),
            settings=read_settings_form(settings, form, saved.settings),
        )

    return await _take(request, server, destination_id, form, save, notice="The settings are saved, and in force.")


@post(f"{_HERE}/{{destination_id:str}}/categories")
async def take_categories(request: PageRequest, server: NamedDependency[Server], destination_id: _Id) -> Response[Any]:
    form = await read_form(request)

    def save(by: By) -> None:
        update_destination(server.stores, destination_id, by, form.texts("categories"))

    notice = "The categories are saved. Events are decided by them from now on."
    edit = map_categories(destination_id, form.texts("categories"))
    return await _take(request, server, destination_id, form, save, notice=notice, edit=edit)


@post(f"{_HERE}/{{destination_id:str}}/enable")
async def enable_destination(
    request: PageRequest, server: NamedDependency[Server], destination_id: _Id
) -> Response[Any]:
    notice = "It is enabled: events are decided by consent from now on."
    return await _switch(request, server, destination_id, notice, enabled=True)


@post(f"{_HERE}/{{destination_id:str}}/disable")
async def disable_destination(
    request: PageRequest, server: NamedDependency[Server], destination_id: _Id
) -> Response[Any]:
    notice = "It is disabled: everything is withheld from it from now on."
    return await _switch(request, server, destination_id, notice, enabled=False)


@post(f"{_HERE}/{{destination_id:str}}/delete")
async def take_deletion(request: PageRequest, server: NamedDependency[Server], destination_id: _Id) -> Response[Any]:
    form = await read_form(request)

    def remove(by: By) -> None:
        if form.text("typed") != destination_id:
            raise InvalidInput(f"to delete the destination, type its id: `{destination_id}`")
        delete_destination(server.stores, destination_id, by)

    notice = f"The destination {destination_id} is deleted."
    edit = remove_destination(destination_id)
    return await _take(request, server, destination_id, form, remove, notice=notice, done_at=_HERE, edit=edit)


@post(f"{_HERE}/{{destination_id:str}}/test")
async def take_test(request: PageRequest, server: NamedDependency[Server], destination_id: _Id) -> Response[Any]:
    """Sends a test event, and shows the answer: in its place, or where there is no script, on the whole page."""
    _find(server, destination_id)
    try:
        answer, error = await send_test_event(server, destination_id, author=request.user.email), None
    except Conflict as conflict:
        answer, error = None, conflict
    if request.headers.get("hx-request"):
        return await asyncio.to_thread(part, request, "destinations/answer.html", answer=answer, test_error=error)
    return await _destination(request, server, destination_id, answer=answer, test_error=error)


@get(f"{_HERE}/{{destination_id:str}}/impact")
async def show_impact(
    request: PageRequest, server: NamedDependency[Server], destination_id: _Id, hours: Hours = 24
) -> Response[Any]:
    """What a change would have meant for the events of the last hours: enabling, disabling, deleting or
    other categories."""
    _find(server, destination_id)
    what, categories = request.query_params.get("change", ""), request.query_params.getall("categories", [])
    edits: Mapping[str, Edit] = {
        "enable": change_destination(destination_id, enabled=True),
        "disable": change_destination(destination_id, enabled=False),
        "delete": remove_destination(destination_id),
        "categories": map_categories(destination_id, categories),
    }
    if what not in edits:
        raise NotFound("there is no such change")
    tried = await try_edit(server.stores, server.log, edits[what], hours=hours, at=now())
    effect = next((one for one in tried.effects if one.destination == destination_id), None)
    return await asyncio.to_thread(
        part, request, "destinations/impact.html", tried=tried, effect=effect, what=what, destination_id=destination_id
    )


async def _switch(
    request: PageRequest, server: Server, destination_id: str, notice: str, **changes: Any
) -> Response[Any]:
    form = await read_form(request)

    def switch(by: By) -> None:
        update_destination(server.stores, destination_id, by, **changes)

    edit = change_destination(destination_id, **changes)
    return await _take(request, server, destination_id, form, switch, notice=notice, edit=edit)


async def _take(
    request: PageRequest,
    server: Server,
    destination_id: str,
    form: Form,
    change: Callable[[By], object],
    *,
    notice: str,
    done_at: str | None = None,
    edit: Edit | None = None,
) -> Response[Any]:
    async def again(error: AssentError, meanwhile: Meanwhile | None) -> Response[Any]:
        return await _destination(request, server, destination_id, form, error, meanwhile)

    done_at = done_at or f"{_HERE}/{destination_id}"
    return await take_edit(request, server, form, change, done_at=done_at, notice=notice, again=again, edit=edit)


async def _destination(
    request: PageRequest,
    server: Server,
    destination_id: str,
    form: Form | None = None,
    error: AssentError | None = None,
    meanwhile: Meanwhile | None = None,
    **more: Any,
) -> Response[Any]:
    in_force = server.in_force
    destination = _find(server, destination_id)
    status, days = await asyncio.gather(status_of(server, destination_id), destinations_day(server))
    settings = settings_of(_known(destination.connector).settings_type)
    is_settings_form = form is not None and form.has("name")
    return await asyncio.to_thread(
        page,
        request,
        server,
        "destinations/destination.html",
        status=error.status if error is not None else 200,
        destination=destination,
        connector=connector_class(destination.connector),
        state=status,
        kept=await kept(server, status),
        day=days.get(destination_id, DestinationDay()),
        typed=form if is_settings_form else None,
        settings=typed_again(settings, form, destination.settings)
        if is_settings_form and form is not None
        else filled_in(settings, destination.settings),
        ticked=form.texts("categories")
        if form is not None and error is not None and request.url.path.endswith("/categories")
        else _categories_of(in_force.version.workspace, destination_id),
        error=error,
        meanwhile=meanwhile,
        version=in_force.number,
        **{"answer": None, "test_error": None, **more},
        **_WORDS,
    )


def _find(server: Server, destination_id: str) -> Destination:
    found = server.in_force.version.workspace.destination(destination_id)
    if found is None:
        raise NotFound(f"there is no destination `{destination_id}`")
    return found


def _categories_of(workspace: Workspace, destination_id: str) -> list[str]:
    return [one.id for one in workspace.categories if destination_id in one.destinations]


@cache
def _connector_icon(name: str) -> Markup:
    icon = connector_class(name).icon if name in CONNECTORS else ""
    return Markup('<span class="connector-icon" aria-hidden="true">{}</span>').format(Markup(icon))  # noqa: S704 - ours


def _has_place(error: AssentError) -> bool:
    """Whether the form has a field that this is said beside."""
    field = error.field or ""
    return field in ("name", "id", "integration") or field.startswith("settings.")


_WORDS: Final[Mapping[str, Any]] = {
    "has_place": _has_place,
    "prose": prose,
    "line": line,
    "connector_icon": _connector_icon,
    "categories_of": _categories_of,
    "test_event_name": EVENT_NAME,
}
"""What the templates of this area write with."""

DESTINATION_PAGES: Final = [
    show_destinations,
    show_catalogue,
    show_new_destination,
    take_new_destination,
    show_destination,
    take_destination,
    take_categories,
    enable_destination,
    disable_destination,
    take_deletion,
    take_test,
    show_impact,
]
