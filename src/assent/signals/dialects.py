"""The ways in which events say what people consented to, where it is not in Segment's way: each as readings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

from assent.domain.workspace import Dialect
from assent.signals.gpc import read_gpc
from assent.signals.gpp import READER as GPP
from assent.signals.gpp import read_gpp_sections
from assent.signals.readers import find_reader, read_cookies, unread
from assent.signals.reading import Answer, Cookies, Reading, answer, by_id
from assent.signals.tcf import READER as TCF
from assent.signals.tcf import read_tc_string
from assent.signals.text import COOKIE_CHARACTERS, cookies_of, object_of, word

Said: TypeAlias = Sequence[Reading] | None
"""What was read in one dialect; None for what is there and cannot be read."""

_REMEMBERED: Final = 1_024


DIALECTS: Final[Mapping[Dialect, str]] = {
    "rudderstack": "RudderStack's `context.consentManagement`: allowed and denied ids",
    "mparticle": "mParticle's `consent_state`, in the event or its context",
    "consent-manager": "Segment's open-source consent-manager: `context.consent.destinationPreferences`",
    "segment-old": "The same, in older versions: the traits `customTrackingPreferences` and "
    "`destinationTrackingPreferences`",
    "cookie": "The consent tool's cookies, forwarded as `context.consent.cookie`",
    "tcf": "A TC string, forwarded as `context.consent.tcf`",
    "gpp": "A GPP string, forwarded as `context.consent.gpp`",
    "gpc": "Global Privacy Control, forwarded as `context.consent.gpc`",
}
"""What each is, for people."""


def read_dialect(dialect: Dialect, event: Mapping[str, Any]) -> Said:
    """What an event says in this dialect: nothing where it does not speak it. JSON null is nothing."""
    context = object_of(event.get("context"))
    return _READERS[dialect](event, context, object_of(context.get("consent")))


_Reader: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]], Said]


# ------------------------------------------------------------------------------------ other platforms


def _rudderstack(_event: Any, context: Mapping[str, Any], _consent: Any) -> Said:
    """`context.consentManagement`: ids that were allowed, and ids that were denied, which win."""
    management = context.get("consentManagement")
    if management is None:
        return []
    if not isinstance(management, dict):
        return None
    allowed, denied = _ids(management.get("allowedConsentIds")), _ids(management.get("deniedConsentIds"))
    if allowed is None or denied is None:
        return None
    provider = word(management.get("provider")).lower()
    return [
        Reading(
            tool=provider if find_reader(provider) is not None else "rudderstack",
            preferences=by_id([*((one, Answer.GRANTED) for one in allowed), *((one, Answer.DENIED) for one in denied)]),
            raw=management,
        )
    ]


def _ids(value: Any) -> list[str] | None:
    # Before it is initialised, the library for browsers sends `{}` for an empty list.
    if value is None or value == {}:
        return []
    return value if isinstance(value, list) and all(isinstance(one, str) for one in value) else None


def _mparticle(event: Mapping[str, Any], context: Mapping[str, Any], _consent: Any) -> Said:
    """`consent_state`, in the event or its context: purposes under `gdpr`, and under `ccpa` an opt-out of sale."""
    state = event.get("consent_state", context.get("consent_state"))
    if state is None:
        return []
    if not isinstance(state, dict):
        return None
    purposes, california = state.get("gdpr", {}), state.get("ccpa", {})
    if not isinstance(purposes, dict | None) or not isinstance(california, dict | None):
        return None
    answers = [(id_, answer(object_of(one).get("consented"))) for id_, one in (purposes or {}).items()]
    if "data_sale_opt_out" in (california or {}):
        # To consent to the opt-out is to refuse the sale.
        opted_out = object_of((california or {})["data_sale_opt_out"]).get("consented")
        answers.append(("sale", answer(not opted_out if isinstance(opted_out, bool) else None)))
    return [Reading(tool="mparticle", preferences=by_id(answers), raw=state)]


def _consent_manager(_event: Any, _context: Any, consent: Mapping[str, Any]) -> Said:
    """`context.consent.destinationPreferences` of Segment's open-source consent-manager: by integration."""
    return _booleans("consent-manager", consent.get("destinationPreferences"))


def _segment_old(event: Mapping[str, Any], context: Mapping[str, Any], _consent: Any) -> Said:
    """The traits that consent-manager set before events had a consent object: by category, and by integration."""
    found: list[Reading] = []
    for traits in (object_of(event.get("traits")), object_of(context.get("traits"))):
        for name in ("customTrackingPreferences", "destinationTrackingPreferences"):
            said = _booleans("segment-old", traits.get(name))
            if said is None:
                return None
            found += said
    return found


def _booleans(tool: str, value: Any) -> Said:
    if value is None:
        return []
    if not isinstance(value, dict):
        return None
    return [Reading(tool=tool, preferences=by_id((id_, answer(one)) for id_, one in value.items()), raw=value)]


# ------------------------------------------------------------------------------------ what pages forward


def _tcf(_event: Any, _context: Any, consent: Mapping[str, Any]) -> Said:
    value = consent.get("tcf")
    if value is None:
        return []
    reading = _tc_string(value) if isinstance(value, str) else TCF.read_object(value)
    return [reading] if reading is not None else None


def _gpp(_event: Any, _context: Any, consent: Mapping[str, Any]) -> Said:
    value = consent.get("gpp")
    if value is None:
        return []
    whole = value if isinstance(value, str) else object_of(value).get("gppString")
    found: Said = _gpp_string(whole) if isinstance(whole, str) else None
    return found


def _gpc(_event: Any, _context: Any, consent: Mapping[str, Any]) -> Said:
    value = consent.get("gpc")
    reading = read_gpc(value) if value is not None else None
    if reading is None:
        return [] if value is None else None
    # Where it is off it says nothing: nobody consents by it.
    return [reading] if reading.gpc else []


def _cookie(_event: Any, _context: Any, consent: Mapping[str, Any]) -> Said:
    """Cookies as a `Cookie` header has them, or by name. With no consent tool's among them nobody has answered yet."""
    value = consent.get("cookie")
    if value is None:
        return []
    if isinstance(value, str):
        found: Said = _cookie_header(value)
        return found
    if isinstance(value, dict) and all(isinstance(one, str) for one in value.values()):
        return _of_cookies(value)
    return None


def _of_cookies(cookies: Cookies) -> Said:
    if unread(cookies):
        return None
    found = list(_sections(read_cookies(cookies)))
    return found or [Reading(tool="cookie", preferences={}, raw=cookies)]


def _sections(readings: Sequence[Reading]) -> Iterator[Reading]:
    """The readings, that of a GPP string by its sections."""
    for one in readings:
        yield from (read_gpp_sections(one.raw) or ()) if one.tool == GPP.tool else (one,)


def _short(read: Callable[[str], Said | Reading]) -> Callable[[str], Any]:
    """The same function, which remembers what it made of short texts: one person sends the same over and over."""
    remembering = lru_cache(_REMEMBERED)(read)
    return lambda text: remembering(text) if len(text) <= COOKIE_CHARACTERS else read(text)


_tc_string = _short(read_tc_string)
_gpp_string = _short(read_gpp_sections)
_cookie_header = _short(lambda text: _of_cookies(cookies_of(text)))

_READERS: Final[Mapping[Dialect, _Reader]] = {
    "rudderstack": _rudderstack,
    "mparticle": _mparticle,
    "consent-manager": _consent_manager,
    "segment-old": _segment_old,
    "cookie": _cookie,
    "tcf": _tcf,
    "gpp": _gpp,
    "gpc": _gpc,
}
