"""Cookiebot: the cookie `CookieConsent`, which is a JavaScript literal and no JSON, and `Cookiebot.consent`."""

import re
from typing import Any, Final

from assent.signals.reading import Answer, Cookies, Reader, Reading, answer
from assent.signals.text import COOKIE_CHARACTERS, object_of, time_of, unquoted, word

CATEGORIES: Final = ("necessary", "preferences", "statistics", "marketing")
_COOKIE: Final = "CookieConsent"
_UNDECIDED: Final = ("0", "-1")
_METHODS: Final = {"explicit": True, "implied": False}
_MEANINGS: Final = {"true": Answer.GRANTED, "false": Answer.DENIED}

_fields = re.compile(r"""\b(\w++)\s*+:\s*+(?:'([^']*+)'|"([^"]*+)"|([^,}'"\s]++))""").findall


def _read_cookies(cookies: Cookies) -> Reading | None:
    text = cookies.get(_COOKIE)
    literal = unquoted(text).strip() if text is not None and len(text) <= COOKIE_CHARACTERS else ""
    if literal in _UNDECIDED:
        undecided = dict.fromkeys(CATEGORIES, Answer.UNKNOWN)
        return Reading(tool="cookiebot", preferences=undecided, explicit=False, raw=text)
    if not literal.startswith("{"):
        return None
    fields = {name: single or double or bare for name, single, double, bare in _fields(literal)}
    preferences = {one: _MEANINGS.get(fields[one], Answer.UNKNOWN) for one in CATEGORIES if one in fields}
    if not preferences:
        return None
    return Reading(
        tool="cookiebot",
        preferences=preferences,
        explicit=_METHODS.get(fields.get("method", "")),
        at=time_of(fields.get("utc")),
        version=word(fields.get("ver")),
        consent_id=word(fields.get("stamp")),
        raw=text,
    )


def _read_object(value: Any) -> Reading | None:
    """`Cookiebot.consent`, or `Cookiebot` itself."""
    found = object_of(value)
    found = object_of(found.get("consent")) or found
    if not {"necessary", "statistics", "marketing"} <= found.keys():
        return None
    return Reading(
        tool="cookiebot",
        preferences={one: answer(found[one]) for one in CATEGORIES if one in found},
        explicit=_METHODS.get(word(found.get("method"))),
        consent_id=word(found.get("stamp")),
        raw=value,
    )


READER: Final = Reader("cookiebot", (_COOKIE,), _read_cookies, _read_object)
