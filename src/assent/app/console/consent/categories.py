"""One category: creating it, changing it, switching it off and on, deleting it."""

import asyncio
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from assent.app.console.access import PageRequest
from assent.app.console.collecting import is_for_draft
from assent.app.console.consent.editing import Trouble, chosen, merged, plain, save, show_preview
from assent.app.console.forms import Form, Hours, read_form
from assent.app.console.pages import page
from assent.app.services.consent import in_force
from assent.app.services.trials import try_edit
from assent.app.wiring import Server, now
from assent.domain.errors import AssentError, InvalidInput, NotFound
from assent.domain.workspace import Category, Workspace
from assent.engine.edit import Edit, add_category, change_category, remove_category

_Id: TypeAlias = Annotated[str, QueryParameter(name="id")]
_Switch: TypeAlias = Literal["disable", "enable", "delete"]

_NOTICES: Final[dict[_Switch, str]] = {
    "disable": "{} is disabled, from the next event on.",
    "enable": "{} is enabled, from the next event on.",
    "delete": "{} is deleted, from the next event on.",
}


class Fields(msgspec.Struct, frozen=True):
    """What the form of a category holds."""

    id: str = ""
    name: str = ""
    destinations: list[str] = []
    signals: list[str] = []


# ------------------------------------------------------------------------------------ creating and changing


@get("/privacy/consent/category/new")
async def show_new_category(request: PageRequest, server: NamedDependency[Server], id_: _Id = "") -> Response[Any]:
    return await _form(request, server, Fields(id=id_), None, None)


@post("/privacy/consent/category/new")
async def take_new_category(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    form = await read_form(request)
    fields = _fields(form)

    async def again(trouble: Trouble) -> Response[Any]:
        return await _form(request, server, fields, None, trouble)

    notice = f"The category {fields.name or fields.id} is created."
    return await save(request, server, form, _creation(form), then="/privacy/consent", notice=notice, again=again)


@get("/privacy/consent/category")
async def show_category(request: PageRequest, server: NamedDependency[Server], id_: _Id) -> Response[Any]:
    category = _find((await in_force(server)).workspace, id_)
    return await _form(request, server, _fields_of(category), category, None)


@post("/privacy/consent/category")
async def take_category(request: PageRequest, server: NamedDependency[Server], id_: _Id) -> Response[Any]:
    form = await read_form(request)
    fields = _fields(form)

    async def again(trouble: Trouble) -> Response[Any]:
        now = _find((await in_force(server)).workspace, id_)
        shown = _rebased(fields, _find(trouble.overtaken.base, id_), now) if trouble.overtaken is not None else fields
        return await _form(request, server, shown, now, trouble)

    notice = f"The category {fields.name or fields.id} is saved, and in force from the next event on."
    return await save(request, server, form, _changes(id_, form), then="/privacy/consent", notice=notice, again=again)


@post("/privacy/consent/category/new/preview", status_code=200)
async def preview_new_category(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    form = await read_form(request)
    return await show_preview(request, server, form, _creation(form, fallback="new category"))


@post("/privacy/consent/category/preview", status_code=200)
async def preview_category(request: PageRequest, server: NamedDependency[Server], id_: _Id) -> Response[Any]:
    form = await read_form(request)
    return await show_preview(request, server, form, _changes(id_, form))


async def _form(
    request: PageRequest, server: Server, fields: Fields, category: Category | None, trouble: Trouble | None
) -> Response[Any]:
    version = await in_force(server)
    return await asyncio.to_thread(
        lambda: page(
            request,
            server,
            "consent/category.html",
            status=trouble.status if trouble is not None else 200,
            version=version.number,
            space=version.workspace,
            category=category,
            fields=fields,
            trouble=trouble,
        )
    )


def _fields(form: Form) -> Fields:
    signals = [line for one in form.text("signals").splitlines() if (line := one.strip())]
    return Fields(form.text("id"), form.text("name"), form.texts("destination"), signals)


def _fields_of(category: Category) -> Fields:
    return Fields(category.id, category.name, list(category.destinations), list(category.signals))


def _rebased(typed: Fields, base: Category, theirs: Category) -> Fields:
    return Fields(
        chosen(typed.id, base.id, theirs.id),
        chosen(typed.name, base.name, theirs.name),
        merged(typed.destinations, base.destinations, theirs.destinations),
        merged(typed.signals, base.signals, theirs.signals),
    )


def _creation(form: Form, fallback: str = "") -> Edit:
    fields = _fields(form)
    return add_category(
        Category(
            fields.id or fallback,
            fields.name,
            destinations=tuple(fields.destinations),
            signals=tuple(fields.signals),
        )
    )


def _changes(id_: str, form: Form) -> Edit:
    fields = _fields(form)
    return change_category(
        id_,
        id=fields.id,
        name=fields.name,
        destinations=tuple(fields.destinations),
        signals=tuple(fields.signals),
    )


def _find(workspace: Workspace, id_: str) -> Category:
    found = next((one for one in workspace.categories if one.id == id_), None)
    if found is None:
        raise NotFound(f"there is no category `{id_[:100]}`: it may have been deleted meanwhile")
    return found


# ------------------------------------------------------------------------------------ switching and deleting


@get("/privacy/consent/category/disable")
async def show_disable(
    request: PageRequest, server: NamedDependency[Server], id_: _Id, hours: Hours = 24
) -> Response[Any]:
    return await _confirm(request, server, "disable", id_, None, hours)


@post("/privacy/consent/category/disable")
async def take_disable(request: PageRequest, server: NamedDependency[Server], id_: _Id) -> Response[Any]:
    return await _switch(request, server, "disable", id_)


@get("/privacy/consent/category/enable")
async def show_enable(
    request: PageRequest, server: NamedDependency[Server], id_: _Id, hours: Hours = 24
) -> Response[Any]:
    return await _confirm(request, server, "enable", id_, None, hours)


@post("/privacy/consent/category/enable")
async def take_enable(request: PageRequest, server: NamedDependency[Server], id_: _Id) -> Response[Any]:
    return await _switch(request, server, "enable", id_)


@get("/privacy/consent/category/delete")
async def show_delete(
    request: PageRequest, server: NamedDependency[Server], id_: _Id, hours: Hours = 24
) -> Response[Any]:
    return await _confirm(request, server, "delete", id_, None, hours)


@post("/privacy/consent/category/delete")
async def take_delete(request: PageRequest, server: NamedDependency[Server], id_: _Id) -> Response[Any]:
    return await _switch(request, server, "delete", id_)


async def _switch(request: PageRequest, server: Server, what: _Switch, id_: str) -> Response[Any]:
    form = await read_form(request)
    title = _find((await in_force(server)).workspace, id_).title

    async def again(trouble: Trouble) -> Response[Any]:
        return await _confirm(request, server, what, id_, trouble)

    if what != "enable" and not is_for_draft(form) and form.text("typed") != title.strip():
        return await again(Trouble(InvalidInput(f"type `{title}`, exactly, to go on", field="typed")))
    notice = _NOTICES[what].format(title)
    return await save(request, server, form, _switching(what, id_), then="/privacy/consent", notice=notice, again=again)


async def _confirm(
    request: PageRequest, server: Server, what: _Switch, id_: str, trouble: Trouble | None, hours: int = 24
) -> Response[Any]:
    version = await in_force(server)
    category = _find(version.workspace, id_)
    error = None
    try:
        tried = await try_edit(server.stores, server.log, _switching(what, id_), hours=hours, at=now())
    except AssentError as wrong:
        tried, error = None, plain(wrong)
    return await asyncio.to_thread(
        lambda: page(
            request,
            server,
            "consent/confirm.html",
            status=trouble.status if trouble is not None else 200,
            version=version.number,
            space=version.workspace,
            category=category,
            what=what,
            tried=tried,
            error=error,
            names={one.id: one.title for one in version.workspace.destinations},
            trouble=trouble,
        )
    )


def _switching(what: _Switch, id_: str) -> Edit:
    return remove_category(id_) if what == "delete" else change_category(id_, enabled=what == "enable")


CATEGORY_PAGES: Final = [
    show_new_category,
    take_new_category,
    show_category,
    take_category,
    preview_new_category,
    preview_category,
    show_disable,
    take_disable,
    show_enable,
    take_enable,
    show_delete,
    take_delete,
]
