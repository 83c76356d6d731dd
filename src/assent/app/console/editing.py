"""Forms that edit the workspace: they say for which version, and nobody's change is lost unseen."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Response

from assent.app.console.access import PageRequest
from assent.app.console.collecting import collect, is_for_draft
from assent.app.console.forms import Form
from assent.app.console.meanwhile import Meanwhile, meanwhile
from assent.app.console.pages import done
from assent.app.services.connections import By
from assent.app.wiring import Server, Stores, now
from assent.domain.errors import AssentError, Conflict, InvalidInput
from assent.engine.edit import Edit


async def take_edit(
    request: PageRequest,
    server: Server,
    form: Form,
    change: Callable[[By], object],
    *,
    done_at: str,
    notice: str,
    again: Callable[[AssentError, Meanwhile | None], Awaitable[Response[Any]]],
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
        return await again(error, await asyncio.to_thread(meanwhile_of, server.stores, error, form))
    await server.follow()
    return await asyncio.to_thread(done, request, server, done_at, notice)


def meanwhile_of(stores: Stores, error: AssentError | None, form: Form) -> Meanwhile | None:
    """What others changed since a form was filled in, where that is what is wrong with it."""
    return meanwhile(stores, form.version()) if isinstance(error, Conflict) else None
