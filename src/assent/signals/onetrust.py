"""OneTrust: the cookie `OptanonConsent`, and the groups that its page knows."""

from collections.abc import Iterator
from typing import Any, Final

from assent.signals.reading import Answer, Cookies, Reader, Reading, answer, by_id
from assent.signals.text import javascript_time_of, list_of, object_of, query_of, time_of, unquoted, word

_CONSENT: Final = "OptanonConsent"
_CLOSED: Final = "OptanonAlertBoxClosed"
_FIELDS: Final = frozenset({"groups", "consentId", "isGpcEnabled", "interactionCount", "landingPath", "datestamp"})
_MEANINGS: Final = {"1": Answer.GRANTED, "0": Answer.DENIED}
_FLAGS: Final = {"1": True, "0": False}


def _read_cookies(cookies: Cookies) -> Reading | None:
    text = cookies.get(_CONSENT)
    if text is None:
        return None
    fields = _fields(text)
    if _FIELDS.isdisjoint(fields):
        return None
    closed = unquoted(cookies.get(_CLOSED, ""))
    acted = True if closed else None if fields.get("interactionCount", "0") not in ("", "0") else False
    signals = [_FLAGS[fields[name]] for name in ("isGpcEnabled", "browserGpcFlag") if fields.get(name) in _FLAGS]
    return Reading(
        tool="onetrust",
        preferences=by_id(_groups(fields)),
        explicit=acted,
        at=time_of(closed) or javascript_time_of(fields.get("datestamp", "")),
        version=word(fields.get("version")),
        consent_id=word(fields.get("consentId")),
        gpc=any(signals) if signals else None,
        raw={name: cookies[name] for name in READER.cookies if name in cookies},
    )


def _fields(text: str) -> dict[str, str]:
    """The fields of the cookie, which some servers hand on encoded once more."""
    fields = query_of(text)
    return fields if not _FIELDS.isdisjoint(fields) else query_of(unquoted(text))


def _groups(fields: dict[str, str]) -> Iterator[tuple[str, Answer]]:
    # While it asks anew, what was answered before counts no longer.
    is_asking = fields.get("AwaitingReconsent") == "true"
    for one in unquoted(fields.get("groups", "")).split(","):
        id_, _, given = one.strip().rpartition(":")
        yield id_, Answer.UNKNOWN if is_asking else _MEANINGS.get(given, Answer.UNKNOWN)


def _read_object(value: Any) -> Reading | None:
    """`OneTrust.GetDomainData()`, its groups alone, or both `groups` and `active` (`OnetrustActiveGroups`)."""
    found = object_of(value)
    groups = list_of(value) or list_of(found.get("Groups")) or list_of(found.get("groups"))
    active = value if isinstance(value, str) else found.get("active")
    granted = active.strip(",").split(",") if isinstance(active, str) and active[:1] == "," else None
    names = {
        one["CustomGroupId"]: word(one.get("GroupName"))
        for one in map(object_of, groups)
        if isinstance(one.get("CustomGroupId"), str)
    }
    if not names and not granted:
        return None
    ids = names or dict.fromkeys(granted or ())
    said = Answer.UNKNOWN
    return Reading(
        tool="onetrust",
        preferences=by_id((id_, said if granted is None else answer(id_ in granted)) for id_ in ids),
        names={id_: name for id_, name in names.items() if name},
        raw=value,
    )


READER: Final = Reader("onetrust", (_CONSENT, _CLOSED), _read_cookies, _read_object)
