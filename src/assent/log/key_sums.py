"""How many events of each routing key came in over hours that are over: remembered, because that does not change."""

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

_MOST_REMEMBERED: Final = 150_000
"""How many sums are remembered in all, of about 150 bytes each."""

_SLIDES: Final = 3
"""By how many hours a stretch may have moved on and still be had from the one that it was."""

Sums: TypeAlias = dict[tuple[str, int], int]
"""By source and key id."""


class KeySums:
    """The sums of stretches that were asked for lately: pages ask for the same ones, up to now, again and again.

    A stretch that moved on with the time is had from what it was: a few hours are added, and a few taken off. Used from
    one thread at a time.
    """

    def __init__(self, read: Callable[[int, int], Iterable[tuple[str, int, int]]]) -> None:
        self._read = read
        self._known: dict[tuple[int, int], Sums] = {}
        self._generation = 0

    def between(self, since: int, until: int, over: int, generation: int) -> Sums:
        """The sums of the hours in [since, until), UTC epoch hours.

        Hours before `over` do not change any more; when they did nevertheless, `generation` is another.
        """
        if generation != self._generation:
            self._known.clear()
            self._generation = generation
        end = min(until, over)
        if end <= since:
            return self._added({}, since, until)
        return self._added(dict(self._over(since, end)), end, until)

    def _over(self, since: int, end: int) -> Sums:
        known = self._known.pop((since, end), None)
        if known is None:
            known = self._slid(since, end)
        if known is None:
            known = self._added({}, since, end)
        self._known[since, end] = known  # the newest last
        while sum(map(len, self._known.values())) > _MOST_REMEMBERED:
            del self._known[next(iter(self._known))]
        return known

    def _slid(self, since: int, end: int) -> Sums | None:
        for start, stop in self._known:
            if start <= since < stop <= end and since - start <= _SLIDES and end - stop <= _SLIDES:
                sums = self._known.pop((start, stop))
                self._added(sums, stop, end)
                for source, key_id, events in self._read(start, since):
                    sums[source, key_id] -= events
                    if not sums[source, key_id]:
                        del sums[source, key_id]
                return sums
        return None

    def _added(self, sums: Sums, since: int, until: int) -> Sums:
        for source, key_id, events in self._read(since, until):
            sums[source, key_id] = sums.get((source, key_id), 0) + events
        return sums
