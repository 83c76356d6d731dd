"""The events that wait at one destination to be tried again, and which of them may go."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from assent.domain.outcome import Attempt

STUBBORN: Final = 5
"""After so many attempts it is worth asking whether an event fails because of itself."""


class _Entry(NamedTuple):
    attempt: Attempt
    subject: str
    due: float


class Waiting:
    """Attempts by offset. Times are seconds of a monotonic clock, given by the caller.

    An event goes only after those of its person that came in before it. But one that its destination cannot stand
    would hold up a person for hours: once that is known, the others may pass it.
    """

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._of_subject: dict[str, set[int]] = {}
        self._passed: set[int] = set()

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, attempt: Attempt, subject: str, due: float) -> None:
        """Add this attempt, or put it in place of the one at its offset."""
        self._entries[attempt.offset] = _Entry(attempt, subject, due)
        self._of_subject.setdefault(subject, set()).add(attempt.offset)

    def remove(self, offset: int) -> None:
        """It came to rest, if it was here at all."""
        entry = self._entries.pop(offset, None)
        if entry is not None:
            self._passed.discard(offset)
            offsets = self._of_subject[entry.subject]
            offsets.remove(offset)
            if not offsets:
                del self._of_subject[entry.subject]

    def let_pass(self, offset: int) -> None:
        """The event at `offset` fails because of itself: no other need wait for it."""
        self._passed.add(offset)

    def subject_at(self, offset: int) -> str:
        """Who the event that waits at `offset` is about."""
        return self._entries[offset].subject

    def holds(self, subject: str) -> bool:
        """Whether a new event of this person has to wait behind an earlier one."""
        return not self._passed.issuperset(self._of_subject.get(subject, ()))

    def first(self, limit: int) -> list[Attempt]:
        """The earliest of all, due or not."""
        return [self._entries[offset].attempt for offset in sorted(self._entries)[:limit]]

    def due(self, now: float, limit: int) -> list[Attempt]:
        """Those that may be tried now, by offset."""
        found: list[Attempt] = []
        for entry in self._in_turn(now):
            if entry.due <= now:
                found.append(entry.attempt)
                if len(found) == limit:
                    break
        return found

    def next_due(self, now: float) -> float | None:
        """When the next one may be tried; None when nothing waits."""
        return min((entry.due for entry in self._in_turn(now)), default=None)

    def probes(self, limit: int) -> list[Attempt]:
        """Those to ask a destination with that is left alone: each person's first, the least tried before others."""
        firsts: dict[str, Attempt] = {}
        for offset in sorted(self._entries.keys() - self._passed):
            firsts.setdefault(self._entries[offset].subject, self._entries[offset].attempt)
        chosen = sorted(firsts.values(), key=lambda one: (one.tried, one.offset))[:limit]
        return sorted(chosen, key=lambda one: one.offset)

    def next_of(self, offset: int) -> Attempt | None:
        """The event that waits behind the one at `offset`."""
        behind = min((one for one in self._of_subject[self.subject_at(offset)] if one > offset), default=None)
        return self._entries[behind].attempt if behind is not None else None

    def hurry(self) -> None:
        """All are due at once: the destination is back."""
        self._entries = {offset: entry._replace(due=0.0) for offset, entry in self._entries.items()}

    def _in_turn(self, now: float) -> Iterator[_Entry]:
        """Those that no earlier event of their person holds back, by offset."""
        held: set[str] = set()
        for offset in sorted(self._entries):
            entry = self._entries[offset]
            if entry.subject in held:
                continue
            if entry.due > now and offset not in self._passed:
                held.add(entry.subject)
            yield entry
