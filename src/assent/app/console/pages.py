"""Pages: what is around the content of each, and how templates become answers."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Request, Response
from litestar.response import Redirect
from litestar.template.base import csrf_token
from markupsafe import Markup

from assent.app.console.access import PageRequest
from assent.app.console.banners import banners
from assent.app.console.static import static
from assent.app.console.words import (
    WINDOWS,
    outcome_title,
    state_title,
    utc_minute,
    utc_minute_after,
    withheld_title,
)
from assent.app.services.trials import last_hours
from assent.app.wiring import Server

_ICONS: Final = Path(__file__).parent.parent / "static" / "vendor" / "tabler-icons"


class _Place(NamedTuple):
    """A page that the navigation leads to."""

    title: str
    path: str
    icon: str


_NAVIGATION: Final[Mapping[str, tuple[_Place, ...]]] = {
    "Privacy": (
        _Place("Consent Management", "/privacy/consent", "shield-check"),
        _Place("People", "/people", "users"),
        _Place("Deletion and Suppression", "/people/regulations", "eraser"),
    ),
    "Connections": (
        _Place("Sources", "/connections/sources", "world"),
        _Place("Destinations", "/connections/destinations", "plug-connected"),
    ),
    "Monitor": (
        _Place("Delivery overview", "/delivery", "chart-funnel"),
        _Place("Events", "/events", "timeline-event"),
        _Place("What if", "/what-if", "flask"),
        _Place("Failed events", "/failed", "refresh"),
        _Place("Held", "/holds", "player-pause"),
        _Place("Observe", "/observe", "eye"),
        _Place("Backfills", "/backfills", "cloud-upload"),
    ),
    "Workspace": (
        _Place("Drafts", "/drafts", "pencil"),
        _Place("Versions", "/versions", "versions"),
        _Place("Audit trail", "/audit", "history"),
        _Place("Settings", "/settings", "settings"),
    ),
}


def page(request: PageRequest, server: Server, template: str, *, status: int = 200, **content: Any) -> Response[str]:
    """A page for somebody who is signed in. Reads the store: call it from a thread."""
    session = request.auth
    around = {
        "user": request.user,
        "workspace": server.in_force.version.workspace,
        "navigation": list(_navigation(request.url.path)),
        "banners": banners(server.in_force.version.workspace),
        "notice": server.stores.sessions.take_notice(session.text) if request.method == "GET" else None,
        "may_edit": request.user.role == "owner",
        "open_drafts": server.stores.drafts.names(),
    }
    return _answer(request, template, status, {**around, **content})


def part(request: PageRequest, template: str, **content: Any) -> Response[str]:
    """A part of a page, for htmx to put in its place."""
    return _answer(request, template, 200, {"user": request.user, "may_edit": request.user.role == "owner", **content})


def macro(template: str, name: str) -> Callable[..., str]:
    """A macro of a template, for what is not sent as an answer of its own."""
    found = getattr(_environment().get_template(template).module, name)
    return lambda *arguments: str(found(*arguments))


def door(request: Request[Any, Any, Any], template: str, *, status: int = 200, **content: Any) -> Response[str]:
    """A page for somebody who is not signed in yet."""
    return _answer(request, template, status, content)


def go(path: str) -> Redirect:
    """On to another page, after a form was taken."""
    return Redirect(path, status_code=303)


def done(request: PageRequest, server: Server, path: str, notice: str) -> Redirect:
    """On to another page, which says what was done."""
    server.stores.sessions.leave_notice(request.auth.text, notice)
    return go(path)


def _answer(request: Request[Any, Any, Any], template: str, status: int, content: Mapping[str, Any]) -> Response[str]:
    token = csrf_token({"request": request})
    field = Markup('<input type="hidden" name="_csrf_token" value="{}">').format(token)
    html = _environment().get_template(template).render(csrf_token=token, csrf_input=field, **content)
    return Response(html, status_code=status, media_type=MediaType.HTML)


def _navigation(path: str) -> Iterator[dict[str, Any]]:
    at = [one.path for places in _NAVIGATION.values() for one in places if _is_at(path, one.path)]
    here = max(at, key=len, default="")
    for title, places in _NAVIGATION.items():
        entries = [
            {"title": one.title, "path": one.path, "icon": one.icon, "is_current": one.path == here} for one in places
        ]
        yield {"title": title, "entries": entries}


def _is_at(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


@cache
def _environment() -> Environment:
    """INVARIANT: everything that a template writes is escaped, unless it is a `Markup` that we made."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"static": static, "svg": _icon, "windows": WINDOWS}
    environment.filters |= {
        "hours": last_hours,
        "iso": _iso,
        "number": _number,
        "share": _share,
        "percent": _percent,
        "query": _query,
        "segment": _segment,
        "size": _size,
        "outcome_title": outcome_title,
        "state_title": state_title,
        "utc_minute": utc_minute,
        "utc_minute_after": utc_minute_after,
        "withheld_title": withheld_title,
    }
    return environment


@cache
def _icon(name: str) -> Markup:
    """A picture beside words: screen readers pass it over."""
    svg = (_ICONS / f"{name}.svg").read_text()
    return Markup(re.sub(r'class="[^"]*"', 'class="icon" aria-hidden="true"', svg))  # noqa: S704 - a file of ours


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _number(value: int) -> str:
    return f"{value:,}"


def _percent(share: float) -> str:
    """A change in words: half of it is 50 %."""
    percent = 100 * share
    return "under 1 %" if percent < 1 else f"{percent:,.0f} %"


def _query(parameters: Mapping[str, Any]) -> str:
    """The query of an address; what is None or empty is left out."""
    return urlencode({name: value for name, value in parameters.items() if value not in (None, "")})


def _segment(text: str) -> str:
    """A text as one step of a path, slashes and all."""
    return quote(text, safe="")


def _share(part: float, whole: float) -> str:
    """A share in words: no nought for a little, no hundred for nearly all."""
    if not whole:
        return "none yet"
    percent = 100 * part / whole
    if 0 < percent < 1:
        return "under 1 %"
    if 99 < percent < 100:
        return "over 99 %"
    return f"{percent:.0f} %"


def _size(count: float) -> str:
    """A number of bytes, in the unit in which it is easy to read."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
