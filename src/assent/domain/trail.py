"""The audit trail: what was changed, by whom and when, with what it was before and is now."""

from typing import Any

import msgspec


class Happening(msgspec.Struct, frozen=True):
    """One change.

    `action` is noun and past tense in title case, as in Segment's audit trail (*Consent Category Created*). `kind` and
    `id` name what it happened to. `before` and `after` are the parts that changed, as JSON values without secrets;
    None where there was, or is, nothing.
    """

    action: str
    kind: str
    id: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


class Entry(msgspec.Struct, frozen=True):
    """A change on record: `number` orders entries, `at` is UTC epoch milliseconds, `version` the one it made."""

    number: int
    at: int
    author: str
    happening: Happening
    version: int | None = None
    comment: str = ""
