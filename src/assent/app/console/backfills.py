"""Backfills: sending, after a mistake was mended, what was withheld by it."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter

from assent.app.console.access import PageRequest
from assent.app.console.forms import Form, read_form
from assent.app.console.pages import done, go, page, part
from assent.app.console.previews import Counting, Previews
from assent.app.console.words import read_utc, titles, utc_minute, utc_minute_after, utc_words
from assent.app.services import backfill
from assent.app.services.backfill import SENDABLE, USUAL, Asked
from assent.app.wiring import Server, now
from assent.domain.decision import REASONS, Reason, Verdict
from assent.domain.errors import AssentError, InvalidInput
from assent.domain.job import JobState

_LISTED: Final = 100
_A_DAY_MS: Final = 86_400_000
_PATIENCE: Final = 0.1
"""How long a page waits, in seconds, for a preview that may be quick."""

_MOVES: Final = {
    "pause": (backfill.pause, "The backfill is paused. What it has sent stays sent."),
    "resume": (backfill.resume, "The backfill goes on."),
    "cancel": (backfill.cancel, "The backfill is cancelled. What it has sent stays sent."),
}
_CHOICES: Final = [one for one in REASONS if one.verdict is Verdict.WITHHOLD and one.reason in SENDABLE]

_JobId: TypeAlias = Annotated[str, PathParameter(name="job_id")]
_Move: TypeAlias = Annotated[str, PathParameter(name="move")]
_Seen: TypeAlias = Annotated[JobState, QueryParameter()]
_PreviewId: TypeAlias = Annotated[str, PathParameter(name="preview_id")]


@get("/backfills", sync_to_thread=True)
def show_backfills(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    jobs = server.stores.jobs.all(_LISTED)
    return page(request, server, "backfills/list.html", jobs=jobs, listed=_LISTED, **_names(server))


@get("/backfills/new", sync_to_thread=True)
def show_new(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    return _choose(request, server, Form(request.query_params), None)


@get("/backfills/preview")
async def show_preview(
    request: PageRequest, server: NamedDependency[Server], previews: NamedDependency[Previews]
) -> Response[Any]:
    """A GET, because it changes nothing: a preview can be looked at again, and sent to somebody."""
    return await _preview_page(request, server, previews, Form(request.query_params), None)


@get("/backfills/preview/{preview_id:str}")
async def show_counts(
    request: PageRequest, server: NamedDependency[Server], previews: NamedDependency[Previews], preview_id: _PreviewId
) -> Response[Any]:
    """How far the counting is, and then what it came to."""
    counting = previews.get(preview_id)
    if counting is not None:
        await _wait(counting)
    return await asyncio.to_thread(
        lambda: part(request, "backfills/counts.html", counting=counting, preview_id=preview_id, **_names(server))
    )


@post("/backfills")
async def take_new(
    request: PageRequest, server: NamedDependency[Server], previews: NamedDependency[Previews]
) -> Response[Any]:
    form = await read_form(request)
    try:
        asked = await asyncio.to_thread(_asked, server, form)
        jobs = await backfill.start(
            server.stores,
            server.log,
            asked,
            why=form.raw("why"),
            author=request.user.email,
            at=now(),
            speed=_speed(form),
        )
    except InvalidInput as error:
        return await _preview_page(request, server, previews, form, error)
    await server.follow()
    if len(jobs) == 1:
        return go(f"/backfills/{jobs[0].id}")
    return await asyncio.to_thread(done, request, server, "/backfills", f"{len(jobs)} backfills run.")


@get("/backfills/{job_id:str}", sync_to_thread=True)
def show_backfill(request: PageRequest, server: NamedDependency[Server], job_id: _JobId) -> Response[Any]:
    return page(request, server, "backfills/backfill.html", job=server.stores.jobs.get(job_id), **_names(server))


@get("/backfills/{job_id:str}/progress", sync_to_thread=True)
def show_progress(
    request: PageRequest, server: NamedDependency[Server], job_id: _JobId, seen: _Seen = JobState.RUNNING
) -> Response[Any]:
    """How far it is. Once its state is no longer the one that was seen, the whole page is to be loaded again."""
    job = server.stores.jobs.get(job_id)
    answer = part(request, "backfills/progress.html", job=job, **_names(server))
    if job.state is not seen:
        answer.headers["HX-Refresh"] = "true"
    return answer


@post("/backfills/{job_id:str}/{move:str}")
async def take_move(
    request: PageRequest, server: NamedDependency[Server], job_id: _JobId, move: _Move
) -> Response[Any]:
    if move not in _MOVES:
        raise InvalidInput(f"a backfill cannot be asked to `{move[:50]}`")
    act, said = _MOVES[move]
    await asyncio.to_thread(lambda: act(server.stores, job_id, author=request.user.email, at=now()))
    await server.follow()
    return await asyncio.to_thread(done, request, server, f"/backfills/{job_id}", said)


async def _preview_page(
    request: PageRequest, server: Server, previews: Previews, form: Form, error: AssentError | None
) -> Response[Any]:
    try:
        asked = await asyncio.to_thread(_asked, server, form)
        preview_id, counting = previews.start(asked)
    except AssentError as mistake:
        return await asyncio.to_thread(_choose, request, server, form, mistake)
    await _wait(counting)
    return await asyncio.to_thread(
        lambda: page(
            request,
            server,
            "backfills/preview.html",
            status=error.status if error is not None else 200,
            asked=asked,
            asked_since=utc_words(asked.since),
            asked_until=utc_words(asked.until),
            query=_query(form),
            form=form,
            error=error,
            counting=counting,
            preview_id=preview_id,
            **_names(server),
        )
    )


async def _wait(counting: Counting) -> None:
    """For a moment: most previews are done by then."""
    try:
        await asyncio.wait_for(counting.over.wait(), _PATIENCE)
    except TimeoutError:
        return


def _choose(request: PageRequest, server: Server, form: Form, error: AssentError | None) -> Response[Any]:
    at = now()
    return page(
        request,
        server,
        "backfills/new.html",
        status=error.status if error is not None else 200,
        form=form,
        error=error,
        since=form.text("since") or utc_minute(at - _A_DAY_MS),
        until=form.text("until") or utc_minute_after(at),
        destinations=form.texts("destinations"),
        reasons=form.texts("reasons") if form.has("reasons") or form.has("destinations") else sorted(USUAL),
        choices=_CHOICES,
        keep=server.config.keep,
    )


def _asked(server: Server, form: Form) -> Asked:
    """Raises InvalidInput."""
    try:
        reasons = frozenset(Reason(one) for one in form.texts("reasons"))
    except ValueError:
        raise InvalidInput("choose reasons from the list", field="reasons") from None
    asked = Asked(
        tuple(dict.fromkeys(form.texts("destinations"))),
        read_utc(form.text("since"), "since"),
        read_utc(form.text("until"), "until"),
        reasons,
    )
    backfill.check(server.stores, asked)
    return asked


def _query(form: Form) -> str:
    """What was chosen, as it goes into an address."""
    names = ("destinations", "reasons", "since", "until")
    return urlencode([(name, one) for name in names for one in form.texts(name)])


def _speed(form: Form) -> int | None:
    text = form.text("speed").replace(",", "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise InvalidInput("a speed is a number of events a second", field="speed")
    return int(text[:9])


def _names(server: Server) -> Mapping[str, Any]:
    return {"titles": titles(server.in_force.version.workspace)}


BACKFILL_PAGES: Final = [
    show_backfills,
    show_new,
    show_preview,
    show_counts,
    take_new,
    show_backfill,
    show_progress,
    take_move,
]
