"""Paging: how many of a list to answer, and where to go on."""

import base64
import binascii
import re
from typing import Annotated, Final, TypeAlias

import msgspec
from litestar.params import QueryParameter

from assent.app.api.bodies import Body
from assent.domain.errors import InvalidInput

_FIRST: Final = 10**18 - 1
"""Before this number is everything."""

PageCount: TypeAlias = Annotated[
    int, QueryParameter(name="pagination.count", ge=1, le=1000, description="How many to answer at most.")
]
PageCursor: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="pagination.cursor",
        description="Where to go on: the `pagination.next` of the page before, as it is. Left out: from the newest.",
    ),
]


class Pagination(Body, frozen=True):
    """Where this page is in the list, and where the next one begins."""

    current: Annotated[str, msgspec.Meta(description="The cursor of this page.")]
    next: Annotated[
        str | None, msgspec.Meta(description="The cursor of the next page; null once there is nothing more.")
    ]
    total_entries: Annotated[
        int | msgspec.UnsetType, msgspec.Meta(description="How many there are in all; only where that is known.")
    ] = msgspec.UNSET


def position(cursor: str | None, newest: int = _FIRST) -> int:
    """The number before which a page begins; `newest` without a cursor. Raises InvalidInput for one we never gave."""
    if cursor is None:
        return newest
    try:
        text = base64.b64decode(cursor, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    if not re.fullmatch("[0-9]{1,18}", text):
        raise InvalidInput(
            f"`{cursor[:50]}` is no cursor: use the `pagination.next` of the page before", field="pagination.cursor"
        )
    return int(text)


def cursor_at(number: int) -> str:
    """The cursor of the page that begins before `number`."""
    return base64.b64encode(str(number).encode()).decode()
