"""Every route of the console, as it really is: walks that must leave none out begin here."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from assent.app.console import create_console
from assent.app.console.access import FOR_MEMBERS, OPEN_TO_ALL
from harness.api import Api

READING = ("GET", "HEAD", "OPTIONS")

PARAMETERS = {
    "at": "0",
    "category_id": "analytics",
    "destination_id": "warehouse",
    "draft_id": "drf_0",
    "invitation_id": "inv_0",
    "job_id": "bkf_0",
    "link": "a-link-that-never-was",
    "message_id": "m-1",
    "move": "pause",
    "number": "1",
    "offset": "0",
    "person_id": "u-1",
    "regulation_id": "reg_0",
    "preview_id": "a-preview-that-never-was",
    "source_id": "website",
    "token_id": "tok_0",
    "user_id": "usr_0",
    "version": "1",
}
"""What to put in place of the parameters of a path; a walk with data gives some of them other values."""

QUERIES = {
    "/connections/destinations/warehouse/impact": "?change=disable",
    "/connections/destinations/new": "?connector=webhook",
    "/delivery/discards": "?code=no_user_anon_id",
    "/privacy/consent/category": "?id=analytics",
    "/privacy/consent/setup/sources/first": "?from=0",
    "/backfills/preview": "?destinations=warehouse&reasons=category_denied&since=2020-01-01T00:00"
    "&until=2099-01-01T00:00",
    "/holds/change": "?kind=workspace",
    "/people/export": "?id=u-1",
    "/holds/trial": "?kind=workspace",
}
"""What pages that begin with a path need in their query."""


class Route(NamedTuple):
    """One method of one path of the console; `path` has its parameters still."""

    method: str
    path: str
    is_open: bool
    is_for_members: bool

    def filled(self, **values: str) -> str:
        """A path to ask for. Fails for a parameter that is not in PARAMETERS: give it a value there."""
        path = re.sub(r"\{(\w+)(?::\w+)?\}", lambda one: {**PARAMETERS, **values}[one[1]], self.path)
        query = next((query for start, query in QUERIES.items() if path.startswith(start)), "")
        return path + (query if self.method == "GET" else "")


def routes(api: Api) -> Iterator[Route]:
    """All but the files that pages are made of."""
    for route in create_console(api.server).routes:
        assert isinstance(route, HTTPRoute), route
        if route.path.startswith("/static/"):
            continue
        for handler in route.route_handlers:
            for method in sorted(handler.http_methods):
                yield Route(method, route.path_format, *_marks(handler))


def _marks(handler: HTTPRouteHandler) -> tuple[bool, bool]:
    return bool(handler.opt.get(OPEN_TO_ALL)), bool(handler.opt.get(FOR_MEMBERS))
