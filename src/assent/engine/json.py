"""Decoding JSON that strangers send: what every parser here agrees on, and what to do with the rest."""

import json
import re
import sys
from typing import Any, Final, NoReturn

import msgspec

from assent.domain.errors import InvalidInput

JSON_ERRORS: Final = (msgspec.DecodeError, ValueError, RecursionError)

_decode = msgspec.json.Decoder().decode

_SAFE_DIGITS: Final = sys.int_info.str_digits_check_threshold
_ESCAPES = re.compile(rb"(?:\\u[dD][89abAB]..\\u[dD][c-fC-F]..)|(\\u[dD][89a-fA-F]..)|\\.", re.DOTALL)


def check_utf8(body: bytes) -> None:
    """Raises InvalidInput unless the body is UTF-8, which msgspec does not check in the fields that it skips."""
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise InvalidInput(f"the body is not UTF-8: {error.reason} at byte {error.start}") from None


def mend_surrogates(body: bytes) -> bytes:
    """The JSON `body` with U+FFFD for each escaped half of a surrogate pair, which browsers do send."""
    return _ESCAPES.sub(lambda found: b"\\ufffd" if found[1] else found[0], body)


def decode_leniently(body: bytes) -> Any:
    """The JSON value of `body`, the last of equal keys winning.

    Takes what clients do send and msgspec refuses: half of a surrogate pair becomes U+FFFD, a number out of range
    becomes infinity (and null when it is written again). Raises InvalidInput for what is not JSON, or too deep.
    """
    try:
        return _decode(body)
    except JSON_ERRORS:
        pass
    try:
        return json.loads(mend_surrogates(body).decode(), parse_int=_int, parse_constant=_refuse)
    except RecursionError:
        raise InvalidInput("the body is nested too deeply, send it flatter") from None
    except ValueError as error:
        raise InvalidInput(f"the body is not JSON: {error}") from None


def _int(digits: str) -> int | float:
    """Integers of thousands of digits are JSON, but Python refuses to read them as what they are."""
    return int(digits) if len(digits) <= _SAFE_DIGITS else float(digits)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"`{constant}` is not JSON")
