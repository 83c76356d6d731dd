"""Errors: whatever goes wrong is answered in one form, Litestar's own errors included."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException, ValidationException
from litestar.params import ParameterKwarg
from litestar.types import ExceptionHandlersMap
from sqlalchemy.exc import OperationalError

from assent.app.api.bodies import Error, Errors, ErrorType
from assent.domain.errors import (
    AssentError,
    Conflict,
    Forbidden,
    InvalidInput,
    InvalidWorkspace,
    LogUnavailable,
    NotFound,
    Unauthorized,
)
from assent.engine.shape import Mistake

log = logging.getLogger("assent.api")

_Request: TypeAlias = Request[Any, Any, State]

_TYPES: Final[dict[type[AssentError], ErrorType]] = {
    InvalidWorkspace: "invalid_workspace",
    InvalidInput: "invalid_input",
    Unauthorized: "unauthorized",
    Forbidden: "forbidden",
    NotFound: "not_found",
    Conflict: "conflict",
    LogUnavailable: "unavailable",
}
_TYPES_BY_STATUS: Final[dict[int, ErrorType]] = {
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
}


class WorkspaceMistakes(InvalidWorkspace):
    """A workspace document with mistakes, each of which becomes an error with its own field."""

    def __init__(self, found: Sequence[Mistake]) -> None:
        super().__init__("\n".join(map(str, found)), field=found[0].field)
        self.found = found


def _answer(status: int, errors: Sequence[Error], headers: Mapping[str, str] | None = None) -> Response[Errors]:
    return Response(Errors(errors), status_code=status, headers=headers or {})


def _on_mistakes(_: _Request, error: WorkspaceMistakes) -> Response[Errors]:
    return _answer(error.status, [Error("invalid_workspace", str(one), one.field or None) for one in error.found])


def _on_assent_error(_: _Request, error: AssentError) -> Response[Errors]:
    kind: ErrorType = next((_TYPES[one] for one in type(error).mro() if one in _TYPES), "internal_error")
    challenge = {"WWW-Authenticate": 'Bearer realm="assent"'} if isinstance(error, Unauthorized) else None
    return _answer(error.status, [Error(kind, error.message, error.field)], challenge)


def _on_http_exception(request: _Request, error: HTTPException) -> Response[Errors]:
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        return _answer(error.status_code, list(_parameter_errors(request, error.extra)))
    kind = _TYPES_BY_STATUS.get(error.status_code, "invalid_input" if error.status_code < 500 else "internal_error")
    return _answer(error.status_code, [Error(kind, _message(request, error), None)], error.headers)


def _message(request: _Request, error: HTTPException) -> str:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return f"there is nothing at `{request.url.path}`"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = {one.strip() for one in (error.headers or {}).get("allow", "").split(",")} - {"OPTIONS"}
        return f"`{request.method}` is not for here: use {', '.join(sorted(allowed))}"
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        limit = request.route_handler.resolve_request_max_body_size()
        return f"the body may have at most {limit} bytes"
    return error.detail[:1].lower() + error.detail[1:]


def _parameter_errors(request: _Request, found: Sequence[Any]) -> Iterator[Error]:
    """What Litestar found wrong with parameters, by the names that callers know them by."""
    parameters = request.route_handler.parsed_fn_signature.parameters
    for one in found:
        key = one.get("key", "")
        definition = parameters[key].kwarg_definition if key in parameters else None
        name = (definition.name if isinstance(definition, ParameterKwarg) else None) or key
        yield Error("invalid_input", f"`{name}`: {_lowered(one['message'])}", name or None)


def _lowered(message: str) -> str:
    # msgspec names its own types; callers know them as JSON does.
    plain = re.sub(r"`(int|str|datetime|float)`", lambda word: _PLAIN_TYPES[word[1]], message)
    return plain[:1].lower() + plain[1:]


_PLAIN_TYPES: Final = {"int": "a whole number", "float": "a number", "str": "text", "datetime": "a time in ISO 8601"}


def _on_locked_store(_: _Request, error: OperationalError) -> Response[Errors]:
    log.error("the store cannot be used: %s", error.orig)
    return _answer(503, [Error("unavailable", "the store cannot be used at the moment, try again", None)])


def _on_bug(request: _Request, error: Exception) -> Response[Errors]:
    log.error("`%s %s` failed", request.method, request.url.path, exc_info=error)
    return _answer(500, [Error("internal_error", "something is wrong here; the server's log says what", None)])


HANDLERS: Final[ExceptionHandlersMap] = {
    WorkspaceMistakes: _on_mistakes,
    AssentError: _on_assent_error,
    HTTPException: _on_http_exception,
    OperationalError: _on_locked_store,
    Exception: _on_bug,
}
