"""What others changed while somebody filled in a form: shown before the form may be sent again on top of it."""

import msgspec

from assent.app.services.workspaces import difference_in_words
from assent.app.wiring import Stores

_MOST_WORDS = 12


class Meanwhile(msgspec.Struct, frozen=True):
    """The versions that came between: the newest, who made them, and what differs in words."""

    number: int
    authors: tuple[str, ...]
    words: tuple[str, ...]
    more: int


def meanwhile(stores: Stores, since: int) -> Meanwhile | None:
    """What came after version `since`; None when nothing did."""
    number = stores.versions.current_number()
    if not 0 <= since < number:
        return None
    newer = [stores.versions.get(one) for one in stores.versions.numbers() if one > since]
    words = difference_in_words(stores, number, since, last_day={})
    return Meanwhile(
        number,
        tuple(dict.fromkeys(one.author for one in reversed(newer))),
        tuple(words[:_MOST_WORDS]),
        max(0, len(words) - _MOST_WORDS),
    )
