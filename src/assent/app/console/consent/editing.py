"""Saving what a form says of consent, and what happens when somebody else was faster."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any, TypeAlias, TypeVar

import msgspec
from litestar import Response

from assent.app.console.access import PageRequest
from assent.app.console.collecting import collect, is_for_draft
from assent.app.console.forms import Form
from assent.app.console.meanwhile import Meanwhile, meanwhile
from assent.app.console.pages import done, part
from assent.app.services.trials import try_edit
from assent.app.services.workspaces import change
from assent.app.wiring import Server, Stores, now
from assent.domain.errors import AssentError, Conflict
from assent.domain.workspace import Version, Workspace
from assent.engine.edit import Edit

_Value = TypeVar("_Value")


class Overtaken(msgspec.Struct, frozen=True):
    """Somebody else changed the workspace while the form was filled in.

    `base` is the workspace that the form was filled in for, and `meanwhile` what they did.
    """

    base: Workspace
    meanwhile: Meanwhile


class Trouble(msgspec.Struct, frozen=True):
    """Why a form was not taken."""

    error: AssentError
    overtaken: Overtaken | None = None

    @property
    def status(self) -> int:
        return self.error.status


Again: TypeAlias = Callable[[Trouble], Awaitable[Response[Any]]]
"""Shows the form again, with what was typed and what is wrong."""


async def save(
    request: PageRequest, server: Server, form: Form, edit: Edit, *, then: str, notice: str, again: Again
) -> Response[Any]:
    """Put an edit into force and go on to `then`; or add it to a draft, where the form asks for that."""
    author = request.user.email
    try:
        if is_for_draft(form):
            return await asyncio.to_thread(collect, request, server, form, edit)
        base = form.version()
        await asyncio.to_thread(_apply, server.stores, edit, author, base)
    except AssentError as error:
        await server.follow()
        return await again(await asyncio.to_thread(_trouble, server.stores, form, error))
    await server.follow()
    return await asyncio.to_thread(done, request, server, then, notice)


async def show_preview(request: PageRequest, server: Server, form: Form, edit: Edit, **content: Any) -> Response[Any]:
    """The part of a page that says how many events of the time that was chosen an edit would send elsewhere."""
    try:
        tried, error = await try_edit(server.stores, server.log, edit, hours=form.hours(), at=now()), None
    except AssentError as wrong:
        tried, error = None, plain(wrong)
    names = {one.id: one.title for one in server.in_force.version.workspace.destinations}
    return await asyncio.to_thread(
        lambda: part(request, "consent/preview.html", tried=tried, error=error, names=names, **content)
    )


def merged(typed: Collection[_Value], base: Collection[_Value], theirs: Collection[_Value]) -> list[_Value]:
    """What was ticked, on top of what somebody else ticked meanwhile: neither's changes are lost."""
    added = [one for one in typed if one not in base and one not in theirs]
    return [*(one for one in theirs if one in typed or one not in base), *added]


def chosen(typed: str, base: str, theirs: str) -> str:
    """What was typed where it was changed; else what somebody else made of it meanwhile."""
    return theirs if typed == base else typed


def plain(error: AssentError) -> AssentError:
    """The first thing that is wrong, without the path that a workspace file has it at."""
    line = error.message.partition("\n")[0]
    said = line.partition(": ")[2] if error.field and line.startswith(f"{error.field}: ") else line
    shown = AssentError(said, field=error.field)
    shown.status = error.status
    return shown


def _apply(stores: Stores, edit: Edit, author: str, base: int) -> Version:
    # Before the edit is tried: what it wants to change may be gone.
    if base != stores.versions.current_number():
        raise Conflict("somebody else changed the workspace while you were here")
    return change(stores, edit, author=author, at=now(), after=base)


def _trouble(stores: Stores, form: Form, error: AssentError) -> Trouble:
    found = meanwhile(stores, form.version()) if form.raw("version").isdigit() else None
    if found is None:
        return Trouble(plain(error))
    before = stores.versions.get(form.version()).workspace if form.version() else Workspace()
    return Trouble(plain(error), Overtaken(before, found))
