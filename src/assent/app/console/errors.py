"""What people see when something goes wrong: a page that says what, and what to do."""

import logging
from typing import Any, Final
from urllib.parse import quote

from litestar import Request, Response
from litestar.exceptions import HTTPException, PermissionDeniedException
from litestar.response import Redirect
from litestar.types import ExceptionHandlersMap
from sqlalchemy.exc import OperationalError

from assent.app.console.access import SignIn
from assent.app.console.pages import door
from assent.domain.errors import AssentError

log = logging.getLogger("assent.console")

_TITLES: Final = {
    400: "That cannot be used",
    403: "Not allowed",
    404: "Nothing here",
    405: "Not that way",
    409: "Somebody was faster",
    413: "Too large",
    429: "Too many tries",
    500: "Something is wrong here",
    503: "Not now",
}


def _on_sign_in(request: Request[Any, Any, Any], error: SignIn) -> Response[Any]:
    target = "/sign-in" if error.path == "/" else f"/sign-in?next={quote(error.path, safe='')}"
    if request.headers.get("hx-request"):
        return Response("", status_code=401, headers={"HX-Redirect": target})
    return Redirect(target, status_code=303)


def _on_assent_error(request: Request[Any, Any, Any], error: AssentError) -> Response[Any]:
    return _answer(request, error.status, error.message)


def _on_csrf(request: Request[Any, Any, Any], error: PermissionDeniedException) -> Response[Any]:
    del error
    return _answer(request, 403, "this form is too old, or not from here: load the page again, and send it once more")


def _on_http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    messages = {404: "there is no page at this address", 413: "what you sent is too large"}
    return _answer(request, error.status_code, messages.get(error.status_code, error.detail or "it did not work"))


def _on_locked_store(request: Request[Any, Any, Any], error: OperationalError) -> Response[Any]:
    log.error("the store cannot be used: %s", error.orig)
    return _answer(request, 503, "the data of this server cannot be reached at the moment: try again")


def _on_bug(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    log.error("`%s %s` failed", request.method, request.url.path, exc_info=error)
    return _answer(request, 500, "the server's log says what; whoever runs it can read it")


def _answer(request: Request[Any, Any, Any], status: int, message: str) -> Response[Any]:
    said = message[:1].upper() + message[1:]
    if request.headers.get("hx-request"):
        return Response(said, status_code=status, media_type="text/plain")
    title = _TITLES.get(status, "It did not work")
    return door(request, "error.html", status=status, heading=title, message=said)


HANDLERS: Final[ExceptionHandlersMap] = {
    SignIn: _on_sign_in,
    AssentError: _on_assent_error,
    PermissionDeniedException: _on_csrf,
    HTTPException: _on_http_exception,
    OperationalError: _on_locked_store,
    Exception: _on_bug,
}
