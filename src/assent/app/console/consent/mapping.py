"""The grid of destinations and categories."""

import asyncio
from typing import Any, Final

from litestar import Response, get, post
from litestar.di import NamedDependency

from assent.app.console.access import PageRequest
from assent.app.console.consent.editing import Trouble, merged, save, show_preview
from assent.app.console.consent.steps import steps
from assent.app.console.forms import Form, read_form
from assent.app.console.pages import page
from assent.app.services.consent import in_force
from assent.app.wiring import Server
from assent.domain.workspace import Workspace
from assent.engine.edit import Edit, map_destinations
from assent.engine.examples import truth_table
from assent.engine.standing import standing


@get("/privacy/consent/mapping")
async def show_mapping(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    return await show_grid(request, server, "consent/mapping.html")


@post("/privacy/consent/mapping")
async def take_mapping(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    form = await read_form(request)
    return await take_grid(request, server, form, "consent/mapping.html", then="/privacy/consent")


@post("/privacy/consent/mapping/preview", status_code=200)
async def preview_mapping(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    form = await read_form(request)
    return await show_preview(request, server, form, _edit(form))


async def show_grid(request: PageRequest, server: Server, template: str) -> Response[Any]:
    """The grid as it is in force, in one of the pages that have it."""
    version = await in_force(server)
    return await _grid(request, server, template, _mapping_of(version.workspace), None)


async def take_grid(request: PageRequest, server: Server, form: Form, template: str, *, then: str) -> Response[Any]:
    """Save a grid; show it again in `template` where it cannot be."""

    async def again(trouble: Trouble) -> Response[Any]:
        mapping = _typed(form)
        theirs = _mapping_of((await in_force(server)).workspace)
        if trouble.overtaken is not None:
            base = _mapping_of(trouble.overtaken.base)
            mapping = {id_: merged(mapping.get(id_, []), base.get(id_, []), now) for id_, now in theirs.items()}
        return await _grid(request, server, template, mapping, trouble)

    return await save(
        request,
        server,
        form,
        _edit(form),
        then=then,
        notice="The mapping is saved, and in force from the next event on.",
        again=again,
    )


async def _grid(
    request: PageRequest, server: Server, template: str, mapping: dict[str, list[str]], trouble: Trouble | None
) -> Response[Any]:
    version = server.in_force.version
    workspace = version.workspace
    return await asyncio.to_thread(
        lambda: page(
            request,
            server,
            template,
            status=trouble.status if trouble is not None else 200,
            version=version.number,
            space=workspace,
            steps=steps(workspace),
            mapping=mapping,
            standings={one.id: standing(workspace, one) for one in workspace.destinations},
            trouble=trouble,
            rules=workspace.rules,
            truths=truth_table(workspace.rules),
            several=[one for one in workspace.destinations if _count(workspace, one.id) > 1],
        )
    )


def _edit(form: Form) -> Edit:
    return map_destinations(_typed(form))


def _typed(form: Form) -> dict[str, list[str]]:
    return {id_: form.texts(f"in:{id_}") for id_ in form.texts("category")}


def _mapping_of(workspace: Workspace) -> dict[str, list[str]]:
    return {one.id: list(one.destinations) for one in workspace.categories}


def _count(workspace: Workspace, destination: str) -> int:
    return sum(destination in one.destinations for one in workspace.categories)


MAPPING_PAGES: Final = [show_mapping, take_mapping, preview_mapping]
