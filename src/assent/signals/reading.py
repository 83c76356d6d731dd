"""What one consent tool or standard says of one person: the readers' answer, the same for all of them."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, TypeAlias

import msgspec

MOST_IDS: Final = 500
"""How many ids one reading may have: far more than any tool, and a bound on what a stranger can send."""
MOST_ID_CHARACTERS: Final = 100
_VENDOR: Final = "vendor "


class Answer(StrEnum):
    """What a person answered for one id of a tool. Unknown is not denied: it is kept apart, and enforced alike."""

    GRANTED = "granted"
    DENIED = "denied"
    UNKNOWN = "unknown"


class Vendors(msgspec.Struct, frozen=True):
    """The vendors that were granted something, as the bits of one number: vendor 5 is bit 5."""

    bits: int = 0

    def __contains__(self, vendor: int) -> bool:
        return bool(self.bits >> vendor & 1)

    def numbers(self) -> list[int]:
        return [number for number, bit in enumerate(reversed(f"{self.bits:b}")) if bit == "1"]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader found.

    `preferences` has an answer for each id that is named. `explicit` says whether the person acted (True) or a default
    applied (False); None where the signal does not tell. `at` is when, UTC epoch milliseconds. `names` are the ids'
    names where the signal carries them. `vendors` are those that were granted, for standards that have vendors; all
    others were not. `gpc` says whether the signal reports Global Privacy Control. `raw` is what was read, unchanged.
    """

    tool: str
    preferences: Mapping[str, Answer]
    explicit: bool | None = None
    at: int | None = None
    version: str = ""
    consent_id: str = ""
    names: Mapping[str, str] = {}
    vendors: Vendors | None = None
    gpc: bool | None = None
    raw: Any = None

    def answer(self, id_: str) -> Answer | None:
        """The answer for an id, `vendor 755` among them; None where nothing is said of it."""
        if self.vendors is not None and id_.startswith(_VENDOR):
            number = id_.removeprefix(_VENDOR)
            if number.isascii() and number.isdigit() and len(number) <= len("65535"):
                return Answer.GRANTED if int(number) in self.vendors else Answer.DENIED
        return self.preferences.get(id_)


Cookies: TypeAlias = Mapping[str, str]
"""Cookies, or entries of a browser's storage, by name; values as they were stored."""


class Reader(msgspec.Struct, frozen=True):
    """How one tool is read: each function gives None for what the tool did not write, and never raises.

    `cookies` are the names of the tool's cookies and storage entries, `*` standing for any ending; the value of the
    first can be read by itself. `read_object` reads the JSON value that the tool gives in the browser.
    """

    tool: str
    cookies: tuple[str, ...]
    read_cookies: Callable[[Cookies], Reading | None]
    read_object: Callable[[Any], Reading | None]

    def owns(self, cookie: str) -> bool:
        """Whether a cookie of this name is the tool's."""
        return any(cookie.startswith(one[:-1]) if one.endswith("*") else cookie == one for one in self.cookies)


def answer(value: Any) -> Answer:
    """JSON true and false as answers; anything else is unknown."""
    if value is True:
        return Answer.GRANTED
    return Answer.DENIED if value is False else Answer.UNKNOWN


def worded(value: Any, granted: str, denied: str) -> Answer:
    """An answer that a tool writes as one of two words."""
    if value == granted:
        return Answer.GRANTED
    return Answer.DENIED if value == denied else Answer.UNKNOWN


def together(answers: Iterable[Answer]) -> Answer:
    """Several answers as one: granted when all are, denied when one is, else unknown; none at all is unknown."""
    found = set(answers)
    if Answer.DENIED in found:
        return Answer.DENIED
    return Answer.GRANTED if found == {Answer.GRANTED} else Answer.UNKNOWN


def agreed(answers: Iterable[Answer]) -> Answer:
    """The answer that all give; unknown when they differ, which tools show as a half-ticked group."""
    found = set(answers)
    return found.pop() if len(found) == 1 else Answer.UNKNOWN


def by_id(pairs: Iterable[tuple[Any, Answer]]) -> dict[str, Answer]:
    """Answers by id, at most `MOST_IDS`; what cannot be an id is left out. Of an id named twice, the worse counts."""
    found: dict[str, Answer] = {}
    for id_, given in pairs:
        if isinstance(id_, str) and 0 < len(id_) <= MOST_ID_CHARACTERS and (id_ in found or len(found) < MOST_IDS):
            found[id_] = together((found[id_], given)) if id_ in found else given
    return found
