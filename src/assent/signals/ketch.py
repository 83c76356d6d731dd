"""Ketch: the cookie `_ketch_consent_v1_`, and what `ketch('on', 'consent', ...)` gives."""

from typing import Any, Final

from assent.signals.reading import Cookies, Reader, Reading, answer, by_id, worded
from assent.signals.text import base64_json_of, object_of

_COOKIE: Final = "_ketch_consent_v1_"


def _read_cookies(cookies: Cookies) -> Reading | None:
    text = cookies.get(_COOKIE)
    value = base64_json_of(text)
    return Reading(tool="ketch", preferences={}, raw=text) if value == {} else _read_statuses(value, text)


def _read_statuses(value: Any, raw: Any) -> Reading | None:
    codes = {code: one["status"] for code, one in object_of(value).items() if "status" in object_of(one)}
    if not codes:
        return None
    preferences = by_id((code, worded(given, "granted", "denied")) for code, given in codes.items())
    return Reading(tool="ketch", preferences=preferences, raw=raw)


def _read_object(value: Any) -> Reading | None:
    purposes = object_of(value).get("purposes")
    if not isinstance(purposes, dict):
        return _read_statuses(value, value)
    if not purposes or not all(isinstance(one, bool) for one in purposes.values()):
        return None
    return Reading(tool="ketch", preferences=by_id((code, answer(one)) for code, one in purposes.items()), raw=value)


READER: Final = Reader("ketch", (_COOKIE,), _read_cookies, _read_object)
