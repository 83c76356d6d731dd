"""Termly: `Termly.getConsentState()`. What it stores is for itself, so only the browser can be asked."""

from typing import Any, Final

from assent.signals.reading import Reader, Reading, answer, by_id
from assent.signals.text import object_of

_CATEGORIES: Final = ("essential", "performance", "analytics", "advertising", "social_networking", "unclassified")


def _read_object(value: Any) -> Reading | None:
    found = object_of(value)
    found = object_of(found.get("consentState")) or found
    given = {id_: found[id_] for id_ in _CATEGORIES if id_ in found}
    if "essential" not in given or len(given) == 1:
        return None
    return Reading(tool="termly", preferences=by_id((id_, answer(one)) for id_, one in given.items()), raw=value)


READER: Final = Reader("termly", (), lambda _: None, _read_object)
