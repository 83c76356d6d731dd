"""iubenda: the cookies `_iub_cs-<number>`, and `_iub.cs.consent`."""

from typing import Any, Final

from assent.signals.reading import Answer, Cookies, Reader, Reading, answer, by_id
from assent.signals.text import json_of, object_of, time_of, word

_PREFIX: Final = "_iub_cs-"
_PURPOSES: Final = ("1", "2", "3", "4", "5")


def _read_cookies(cookies: Cookies) -> Reading | None:
    found = ((one, _read(json_of(one))) for name, one in cookies.items() if name.startswith(_PREFIX))
    return next((_kept(reading, text) for text, reading in found if reading is not None), None)


def _read_object(value: Any) -> Reading | None:
    reading = _read(value)
    return _kept(reading, value) if reading is not None else None


def _read(value: Any) -> dict[str, Any] | None:
    """The consent, where it is one: its purposes are numbers, or it is the older form, yes or no to everything."""
    found = dict(object_of(value))
    purposes = found.get("purposes")
    if isinstance(purposes, dict):
        return found if purposes and all(id_.isdigit() for id_ in purposes) else None
    return found if isinstance(found.get("consent"), bool) and "timestamp" in found else None


def _kept(found: dict[str, Any], raw: Any) -> Reading:
    purposes = found.get("purposes")
    if isinstance(purposes, dict):
        preferences = by_id((id_, answer(one)) for id_, one in purposes.items())
    else:
        preferences = dict.fromkeys(_PURPOSES, answer(found["consent"])) | {"1": Answer.GRANTED}
    at = time_of(found.get("timestamp"))
    return Reading(
        tool="iubenda",
        preferences=preferences,
        explicit=True if at is not None else None,
        at=at,
        version=word(found.get("version")),
        consent_id=word(found.get("id")),
        raw=raw,
    )


READER: Final = Reader("iubenda", (f"{_PREFIX}*",), _read_cookies, _read_object)
