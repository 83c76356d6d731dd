"""The ways in which tools write things down: cookies, query strings, JSON, base64, times. Nothing here raises."""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import msgspec

from assent.engine.json import JSON_ERRORS

COOKIE_CHARACTERS: Final = 4096
"""What browsers keep of a cookie; a longer one is not read where that would take long."""
_MOST_FIELDS: Final = 200
_MOST_COOKIES: Final = 300
_SECONDS_END: Final = 100_000_000_000
_LATEST: Final = 253_402_300_800_000
_BASE64: Final = str.maketrans("-_", "+/")

_decode = msgspec.json.Decoder().decode


def unquoted(text: str) -> str:
    """Percent-encoded text as it was; `+` stays."""
    return unquote(text)


def query_of(text: str) -> dict[str, str]:
    """The fields of a query string; the last of equal names counts."""
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        return {}


def json_of(text: Any) -> Any:
    """The JSON value of a text, percent-encoded or not; None where it is none."""
    if not isinstance(text, str):
        return None
    for one in (text, unquote(text)):
        try:
            return _decode(one)
        except JSON_ERRORS:
            continue
    return None


def base64_json_of(text: Any) -> Any:
    """The JSON value of a base64 text, of either alphabet, percent-encoded or not, padded or not."""
    if not isinstance(text, str):
        return None
    letters = unquote(text).translate(_BASE64).rstrip("=")
    try:
        return _decode(base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True))
    except (binascii.Error, *JSON_ERRORS):
        return None


def object_of(value: Any) -> Mapping[str, Any]:
    """A JSON object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def list_of(value: Any) -> list[Any]:
    """A JSON array, or an empty one for anything else."""
    return value if isinstance(value, list) else []


def word(value: Any) -> str:
    """A text or a number as a text, cut to what an id or a version may have."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    try:
        return str(value)[:200]
    except ValueError:
        return ""


def time_of(value: Any) -> int | None:
    """UTC epoch milliseconds of an ISO time, or of a number of seconds or milliseconds; None for anything else."""
    if isinstance(value, str):
        return _number_time(int(value)) if value.isascii() and value.isdigit() and len(value) < 16 else _iso_time(value)
    return _number_time(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _iso_time(text: str) -> int | None:
    try:
        time = datetime.fromisoformat(text)
        moment = (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return _number_time(int(moment * 1000), in_milliseconds=True)


def _number_time(number: float, *, in_milliseconds: bool = False) -> int | None:
    if not 0 < number < _LATEST:
        return None
    return int(number if in_milliseconds or number >= _SECONDS_END else number * 1000)


_MONTHS: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
_JAVASCRIPT_TIME: Final = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d) (\d{4}) (\d\d:\d\d:\d\d) GMT([+-]\d\d)(\d\d)"
).match


def javascript_time_of(text: str) -> int | None:
    """UTC epoch milliseconds of a time as JavaScript's `Date` writes it, with blanks or `+` between its words."""
    # The sign of the time zone is a `+` too, and read from a query string it is a blank.
    found = _JAVASCRIPT_TIME(re.sub(r"GMT (?=\d)", "GMT+", text.replace("+", " ")))
    if found is None or found[1] not in _MONTHS.split():
        return None
    return _iso_time(f"{found[3]}-{_MONTHS.split().index(found[1]) + 1:02}-{found[2]}T{found[4]}{found[5]}:{found[6]}")


def cookies_of(text: str) -> dict[str, str]:
    """The cookies of a `Cookie` header or of `document.cookie`; the first of equal names counts, as for browsers."""
    found: dict[str, str] = {}
    for one in text.split(";", maxsplit=_MOST_COOKIES)[:_MOST_COOKIES]:
        name, is_there, value = one.strip().partition("=")
        if is_there and name:
            found.setdefault(name.strip(), value.strip())
    return found
