"""Times as the API writes and reads them."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeAlias

import msgspec
from litestar.params import QueryParameter

from assent.domain.errors import InvalidInput

_EXAMPLE: Final = "2026-05-04T09:30:00.000Z"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_MS: Final = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)

Time: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        description="ISO 8601, UTC, with milliseconds.",
        examples=[_EXAMPLE],
        extra_json_schema={"format": "date-time"},
    ),
]


def time_parameter(name: str, description: str) -> QueryParameter:
    """A query parameter that is a time, for `epoch_ms` to read."""
    return QueryParameter(
        name=name,
        description=f"{description} Like `{_EXAMPLE}`; in UTC where it names no zone.",
        schema_extra={"format": "date-time"},
    )


def time_text(epoch_ms: int) -> Time:
    """UTC epoch milliseconds as the API writes them."""
    text = datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def epoch_ms(text: str | None, name: str) -> int | None:
    """The time in the parameter of this name, in UTC epoch milliseconds from 1970 to 9999; None where there is none.

    Raises InvalidInput for what is no time.
    """
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        shown = text[:50]
        raise InvalidInput(f"`{name}`: `{shown}` is no time, write it like {_EXAMPLE}", field=name) from None
    since = (time if time.tzinfo is not None else time.replace(tzinfo=UTC)) - _EPOCH
    return min(max(since // timedelta(milliseconds=1), 0), _LATEST_MS)
