"""Osano: `Osano.cm.getConsent()`. Its cookie is opaque, so only the browser can be asked."""

from typing import Any, Final

from assent.signals.reading import Answer, Reader, Reading, by_id, worded
from assent.signals.text import object_of

_CATEGORIES: Final = frozenset({"ESSENTIAL", "ANALYTICS", "MARKETING", "PERSONALIZATION", "OPT_OUT", "STORAGE"})


def _read_object(value: Any) -> Reading | None:
    found = {id_: given for id_, given in object_of(value).items() if id_ in _CATEGORIES}
    if not found or not _CATEGORIES - {"OPT_OUT"} & found.keys():
        return None
    return Reading(tool="osano", preferences=by_id((id_, _said(id_, one)) for id_, one in found.items()), raw=value)


def _said(id_: str, given: Any) -> Answer:
    # What accepting to opt out means is not documented: a guess could open what was refused.
    return Answer.UNKNOWN if id_ == "OPT_OUT" else worded(given, "ACCEPT", "DENY")


READER: Final = Reader("osano", (), lambda _: None, _read_object)
