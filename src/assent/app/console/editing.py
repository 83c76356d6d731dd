"""Forms that edit the workspace: they say for which version, and nobody's change is lost unseen."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from litestar import Response

from assent.app.console.access import PageRequest
from assent.app.console.collecting import collect, is_for_draft
from assent.app.console.forms import Form
from assent.app.console.pages import done
from assent.app.services.connections import By
from assent.app.wiring import Server, now
from assent.domain.errors import AssentError, Conflict, InvalidInput
from assent.domain.workspace import Version
from assent.engine.changes import Change, changes
from assent.engine.edit import Edit


class Overtaken(NamedTuple):
    """What somebody else changed since a form was filled in: the newest version, and all that is different."""

    version: Version
    changes: list[Change]


async def take_edit(
    request: PageRequest,
    server: Server,
    form: Form,
    change: Callable[[By], object],
    *,
    done_at: str,
    notice: str,
    again: Callable[[AssentError, Overtaken | None], Awaitable[Response[Any]]],
    edit: Edit | None = None,
) -> Response[Any]:
    """Make a change, in force at once, and go on to `done_at`; `again` is the page that says what was wrong with it.

    `edit` is the same change, for a form that can add it to a draft instead.
    """
    try:
        if edit is not None and is_for_draft(form):
            return await asyncio.to_thread(collect, request, server, form, edit)
        by = By(request.user.email, now(), form.version())
        await asyncio.to_thread(change, by)
    except (InvalidInput, Conflict) as error:
        await server.follow()
        return await again(error, await asyncio.to_thread(_overtaken, server, error, form))
    await server.follow()
    return await asyncio.to_thread(done, request, server, done_at, notice)


def _overtaken(server: Server, error: AssentError, form: Form) -> Overtaken | None:
    if not isinstance(error, Conflict):
        return None
    seen, newest = form.version(), server.stores.current()
    if seen == newest.number:
        return None
    before = server.stores.versions.get(seen).workspace if 0 < seen < newest.number else None
    return Overtaken(newest, changes(before, newest.workspace) if before is not None else [])
