"""CookieYes: the cookie `cookieyes-consent`, `getCkyConsent()`, and the details of its event."""

from typing import Any, Final

from assent.signals.reading import Answer, Cookies, Reader, Reading, answer, by_id, worded
from assent.signals.text import list_of, object_of, time_of, unquoted, word

_COOKIE: Final = "cookieyes-consent"
_NOT_CATEGORIES: Final = frozenset({"consentid", "consent", "action", "lastRenewedDate"})


def _read_cookies(cookies: Cookies) -> Reading | None:
    text = cookies.get(_COOKIE)
    if text is None:
        return None
    parts = (one.partition(":") for one in unquoted(text).split(",")[:100])
    fields = {name.strip(): value.strip() for name, colon, value in parts if colon}
    if "consentid" not in fields or "action" not in fields:
        return None
    answers = ((id_, worded(one, "yes", "no")) for id_, one in fields.items() if id_ not in _NOT_CATEGORIES)
    return Reading(
        tool="cookieyes",
        preferences=by_id(answers),
        explicit=fields["action"] == "yes",
        at=time_of(fields.get("lastRenewedDate")),
        consent_id=word(fields["consentid"]),
        raw=text,
    )


def _read_object(value: Any) -> Reading | None:
    found = object_of(value)
    found = object_of(found.get("detail")) or found
    categories = found.get("categories")
    if isinstance(categories, dict) and "isUserActionCompleted" in found:
        acted = found["isUserActionCompleted"]
        return Reading(
            tool="cookieyes",
            preferences=by_id((id_, answer(one)) for id_, one in categories.items()),
            explicit=acted if isinstance(acted, bool) else None,
            consent_id=word(found.get("consentID")),
            raw=value,
        )
    if isinstance(found.get("accepted"), list) and isinstance(found.get("rejected"), list):
        granted = ((id_, Answer.GRANTED) for id_ in list_of(found["accepted"]))
        denied = ((id_, Answer.DENIED) for id_ in list_of(found["rejected"]))
        return Reading(tool="cookieyes", preferences=by_id([*granted, *denied]), explicit=True, raw=value)
    return None


READER: Final = Reader("cookieyes", (_COOKIE,), _read_cookies, _read_object)
