"""Failed events: what destinations refused for good, and sending it again."""

import asyncio
from collections import defaultdict
from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter

from assent.app.console.access import PageRequest
from assent.app.console.forms import Form, read_form
from assent.app.console.pages import go, page, part
from assent.app.console.words import read_utc, titles
from assent.app.services.send_again import MOST_AT_ONCE, SentAgain, send_again
from assent.app.wiring import Server, now
from assent.domain.errors import AssentError, InvalidInput
from assent.domain.outcome import Attempt, State
from assent.store.accounts import FailedOnes

_LISTED: Final = 100
_NONE: Final = SentAgain(0, 0, 0)

_At: TypeAlias = Annotated[int, PathParameter(name="at", ge=0)]


@get("/failed", sync_to_thread=True)
def show_failed(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    return _list(request, server, Form(request.query_params), None)


@post("/failed/send-again")
async def take_send_again(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    """The chosen events, or all that match the filter; what becomes of them is then to be seen."""
    form, at = await read_form(request), now()
    try:
        wanted = [_wanted(form)] if form.has("all") else _chosen(form)
        done = _NONE
        for one in wanted:
            sent = await send_again(server.stores, server.log, one, author=request.user.email, at=at)
            done = SentAgain(done.events + sent.events, done.forgotten + sent.forgotten, done.more + sent.more)
    except AssentError as error:
        mistake = error
        return await asyncio.to_thread(lambda: _list(request, server, form, mistake))
    await server.follow()
    more = done.more if form.has("all") else 0
    await asyncio.to_thread(server.stores.sessions.leave_notice, request.auth.text, _said(done, more))
    return go(f"/failed/sent/{at}")


@get("/failed/sent/{at:int}", sync_to_thread=True)
def show_sent(request: PageRequest, server: NamedDependency[Server], at: _At) -> Response[Any]:
    return page(request, server, "failed/sent.html", **_sent(server, at))


@get("/failed/sent/{at:int}/now", sync_to_thread=True)
def show_sent_now(request: PageRequest, server: NamedDependency[Server], at: _At) -> Response[Any]:
    return part(request, "failed/became.html", **_sent(server, at))


def _list(request: PageRequest, server: Server, form: Form, error: AssentError | None) -> Response[Any]:
    try:
        wanted = _wanted(form)
    except InvalidInput as mistake:
        wanted, error = FailedOnes(), mistake
    accounts, start = server.stores.accounts, server.log.start
    count = accounts.count_failed(wanted, start)
    return page(
        request,
        server,
        "failed/list.html",
        status=error.status if error is not None else 200,
        failed=accounts.failed(wanted, start, _LISTED),
        count=count,
        form=form,
        error=error,
        is_filtered=wanted != FailedOnes(),
        most_at_once=MOST_AT_ONCE,
        titles=titles(server.in_force.version.workspace),
        key=_key,
        query=urlencode([(name, form.text(name)) for name in _FILTERS if form.text(name)]),
    )


_FILTERS: Final = ("destination", "answer", "status", "since", "until")


def _wanted(form: Form) -> FailedOnes:
    """What the filter asks for. Raises InvalidInput."""
    status = form.text("status")
    if status and not (status.isascii() and status.isdigit() and len(status) == 3):
        raise InvalidInput("a status is a number such as 422", field="status")
    return FailedOnes(
        form.text("destination") or None,
        (),
        int(status) if status else None,
        form.text("answer") or None,
        read_utc(form.text("since"), "since") if form.text("since") else None,
        read_utc(form.text("until"), "until") if form.text("until") else None,
    )


def _key(attempt: Attempt) -> str:
    return msgspec.json.encode([attempt.destination, attempt.message_id]).decode()


def _chosen(form: Form) -> list[FailedOnes]:
    """The ticked events, destination by destination. Raises InvalidInput."""
    by_destination: dict[str, list[str]] = defaultdict(list)
    try:
        for one in form.texts("event"):
            destination, message_id = msgspec.json.decode(one, type=tuple[str, str])
            by_destination[destination].append(message_id)
    except msgspec.MsgspecError:
        raise InvalidInput("this form is not whole: load the page again") from None
    if not by_destination:
        raise InvalidInput("tick the events to send again, or send all that match", field="event")
    return [FailedOnes(name, tuple(ids)) for name, ids in by_destination.items()]


def _said(done: SentAgain, more: int) -> str:
    said = "1 event is" if done.events == 1 else f"{done.events:,} events are"
    text = f"{said} sent again. Each is decided again before it goes."
    if done.forgotten:
        text += f" {done.forgotten:,} are no longer in the log, and cannot be sent."
    return text + (f" {more:,} more match: send again once these are through." if more else "")


def _sent(server: Server, at: int) -> dict[str, Any]:
    """What became of the events that were sent again at `at`, by destination."""
    by_destination: dict[str, dict[State, int]] = defaultdict(dict)
    for destination, state, events in server.stores.accounts.tried_first_at(at):
        by_destination[destination][state] = events
    return {
        "at": at,
        "became": dict(by_destination),
        "is_over": not any(State.RETRYING in states for states in by_destination.values()),
        "titles": titles(server.in_force.version.workspace),
    }


FAILED_PAGES: Final = [show_failed, take_send_again, show_sent, show_sent_now]
