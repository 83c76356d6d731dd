"""Observe: whether consent is enforced, what that comes to on real events, and the switch."""

import asyncio
from typing import Any, Final

from litestar import Response, get, post
from litestar.di import NamedDependency

from assent.app.console.access import PageRequest
from assent.app.console.drafts import shadow_content
from assent.app.console.editing import meanwhile_of
from assent.app.console.forms import Form, Hours, read_form
from assent.app.console.pages import done, page, part
from assent.app.console.words import titles
from assent.app.services.observing import observe, try_other
from assent.app.wiring import Server, now
from assent.domain.errors import AssentError, Conflict, InvalidInput
from assent.domain.trail import Entry
from assent.store.trail import TrailFilter

_HERE: Final = "/observe"
_TYPED: Final = "observe"


@get("/observe", sync_to_thread=True)
def show_observe(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    return _page(request, server)


@get("/observe/trial")
async def show_observe_trial(request: PageRequest, server: NamedDependency[Server], hours: Hours = 24) -> Response[Any]:
    """What the last hours' events would have come to the other way round: apart from the page, which does not wait."""
    workspace = server.in_force.version.workspace
    tried = await try_other(server.stores, server.log, workspace, hours=hours, at=now())
    return await asyncio.to_thread(
        part, request, "observe/trial.html", tried=tried, titles=titles(workspace), observes=workspace.observe
    )


@post("/observe")
async def take_observe(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    form = await read_form(request)
    on = form.raw("action") == "begin"

    def switch() -> Response[Any]:
        try:
            after = form.version()
            if on and form.text("typed") != _TYPED:
                raise InvalidInput(f"type `{_TYPED}`, exactly, to go on", field="typed")
            observe(server.stores, on, author=request.user.email, at=now(), comment=form.text("comment"), after=after)
        except (InvalidInput, Conflict) as error:
            return _page(request, server, form, error)
        said = "Consent is no longer enforced." if on else "Consent is enforced again, from the next event on."
        return done(request, server, _HERE, said)

    answer = await asyncio.to_thread(switch)
    await server.follow()
    return answer


def _page(
    request: PageRequest, server: Server, form: Form | None = None, error: AssentError | None = None
) -> Response[Any]:
    version, shadow = server.in_force.version, server.stores.drafts.shadow()
    return page(
        request,
        server,
        "observe/page.html",
        status=error.status if error is not None else 200,
        observes=version.workspace.observe,
        version=version.number,
        since=_since(server) if version.workspace.observe else None,
        typed=_TYPED,
        shadow=shadow_content(server, shadow.id) if shadow is not None else None,
        form=form or Form({}),
        error=error,
        meanwhile=meanwhile_of(server.stores, error, form) if form is not None else None,
    )


def _since(server: Server) -> Entry | None:
    """Who began to observe, and when, where the trail still says so."""
    entries = server.stores.trail.entries(1, TrailFilter(kind="workspace", action="Observation Started"))
    return next(iter(entries), None)


OBSERVE_PAGES: Final = [show_observe, show_observe_trial, take_observe]
