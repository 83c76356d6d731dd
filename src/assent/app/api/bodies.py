"""What all bodies of the management API have in common: camelCase, the envelope, errors."""

from collections.abc import Sequence
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

import msgspec
from litestar import Request
from litestar.openapi.datastructures import ResponseSpec

from assent.domain.errors import InvalidInput

Content = TypeVar("Content")


class Body(msgspec.Struct, frozen=True, rename="camel"):
    """A JSON object of the management API; its keys are in camelCase."""


class Data(Body, Generic[Content], frozen=True):
    """The envelope of every answer."""

    data: Content


ErrorType: TypeAlias = Literal[
    "body_too_large",
    "conflict",
    "forbidden",
    "internal_error",
    "invalid_input",
    "invalid_workspace",
    "method_not_allowed",
    "not_found",
    "unauthorized",
    "unavailable",
]


class Error(Body, frozen=True):
    """One thing that is wrong: a type for programs, a message for people, and the field or parameter it is about."""

    type: ErrorType
    message: str
    field: str | None


class Errors(Body, frozen=True):
    """The body of every answer with a status of 400 or above."""

    errors: Sequence[Error]


_MEANINGS: Final = {
    400: "Something in the request cannot be used; each error says what.",
    401: "No token, or one that is not known.",
    403: "The token's role may not do this.",
    404: "There is no such thing here.",
    409: "It does not go with what is there by now; the message says why.",
    413: "The body is too large.",
    503: "The server cannot reach its own data at the moment; try again.",
}


def failures(*statuses: int) -> dict[int, ResponseSpec]:
    """The answers that say what went wrong, for the documentation of a route; 401 and 503 every route may give."""
    return {
        status: ResponseSpec(Errors, generate_examples=False, description=_MEANINGS[status])
        for status in sorted({401, 503, *statuses})
    }


async def check_switch(request: Request[Any, Any, Any], field: str) -> None:
    """Raises InvalidInput where a field is not JSON true or false: what is only like it must switch nothing."""
    document = msgspec.json.decode(await request.body())
    if not isinstance(document, dict) or not isinstance(document.get(field), bool):
        raise InvalidInput(f"`{field}` is true or false", field=field)
