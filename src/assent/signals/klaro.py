"""Klaro: the cookie `klaro`, and its manager in the browser."""

from typing import Any, Final

from assent.signals.reading import Cookies, Reader, Reading, answer, by_id
from assent.signals.text import json_of, list_of, object_of, word

_COOKIE: Final = "klaro"


def _read_cookies(cookies: Cookies) -> Reading | None:
    text = cookies.get(_COOKIE)
    services = json_of(text)
    if not isinstance(services, dict) or not all(isinstance(one, bool) for one in services.values()):
        return None
    # It is only written once somebody has decided.
    return Reading(
        tool="klaro", preferences=by_id((id_, answer(one)) for id_, one in services.items()), explicit=True, raw=text
    )


def _read_object(value: Any) -> Reading | None:
    """The manager's `consents` and `confirmed`; with its configuration, the titles of the services."""
    found = object_of(value)
    consents, confirmed = found.get("consents"), found.get("confirmed")
    if not isinstance(consents, dict) or not isinstance(confirmed, bool):
        return None
    services = [object_of(one) for one in list_of(object_of(found.get("config")).get("services"))]
    return Reading(
        tool="klaro",
        preferences=by_id((id_, answer(one)) for id_, one in consents.items()),
        explicit=confirmed,
        names={
            word(one["name"]): word(one["title"])
            for one in services
            if word(one.get("name")) and word(one.get("title"))
        },
        raw=value,
    )


READER: Final = Reader("klaro", (_COOKIE,), _read_cookies, _read_object)
