"""Versions: what was changed, by whom and when, and putting an older one into force again."""

import asyncio
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter

from assent.app.console.access import PageRequest
from assent.app.console.editing import meanwhile_of
from assent.app.console.forms import Form, read_form
from assent.app.console.pages import done, page, part
from assent.app.console.words import titles
from assent.app.services.trials import Tried, trial
from assent.app.services.workspaces import difference_in_words, restore
from assent.app.wiring import Server, Stores, now
from assent.domain.errors import AssentError, Conflict, InvalidInput, InvalidWorkspace
from assent.domain.workspace import Version

_A_PAGE: Final = 20
_MOST_WORDS: Final = 5
_COMMENT_CHARACTERS: Final = 1_000
_HOUR_MS: Final = 3_600_000

_Number: TypeAlias = Annotated[int, PathParameter(ge=1)]
_Before: TypeAlias = Annotated[int | None, QueryParameter(ge=1)]


class _Listed(NamedTuple):
    """A version in the list, with the first of what it changed."""

    version: Version
    words: list[str]
    more: int


@get("/versions", sync_to_thread=True)
def show_versions(request: PageRequest, server: NamedDependency[Server], before: _Before = None) -> Response[Any]:
    numbers = server.stores.versions.numbers()
    older = [one for one in numbers if before is None or one < before]
    return page(
        request,
        server,
        "versions/list.html",
        listed=[_listed(server.stores, one) for one in older[:_A_PAGE]],
        in_force=max(numbers, default=0),
        following=older[_A_PAGE - 1] if len(older) > _A_PAGE else None,
        is_first=before is None,
    )


@get("/versions/{number:int}", sync_to_thread=True)
def show_version(request: PageRequest, server: NamedDependency[Server], number: _Number) -> Response[Any]:
    stores = server.stores
    version, newest = stores.versions.get(number), stores.versions.current_number()
    return page(
        request,
        server,
        "versions/version.html",
        version=version,
        newest=newest,
        until=stores.versions.get(number + 1).at if number < newest else None,
        words=difference_in_words(stores, number, last_day={}),
    )


@get("/versions/{number:int}/words")
async def show_words(request: PageRequest, server: NamedDependency[Server], number: _Number) -> Response[Any]:
    """What a version changed, with what it means for a day's events: apart from the page, which does not wait."""
    hour = now() // _HOUR_MS
    last_day = await server.log.key_counts(hour - 23, hour + 1)
    return await asyncio.to_thread(
        lambda: part(
            request,
            "versions/words.html",
            words=difference_in_words(server.stores, number, last_day=last_day),
            events=sum(last_day.values()),
        )
    )


@get("/versions/{number:int}/restore")
async def show_restore(request: PageRequest, server: NamedDependency[Server], number: _Number) -> Response[Any]:
    tried, problem = await _trial(server, number)
    return await asyncio.to_thread(_restore_page, request, server, number, tried, Form({}), problem)


@post("/versions/{number:int}/restore")
async def take_restore(request: PageRequest, server: NamedDependency[Server], number: _Number) -> Response[Any]:
    form = await read_form(request)
    try:
        after, comment = form.version(), _comment(form)
        version = await asyncio.to_thread(
            lambda: restore(server.stores, number, author=request.user.email, at=now(), comment=comment, after=after)
        )
    except (InvalidInput, Conflict) as error:
        tried, problem = await _trial(server, number)
        return await asyncio.to_thread(_restore_page, request, server, number, tried, form, problem or error)
    await server.follow()
    said = f"Version {version.number} is in force. It is version {number} again."
    return await asyncio.to_thread(done, request, server, f"/versions/{version.number}", said)


def _listed(stores: Stores, number: int) -> _Listed:
    words = difference_in_words(stores, number, last_day={})
    return _Listed(stores.versions.get(number), words[:_MOST_WORDS], max(0, len(words) - _MOST_WORDS))


async def _trial(server: Server, number: int) -> tuple[Tried | None, AssentError | None]:
    """What an older version would change now; or why it cannot be used any more."""
    wanted = await asyncio.to_thread(server.stores.versions.get, number)
    try:
        return await trial(server.stores, server.log, wanted.workspace, hours=24, at=now()), None
    except InvalidWorkspace as error:
        return None, error


def _restore_page(
    request: PageRequest, server: Server, number: int, tried: Tried | None, form: Form, error: AssentError | None
) -> Response[Any]:
    stores = server.stores
    return page(
        request,
        server,
        "versions/restore.html",
        status=error.status if error is not None else 200,
        version=stores.versions.get(number),
        tried=tried,
        titles={**titles(stores.versions.get(number).workspace), **titles(server.in_force.version.workspace)},
        form=form,
        error=error,
        meanwhile=meanwhile_of(stores, error, form),
    )


def _comment(form: Form) -> str:
    comment = form.text("comment")
    if not comment:
        raise InvalidInput("say why: it goes on the audit trail", field="comment")
    if len(comment) > _COMMENT_CHARACTERS:
        raise InvalidInput(f"say it in at most {_COMMENT_CHARACTERS:,} characters", field="comment")
    return comment


VERSION_PAGES: Final = [show_versions, show_version, show_words, show_restore, take_restore]
