"""TrustArc: three cookies that say the same in three ways, one of which counts from 1, and `truste.cma.callApi`."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from assent.signals.reading import Answer, Cookies, Reader, Reading, answer, by_id, together
from assent.signals.text import COOKIE_CHARACTERS, list_of, object_of, unquoted, word

_BEHAVIOUR: Final = "notice_behavior"
_BUCKETS: Final = 3
_MOST_BUCKETS: Final = 20
_SOURCES: Final = {"asserted": True, "implied": False, "unprovisioned": False}

_numbers = re.compile(r"\d{1,4}").findall
_is_permit = re.compile(r"permit[ _|:]").match


def _permitted(text: str) -> set[int] | None:
    """`permit 1,2,3`, counted from 1."""
    return {int(one) for one in _numbers(text)} if _is_permit(text) else None


def _listed(text: str) -> set[int] | None:
    """`0,1,2:`, counted from 0; what follows the colon is something else."""
    return {int(one) + 1 for one in _numbers(text.partition(":")[0])} or None


def _up_to(text: str) -> set[int] | None:
    """`2:`, the highest that was accepted, counted from 0."""
    highest = _numbers(text.partition(":")[0])
    return set(range(1, min(int(highest[0]), _MOST_BUCKETS) + 2)) if highest else None


_COOKIES: Final[dict[str, Callable[[str], set[int] | None]]] = {
    "cmapi_cookie_privacy": _permitted,
    "notice_gdpr_prefs": _listed,
    "notice_preferences": _up_to,
}


def _read_cookies(cookies: Cookies) -> Reading | None:
    texts = {name: unquoted(cookies[name])[:COOKIE_CHARACTERS] for name in _COOKIES if name in cookies}
    accepted = [found for name, text in texts.items() if (found := _COOKIES[name](text)) is not None]
    if not accepted:
        return None
    behaviour = unquoted(cookies.get(_BEHAVIOUR, "")).partition(",")[0]
    return Reading(
        tool="trustarc",
        # Where they disagree, a bucket that one of them refuses is refused.
        preferences=_of_all(accepted),
        explicit={"expressed": True, "implied": False}.get(behaviour),
        version=behaviour[:100],
        raw={name: cookies[name] for name in (*_COOKIES, _BEHAVIOUR) if name in cookies},
    )


def _of_all(accepted: list[set[int]]) -> dict[str, Answer]:
    buckets = _numbered(accepted)
    return by_id((str(one), together(answer(one in each) for each in accepted)) for one in buckets)


def _numbered(accepted: Iterable[set[int]]) -> range:
    highest = max((one for each in accepted for one in each if one <= _MOST_BUCKETS), default=0)
    return range(1, max(highest, _BUCKETS) + 1)


def _read_object(value: Any) -> Reading | None:
    """What `getConsentDecision` gives: a list of buckets, or the highest; counted from 1."""
    found = object_of(value)
    decision, source = found.get("consentDecision"), word(found.get("source"))
    if "consentDecision" not in found or source not in _SOURCES:
        return None
    highest = decision if isinstance(decision, int) and not isinstance(decision, bool) else 0
    listed = {one for one in list_of(decision) if isinstance(one, int) and not isinstance(one, bool) and one > 0}
    accepted = listed or set(range(1, min(highest, _MOST_BUCKETS) + 1))
    is_decided = bool(accepted) and source != "unprovisioned"
    return Reading(
        tool="trustarc",
        preferences=_of_all([accepted]) if is_decided else {str(one): Answer.UNKNOWN for one in range(1, _BUCKETS + 1)},
        explicit=_SOURCES[source],
        raw=value,
    )


READER: Final = Reader("trustarc", tuple(_COOKIES), _read_cookies, _read_object)
