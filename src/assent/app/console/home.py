"""Where people arrive."""

from typing import Any, Final

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.response import Redirect

from assent.app.console.access import PageRequest
from assent.app.console.pages import go, page
from assent.app.wiring import Server


@get("/", sync_to_thread=False)
def show_home() -> Redirect:
    return go("/privacy/consent")


@get("/privacy/consent", sync_to_thread=True)
def show_consent(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    return page(request, server, "consent/overview.html")


HOME_PAGES: Final = [show_home, show_consent]
