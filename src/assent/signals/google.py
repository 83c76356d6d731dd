"""Google Consent Mode: its storage types, as words or booleans, and the `gcs` parameter of Google's tags."""

import re
from typing import Any, Final

from assent.signals.reading import Answer, Reader, Reading, answer, by_id, worded
from assent.signals.text import object_of

TYPES: Final = (
    "ad_storage",
    "ad_user_data",
    "ad_personalization",
    "analytics_storage",
    "functionality_storage",
    "personalization_storage",
    "security_storage",
)
_DIGITS: Final = {"1": Answer.GRANTED, "0": Answer.DENIED}
_gcs = re.compile(r"G1([01-])([01-])").fullmatch


def _read_object(value: Any) -> Reading | None:
    if isinstance(value, str):
        return _read_gcs(value)
    found = {id_: given for id_, given in object_of(value).items() if id_ in TYPES}
    if not found:
        return None
    return Reading(tool="google", preferences=by_id((id_, _said(one)) for id_, one in found.items()), raw=value)


def _said(given: Any) -> Answer:
    return answer(given) if isinstance(given, bool) else worded(given, "granted", "denied")


def _read_gcs(text: str) -> Reading | None:
    """`G1` and a digit each for advertising and analytics; `-` where nothing was set."""
    found = _gcs(text)
    if found is None:
        return None
    said = dict(zip(("ad_storage", "analytics_storage"), found.groups(), strict=True))
    preferences = {id_: _DIGITS.get(one, Answer.UNKNOWN) for id_, one in said.items()}
    return Reading(tool="google", preferences=preferences, raw=text)


READER: Final = Reader("google", (), lambda _: None, _read_object)
