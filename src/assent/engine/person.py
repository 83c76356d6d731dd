"""Who an event is about, and where an id occurs: by the ids that a regulation names."""

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from assent.domain.errors import InvalidInput
from assent.domain.regulation import SubjectId, SubjectType
from assent.engine.json import JSON_ERRORS, decode_leniently

REDACTED: Final = "[deleted]"

_SHORTEST_NAME: Final = 4
"""An id of fewer characters is looked for where ids are, not in free text: there it could be anything."""

_WORD: Final = re.compile(r"[\w@+-]+(?:\.[\w@+-]+)*")
_QUOTED: Final = re.compile(rb'"([^"]*)"')
_UNCLOSED: Final = re.compile(rb'"([^"]*)$')


class Ids(msgspec.Struct, gc=False, rename="camel"):
    """The ids that an event names a person by; `previous_id` is the one that an alias event joins to another."""

    user_id: str | None = None
    anonymous_id: str | None = None
    previous_id: str | None = None


_decode = msgspec.json.Decoder(Ids).decode


def ids_of(body: bytes) -> Ids:
    """The ids in an event, which is any JSON; what is no text is no id."""
    try:
        return _decode(body)
    except JSON_ERRORS:
        pass
    try:
        event = decode_leniently(body)
    except (InvalidInput, RecursionError):
        return Ids()
    return Ids(*(_text(event, name) for name in ("userId", "anonymousId", "previousId")))


def subjects_of(body: bytes) -> list[SubjectId]:
    """Everyone that an event names. What an alias event calls the previous id may be of either kind."""
    ids = ids_of(body)
    named = (
        (SubjectType.USER_ID, ids.user_id),
        (SubjectType.ANONYMOUS_ID, ids.anonymous_id),
        (SubjectType.USER_ID, ids.previous_id),
        (SubjectType.ANONYMOUS_ID, ids.previous_id),
    )
    return [SubjectId(type_, id_) for type_, id_ in named if id_]


class People:
    """Some people, by their ids, to be found in events and in texts."""

    def __init__(self, subjects: Iterable[SubjectId]) -> None:
        self.subjects = tuple(subjects)
        self._users = {one.id for one in self.subjects if one.type is SubjectType.USER_ID}
        self._browsers = {one.id for one in self.subjects if one.type is SubjectType.ANONYMOUS_ID}
        self._all = self._users | self._browsers
        named = {one for one in self._all if len(one) >= _SHORTEST_NAME}
        self._words = {one for one in named if _WORD.fullmatch(one)}
        self._phrases = named - self._words
        self._bytes = {one.encode() for one in self._all}

    def are_in(self, body: bytes) -> bool:
        """Whether an event is about one of them."""
        ids = ids_of(body)
        return (
            ids.user_id in self._users
            or ids.anonymous_id in self._browsers
            or (ids.previous_id is not None and ids.previous_id in self._all)
        )

    def are_in_sample(self, sample: bytes) -> bool:
        """Whether one of them is in the start of something that never became an event; it may be cut off."""
        if any(one in self._bytes for one in _QUOTED.findall(sample)):
            return True
        cut = _UNCLOSED.search(sample)
        if cut is not None and len(cut[1]) >= _SHORTEST_NAME and any(one.startswith(cut[1]) for one in self._bytes):
            return True
        return self.are_named_in(sample.decode(errors="replace"))

    def are_named_in(self, text: str) -> bool:
        """Whether a text that somebody wrote has the id of one of them as a word."""
        return any(one in text for one in self._phrases) or any(
            one in self._words for one in _WORD.findall(text) if len(one) >= _SHORTEST_NAME
        )

    def redacted(self, text: str) -> str:
        """The text without their ids."""
        for one in sorted(self._phrases, key=len, reverse=True):
            text = text.replace(one, REDACTED)
        return _WORD.sub(lambda found: REDACTED if found[0] in self._words else found[0], text)


def _text(event: Any, name: str) -> str | None:
    found = event.get(name) if isinstance(event, dict) else None
    return found if isinstance(found, str) else None
