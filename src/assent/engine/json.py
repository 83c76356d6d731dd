"""Decoding JSON that strangers send: what every parser here agrees on, and what to do with the rest."""

import json
from typing import Any, Final, NoReturn

import msgspec

from assent.domain.errors import InvalidInput

JSON_ERRORS: Final = (msgspec.DecodeError, ValueError, RecursionError)

_decode = msgspec.json.Decoder().decode


def check_utf8(body: bytes) -> None:
    """Raises InvalidInput unless the body is UTF-8, which msgspec does not check in the fields that it skips."""
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise InvalidInput(f"the body is not UTF-8: {error.reason} at byte {error.start}") from None


def decode_leniently(body: bytes) -> Any:
    """The JSON value of `body`, the last of equal keys winning.

    Takes what browsers do send and msgspec refuses: half of a surrogate pair becomes U+FFFD, a number out of range
    becomes infinity (and null when it is written again). Raises InvalidInput for what is not JSON, or too deep.
    """
    try:
        return _decode(body)
    except JSON_ERRORS:
        pass
    try:
        return _with_replacements(json.loads(body, parse_constant=_refuse))
    except RecursionError:
        raise InvalidInput("the body is nested too deeply") from None
    except ValueError as error:
        raise InvalidInput(f"the body is not JSON: {error}") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"`{constant}` is not JSON")


def _with_replacements(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_with_replacements(one) for one in value]
    if isinstance(value, dict):
        return {_with_replacements(name): _with_replacements(one) for name, one in value.items()}
    return value
