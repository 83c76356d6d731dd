"""What makes a workspace document a valid one, and what in a valid one deserves a warning."""

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any, Final, TypeAlias

from assent.domain.workspace import SIGNAL_TOOLS, Workspace
from assent.engine.shape import Mistake, Path, guess, misfits, shown

NAME_CHARACTERS: Final = 64
SIGNAL_CHARACTERS: Final = 128
_SEGMENT_ID_CHARACTERS: Final = 34

Pattern: TypeAlias = tuple[str | None, ...]
EACH: Final = None

_DESTINATION_IDS: Final = ("destinations", EACH, "id")
_SOURCE_IDS: Final = ("sources", EACH, "id")
_WRITE_KEYS: Final = ("sources", EACH, "write_key")
_CATEGORY_IDS: Final = ("consent", "categories", EACH, "id")
_MAPPED: Final = ("consent", "categories", EACH, "destinations", EACH)
_SIGNALS: Final = ("consent", "categories", EACH, "signals", EACH)
_SOURCE_DIALECTS: Final = ("sources", EACH, "consent_from", EACH)
_NAMES: Final = (
    ("workspace",),
    ("sources", EACH, "name"),
    ("destinations", EACH, "name"),
    ("consent", "categories", EACH, "name"),
)
_UNIQUE: Final = (_SOURCE_IDS, _WRITE_KEYS, _DESTINATION_IDS, _CATEGORY_IDS)

_is_id = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}").fullmatch
_is_write_key = re.compile(r"[A-Za-z0-9_.~-]{1,128}").fullmatch


def find_mistakes(document: Any) -> list[Mistake]:
    """Everything wrong with a workspace document (parsed JSON) but for its connectors, which the engine knows not."""
    return [
        *misfits(document, Workspace),
        *_wrong_ids(document),
        *_wrong_category_ids(document),
        *_long_names(document),
        *(mistake for pattern in _UNIQUE for mistake in _repeated(document, pattern)),
        *_wrongly_mapped(document),
        *_wrong_signals(document),
        *_named_twice(document, _SIGNALS, "in this category"),
        *_named_twice(document, _SOURCE_DIALECTS, "in this source"),
    ]


def find_warnings(workspace: Workspace) -> list[str]:
    """What is allowed in a workspace and probably not meant; one sentence each."""
    return [*id_warnings(workspace), *unmapped_warnings(workspace), *_later_grants(workspace)]


def id_warnings(workspace: Workspace) -> Iterator[str]:
    """Category ids that look alike, or that Segment does not allow."""
    yield from _lookalikes(workspace)
    yield from _unportable(workspace)


def unmapped_warnings(workspace: Workspace) -> Iterator[str]:
    """Destinations in no category, with what that means under the rules."""
    mapped = {one for category in workspace.categories for one in category.destinations}
    fate = {"deliver": "are delivered to it", "withhold": "are withheld from it"}[workspace.rules.unmapped_destination]
    for destination in workspace.destinations:
        if destination.enabled and destination.id not in mapped:
            yield f"the destination `{destination.id}` is in no category: events that carry consent {fate}"


def texts_at(value: Any, pattern: Pattern, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text of a document at a pattern, with its path; `EACH` stands for every item of a list."""
    if not pattern:
        if isinstance(value, str):
            yield path, value
        return
    step, rest = pattern[0], pattern[1:]
    if step is not EACH:
        if isinstance(value, dict) and step in value:
            yield from texts_at(value[step], rest, (*path, step))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts_at(item, rest, (*path, index))


def _wrong_ids(document: Any) -> Iterator[Mistake]:
    for pattern in (_SOURCE_IDS, _DESTINATION_IDS):
        for path, text in texts_at(document, pattern):
            if not _is_id(text):
                allowed = "use 1 to 64 letters (a to z), digits, `_`, `-` and `.`, a letter or digit first"
                yield Mistake(path, f"{shown(path, text)} is no id; {allowed}")
    for path, text in texts_at(document, _WRITE_KEYS):
        if not _is_write_key(text):
            yield Mistake(path, "is no write key; use 1 to 128 letters (a to z), digits, `_`, `-`, `.` and `~`")


def _wrong_category_ids(document: Any) -> Iterator[Mistake]:
    for path, text in texts_at(document, _CATEGORY_IDS):
        if not 1 <= len(text) <= NAME_CHARACTERS:
            yield Mistake(path, f"{shown(path, text)} has {len(text)} characters; use 1 to {NAME_CHARACTERS}")
        if "." in text:
            yield Mistake(path, f"{shown(path, text)} contains `.`, which a category id may not")
        if not text.isprintable():
            yield Mistake(path, f"{shown(path, text)} contains a character that cannot be seen; remove it")


def _long_names(document: Any) -> Iterator[Mistake]:
    for pattern in _NAMES:
        for path, text in texts_at(document, pattern):
            if len(text) > NAME_CHARACTERS:
                yield Mistake(path, f"{shown(path, text)} has {len(text)} characters; use at most {NAME_CHARACTERS}")


def _repeated(document: Any, pattern: Pattern) -> Iterator[Mistake]:
    first: dict[str, Path] = {}
    for path, text in texts_at(document, pattern):
        if text in first:
            there = Mistake(first[text], "").field
            yield Mistake(path, f"{shown(path, text)} is already used at {there}; each must be unique")
        first.setdefault(text, path)


def _wrongly_mapped(document: Any) -> Iterator[Mistake]:
    destinations = [text for _, text in texts_at(document, _DESTINATION_IDS)]
    seen: set[tuple[Path, str]] = set()
    for path, text in texts_at(document, _MAPPED):
        if text not in destinations:
            yield Mistake(path, f"{shown(path, text)} is no destination{guess(text, 'destinations', destinations)}")
        elif (path[:-1], text) in seen:
            yield Mistake(path, f"{shown(path, text)} is already in this category; name it once")
        seen.add((path[:-1], text))


def _wrong_signals(document: Any) -> Iterator[Mistake]:
    for path, text in texts_at(document, _SIGNALS):
        tool = text.partition(":")[0]
        if tool not in SIGNAL_TOOLS:
            yield Mistake(
                path, f"{shown(path, text)} begins with no tool and a colon{guess(tool, 'tools', SIGNAL_TOOLS)}"
            )
        elif not 1 <= len(text) <= SIGNAL_CHARACTERS or not text.isprintable() or text.endswith(":"):
            yield Mistake(
                path, f"{shown(path, text)} is no signal; write the tool, a colon and its id, such as `tcf:4`"
            )


def _named_twice(document: Any, pattern: Pattern, where: str) -> Iterator[Mistake]:
    seen: set[tuple[Path, str]] = set()
    for path, text in texts_at(document, pattern):
        if (path[:-1], text) in seen:
            yield Mistake(path, f"{shown(path, text)} is already {where}; name it once")
        seen.add((path[:-1], text))


def _lookalikes(workspace: Workspace) -> Iterator[str]:
    for one, other in combinations(workspace.categories, 2):
        if one.id != other.id and one.id.strip().casefold() == other.id.strip().casefold():
            yield f"the category ids `{one.id}` and `{other.id}` differ only in case or blanks, and are two categories"


def _unportable(workspace: Workspace) -> Iterator[str]:
    for category in workspace.categories:
        if category.id[:1].isdigit():
            yield f"the category id `{category.id}` begins with a digit, which Segment does not allow"
        if len(category.id) > _SEGMENT_ID_CHARACTERS:
            yield f"the category id `{category.id}` is longer than Segment's {_SEGMENT_ID_CHARACTERS} characters"


def _later_grants(workspace: Workspace) -> Iterator[str]:
    if workspace.backfill_later_grants:
        yield (
            "`backfill_later_grants` is on: a backfill sends what people did before they agreed to it; ask a lawyer "
            "whether their consent covers that"
        )
