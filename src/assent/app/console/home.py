"""Where people arrive."""

from typing import Final

from litestar import get
from litestar.response import Redirect

from assent.app.console.pages import go


@get("/", sync_to_thread=False)
def show_home() -> Redirect:
    return go("/privacy/consent")


HOME_PAGES: Final = [show_home]
