"""The audit trail: every change, by whom, when, what it was before and is now."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import urlencode

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Stream

from assent.app.console.access import PageRequest
from assent.app.console.pages import page
from assent.app.console.trail_words import KINDS, in_words
from assent.app.services.trail_csv import trail_csv
from assent.app.wiring import Server, now
from assent.domain.errors import InvalidInput
from assent.store.trail import EVERYTHING, TrailFilter

_ON_A_PAGE: Final = 50
_DAY_MS: Final = 86_400_000

_Who: TypeAlias = Annotated[str, QueryParameter(name="who")]
_Kind: TypeAlias = Annotated[str, QueryParameter(name="kind")]
_Action: TypeAlias = Annotated[str, QueryParameter(name="action")]
_From: TypeAlias = Annotated[str, QueryParameter(name="from")]
_To: TypeAlias = Annotated[str, QueryParameter(name="to")]
_Before: TypeAlias = Annotated[int | None, QueryParameter(name="before", ge=0, le=10**15)]


@get("/audit", sync_to_thread=True)
def show_trail(
    request: PageRequest,
    server: NamedDependency[Server],
    who: _Who = "",
    kind: _Kind = "",
    action: _Action = "",
    since: _From = "",
    until: _To = "",
    before: _Before = None,
) -> Response[Any]:
    chosen = {"who": who, "kind": kind, "action": action, "from": since, "to": until}
    error, wanted = None, EVERYTHING
    try:
        wanted = _wanted(chosen)
    except InvalidInput as wrong:
        error = wrong
    trail = server.stores.trail
    entries = trail.entries(_ON_A_PAGE + 1, wanted, before=before)
    shown = entries[:_ON_A_PAGE]
    query = urlencode({name: value for name, value in chosen.items() if value})
    return page(
        request,
        server,
        "audit/trail.html",
        status=error.status if error is not None else 200,
        error=error,
        chosen=chosen,
        query=query,
        entries=[in_words(one) for one in shown],
        older=shown[-1].number if len(entries) > _ON_A_PAGE else None,
        is_first=before is None,
        authors=[(one, one) for one in trail.authors()],
        kinds=[(one, KINDS.get(one, one)) for one in trail.kinds()],
        actions=[(one, one) for one in trail.actions()],
    )


@get("/audit/download", sync_to_thread=True)
def download_trail(
    server: NamedDependency[Server],
    who: _Who = "",
    kind: _Kind = "",
    action: _Action = "",
    since: _From = "",
    until: _To = "",
) -> Stream:
    wanted = _wanted({"who": who, "kind": kind, "action": action, "from": since, "to": until})
    today = datetime.fromtimestamp(now() / 1000, UTC).date()
    headers = {"Content-Disposition": f'attachment; filename="audit-trail-{today}.csv"'}
    return Stream(trail_csv(server.stores.trail, wanted), media_type="text/csv; charset=utf-8", headers=headers)


def _wanted(chosen: Mapping[str, str]) -> TrailFilter:
    """Raises InvalidInput for what is no day."""
    until = _day(chosen["to"], "to")
    return TrailFilter(
        author=chosen["who"] or None,
        kind=chosen["kind"] or None,
        action=chosen["action"] or None,
        since=_day(chosen["from"], "from"),
        until=until + _DAY_MS if until is not None else None,
    )


def _day(text: str, field: str) -> int | None:
    """When a day begins in UTC, in epoch milliseconds."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"`{text[:50]}` is no day: write it like 2026-05-04", field=field) from None
    return (day - date(1970, 1, 1)) // timedelta(milliseconds=1)


AUDIT_PAGES: Final = [show_trail, download_trail]
