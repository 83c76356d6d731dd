"""From what an event says in other dialects to `context.consent.categoryPreferences`, by the categories' signals."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from assent.domain.workspace import Category, Source
from assent.engine.consent import Whole, read_preferences
from assent.signals.dialects import read_dialect
from assent.signals.reading import Answer, Reading, answer, together

AS_SENT: Final = "categoryPreferencesAsSent"
"""Where the preferences that an event brought are kept, when others come into their place."""

_UNANSWERED: Final = object()
_Event: TypeAlias = dict[str, Any]

_STANDARDS: Final = frozenset({"tcf", "gpp", "gpc"})
"""Their ids are numbers and words that a category of another tool may have, too: only signals count for them."""


class Translator:
    """What a source with `consent_from` needs: gives events the preferences that they state in other ways.

    A category is granted where all that is said of it grants it, and refused where anything refuses it. What nobody
    answered is left out, which enforces like a refusal. What is there and cannot be read makes all of it unreadable.
    """

    def __init__(self, source: Source, categories: Iterable[Category]) -> None:
        self._dialects = source.consent_from
        self._signals: dict[str, dict[str, list[str]]] = {}
        self._categories = frozenset(one.id for one in categories)
        for category in categories:
            for signal in category.signals:
                tool, _, id_ = signal.partition(":")
                self._signals.setdefault(tool, {}).setdefault(category.id, []).append(id_ or tool)

    def __call__(self, event: Any) -> _Event | None:
        """The event with its preferences; None where there is nothing to change."""
        own = read_preferences(event)
        if own is Whole.UNREADABLE or not isinstance(event, dict):
            return None
        readings: list[Reading] = []
        for dialect in self._dialects:
            said = read_dialect(dialect, event)
            if said is None:
                return _stamped(event, own, None)
            readings += said
        if not readings:
            return None
        return _stamped(event, own, self._preferences(own, readings))

    def _preferences(self, own: Mapping[str, Any] | Whole, readings: Sequence[Reading]) -> dict[str, Any]:
        stated = dict(own) if isinstance(own, Mapping) else {}
        answers: dict[str, list[Answer]] = {}
        for reading in readings:
            for category, given in self._answers(reading):
                answers.setdefault(category, []).append(given)
        for category, all_given in answers.items():
            stated[category] = _preference(stated, category, all_given)
        return {category: value for category, value in stated.items() if value is not _UNANSWERED}

    def _answers(self, reading: Reading) -> Iterator[tuple[str, Answer]]:
        """What one reading says of each category: by its signals, and by the category's own id."""
        asked = self._signals.get(reading.tool, {})
        for category, ids in asked.items():
            if answers := _asked(reading, ids):
                yield category, together(answers)
        if reading.tool not in _STANDARDS:
            # What a workspace has no category for is kept: it may have one tomorrow.
            yield from ((id_, one) for id_, one in reading.preferences.items() if not asked or id_ in self._categories)
        if reading.gpc:
            yield from ((category, Answer.DENIED) for category in self._signals.get("gpc", ()))


def _asked(reading: Reading, ids: Sequence[str]) -> list[Answer]:
    """The answers for these ids. What a tool does not name is unanswered; what a law does not know has no say."""
    found = [reading.answer(id_) for id_ in ids]
    if reading.tool == "gpp":
        return [one for one in found if one is not None]
    return [one if one is not None else Answer.UNKNOWN for one in found]


def _preference(stated: Mapping[str, Any], category: str, given: Sequence[Answer]) -> Any:
    """The answers together with what the event stated itself, which stays as it is where it is no answer."""
    own = stated.get(category, _UNANSWERED)
    if own is not _UNANSWERED and not isinstance(own, bool):
        return own
    both = together([*given, *([answer(own)] if own is not _UNANSWERED else [])])
    return {Answer.GRANTED: True, Answer.DENIED: False}.get(both, _UNANSWERED)


def _stamped(event: _Event, own: Mapping[str, Any] | Whole, preferences: dict[str, Any] | None) -> _Event:
    """The event with these preferences; None, which is no object, for what cannot be read."""
    context = event.get("context") or {}
    consent = {**(context.get("consent") or {}), "categoryPreferences": preferences}
    if isinstance(own, Mapping) and own != preferences:
        consent[AS_SENT] = own
    return {**event, "context": {**context, "consent": consent}}
