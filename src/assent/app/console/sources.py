"""The pages of sources: where events come from, their write keys, and the code that sends."""

import asyncio
from typing import Annotated, Any, Final, TypeAlias

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter

from assent.app.console.access import PageRequest, origin
from assent.app.console.editing import take_edit
from assent.app.console.forms import Form, read_form
from assent.app.console.meanwhile import Meanwhile
from assent.app.console.pages import page
from assent.app.services.connections import (
    By,
    create_source,
    delete_source,
    new_write_key,
    rotate_write_key,
    suggested_id,
    update_source,
)
from assent.app.services.last_day import SourceDay, pages_without_tool, sources_day
from assent.app.services.library_code import library_code
from assent.app.wiring import Server
from assent.domain.errors import AssentError, InvalidInput, NotFound
from assent.domain.workspace import Source
from assent.engine.edit import Edit, change_source
from assent.engine.edit import remove_source as drop_source
from assent.signals.dialects import DIALECTS

_HERE: Final = "/connections/sources"

_Id: TypeAlias = Annotated[str, PathParameter(name="source_id")]


@get(_HERE)
async def show_sources(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    days = await sources_day(server)
    return await asyncio.to_thread(page, request, server, "sources/list.html", days=days, no_day=SourceDay())


@get(f"{_HERE}/new", sync_to_thread=True)
def show_new_source(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    return _new(request, server, Form({}))


@post(f"{_HERE}/new")
async def take_new_source(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    form = await read_form(request)
    wanted = Source(form.text("id"), form.text("write_key"), form.text("name"))
    if not wanted.id:
        taken = {one.id for one in server.in_force.version.workspace.sources}
        wanted = Source(suggested_id(wanted.name, taken, "source"), wanted.write_key or new_write_key(), wanted.name)

    def create(by: By) -> None:
        if not wanted.name:
            raise InvalidInput("a source needs a name, for people to know it by", field="name")
        create_source(server.stores, wanted, by)

    async def again(error: AssentError, meanwhile: Meanwhile | None) -> Response[Any]:
        return await asyncio.to_thread(_new, request, server, form, error, meanwhile)

    notice = f"{wanted.title} is there. Send it a first event with the code below."
    return await take_edit(request, server, form, create, done_at=f"{_HERE}/{wanted.id}", notice=notice, again=again)


@get(f"{_HERE}/{{source_id:str}}")
async def show_source(request: PageRequest, server: NamedDependency[Server], source_id: _Id) -> Response[Any]:
    return await _source(request, server, source_id)


@post(f"{_HERE}/{{source_id:str}}")
async def take_source(request: PageRequest, server: NamedDependency[Server], source_id: _Id) -> Response[Any]:
    form = await read_form(request)

    def rename(by: By) -> None:
        update_source(server.stores, source_id, by, name=form.text("name"))

    return await _take(request, server, source_id, form, rename, notice="The name is changed.")


@post(f"{_HERE}/{{source_id:str}}/consent")
async def take_consent_from(request: PageRequest, server: NamedDependency[Server], source_id: _Id) -> Response[Any]:
    form = await read_form(request)
    ticked = form.texts("consent_from")

    def choose(by: By) -> None:
        update_source(server.stores, source_id, by, consent_from=tuple(one for one in DIALECTS if one in ticked))

    notice = "Saved: its events are read so from the next one on." if ticked else "Saved: it is read as Segment's are."
    return await _take(request, server, source_id, form, choose, notice=notice)


@post(f"{_HERE}/{{source_id:str}}/enable")
async def enable_source(request: PageRequest, server: NamedDependency[Server], source_id: _Id) -> Response[Any]:
    return await _switch(
        request, server, source_id, on=True, notice="It is enabled: what it sends is kept from now on."
    )


@post(f"{_HERE}/{{source_id:str}}/disable")
async def disable_source(request: PageRequest, server: NamedDependency[Server], source_id: _Id) -> Response[Any]:
    notice = "It is disabled: what it sends is discarded from now on."
    return await _switch(request, server, source_id, on=False, notice=notice)


@post(f"{_HERE}/{{source_id:str}}/rotate")
async def rotate_source(request: PageRequest, server: NamedDependency[Server], source_id: _Id) -> Response[Any]:
    form = await read_form(request)
    notice = "The write key is new. Clients that send with the old one are answered 401 from now on."
    return await _take(
        request, server, source_id, form, lambda by: rotate_write_key(server.stores, source_id, by), notice=notice
    )


@post(f"{_HERE}/{{source_id:str}}/delete")
async def remove_source(request: PageRequest, server: NamedDependency[Server], source_id: _Id) -> Response[Any]:
    form = await read_form(request)

    def remove(by: By) -> None:
        if form.text("typed") != source_id:
            raise InvalidInput(f"to delete the source, type its id: `{source_id}`")
        delete_source(server.stores, source_id, by)

    notice = f"The source {source_id} is deleted. Its events stay."
    edit = drop_source(source_id)
    return await _take(request, server, source_id, form, remove, notice=notice, done_at=_HERE, edit=edit)


async def _switch(request: PageRequest, server: Server, source_id: str, *, on: bool, notice: str) -> Response[Any]:
    form = await read_form(request)

    def switch(by: By) -> None:
        update_source(server.stores, source_id, by, enabled=on)

    edit = change_source(source_id, enabled=on)
    return await _take(request, server, source_id, form, switch, notice=notice, edit=edit)


async def _take(
    request: PageRequest,
    server: Server,
    source_id: str,
    form: Form,
    change: Any,
    *,
    notice: str,
    done_at: str | None = None,
    edit: Edit | None = None,
) -> Response[Any]:
    async def again(error: AssentError, meanwhile: Meanwhile | None) -> Response[Any]:
        return await _source(request, server, source_id, form, error, meanwhile)

    done_at = done_at or f"{_HERE}/{source_id}"
    return await take_edit(request, server, form, change, done_at=done_at, notice=notice, again=again, edit=edit)


def _new(
    request: PageRequest,
    server: Server,
    form: Form,
    error: AssentError | None = None,
    meanwhile: Meanwhile | None = None,
) -> Response[Any]:
    status = error.status if error is not None else 200
    version = server.stores.current().number
    return page(
        request, server, "sources/new.html", status=status, form=form, error=error, meanwhile=meanwhile, version=version
    )


async def _source(
    request: PageRequest,
    server: Server,
    source_id: str,
    form: Form | None = None,
    error: AssentError | None = None,
    meanwhile: Meanwhile | None = None,
) -> Response[Any]:
    in_force = server.in_force
    workspace = in_force.version.workspace
    source = workspace.source(source_id)
    if source is None:
        raise NotFound(f"there is no source `{source_id}`")
    days = await sources_day(server)
    missed = await pages_without_tool(server)
    has_stamp = request.query_params.get("consent", "with") == "with" and bool(workspace.categories)
    categories = [one.id for one in workspace.categories if one.enabled] if has_stamp else []
    return await asyncio.to_thread(
        page,
        request,
        server,
        "sources/source.html",
        status=error.status if error is not None else 200,
        source=source,
        name=form.text("name") if form is not None and form.has("name") else source.name,
        day=days.get(source_id, SourceDay()),
        without_tool=missed.get(source_id, 0),
        samples=library_code(origin(request), source.write_key, categories),
        has_stamp=has_stamp,
        dialects=DIALECTS,
        error=error,
        meanwhile=meanwhile,
        version=in_force.number,
    )


SOURCE_PAGES: Final = [
    show_sources,
    show_new_source,
    take_new_source,
    show_source,
    take_source,
    take_consent_from,
    enable_source,
    disable_source,
    rotate_source,
    remove_source,
]
