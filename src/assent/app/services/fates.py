"""What became of the events of one stretch of the log, at every destination: cheap for many events at once."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from assent.delivery.in_force import InForce
from assent.domain.outcome import Attempt, Cursor, Reread, Span
from assent.domain.workspace import Version
from assent.engine.fate import Fate, Judged, Kept, attempted, fate, judge
from assent.engine.policy import Policy
from assent.log.interface import Found
from assent.store.accounts import Accounts
from assent.store.versions import Versions

_VERSIONS_REMEMBERED: Final = 16


class Fates:
    """Works out what became of events. A decision is made again, exactly, under the version that made it."""

    def __init__(self, accounts: Accounts, versions: Versions, in_force: Callable[[], InForce]) -> None:
        self._accounts = accounts
        self._in_force = in_force
        self._version = lru_cache(_VERSIONS_REMEMBERED)(lambda number: _compiled(versions.get(number)))

    def between(self, first: int, end: int) -> "FatesBetween":
        """The fates of the events at offsets in [first, end), as they are now. Reads the store: call it in a thread."""
        in_force = self._in_force()
        # INVARIANT: in this order. What settles meanwhile writes its attempts with its span, and its span as the cursor
        # moves on: so whoever sees a span sees its attempts, and whoever sees a cursor beyond the event sees its span.
        cursors = self._accounts.cursors()
        spans = self._accounts.spans_between(first, end)
        rereads = self._accounts.rereads_between(first, end)
        attempts = self._accounts.attempts_between(first, end)
        return FatesBetween(in_force, cursors, spans, rereads, attempts, lambda number: self.version(number).policy)

    def version(self, number: int) -> InForce:
        """A version as it was when it was in force. Raises NotFound."""
        in_force = self._in_force()
        return in_force if number == in_force.number else self._version(number)


def _compiled(version: Version) -> InForce:
    return InForce(version, Policy(version.workspace))


class FatesBetween:
    """The fates of the events of one stretch of the log at one moment.

    Between two edges, where a cursor stands, or a span or a reading ends, events of one source with the same routing
    key have the same fates, unless one was attempted: so each is worked out once.
    """

    def __init__(
        self,
        in_force: InForce,
        cursors: Iterable[Cursor],
        spans: Iterable[Span],
        rereads: Iterable[Reread],
        attempts: Iterable[Attempt],
        policy: Callable[[int], Policy],
    ) -> None:
        self._in_force = in_force
        self._policy = policy
        self._configured = [one.id for one in in_force.version.workspace.destinations]
        self._cursors = {one.destination: one for one in cursors}
        self._spans = list(spans)
        self._rereads = list(rereads)
        self._attempts: dict[int, dict[str, Attempt]] = {}
        for one in attempts:
            self._attempts.setdefault(one.offset, {})[one.destination] = one
        self._edges = sorted(_edges(self._cursors.values(), [*self._spans, *self._rereads]))
        self._known: dict[tuple[int, str, bytes], list[Fate]] = {}

    def of(self, found: Found) -> list[Fate]:
        """In the order of the workspace in force; then what it no longer has, where that had the event to read."""
        attempts = self._attempts.get(found.offset)
        if attempts is None:
            return self._unattempted(found)
        if attempts.keys() < set(self._configured):
            alike = self._unattempted(found)
            return [attempted(attempts[one.destination]) if one.destination in attempts else one for one in alike]
        return self._work_out(found, attempts)

    def _unattempted(self, found: Found) -> list[Fate]:
        """What became of all events that are like this one, apart from attempts. The same list each time."""
        alike = bisect_right(self._edges, found.offset), found.record.source, found.record.routing_key
        fates = self._known.get(alike)
        if fates is None:
            fates = self._known[alike] = self._work_out(found, {})
        return fates

    def _work_out(self, found: Found, attempts: Mapping[str, Attempt]) -> list[Fate]:
        offset, record = found.offset, found.record
        spans = {one.destination: one for one in self._spans if one.start <= offset < one.end}
        removed = sorted((self._cursors.keys() | spans.keys() | attempts.keys()) - set(self._configured))

        readings: dict[str, list[Reread]] = {}
        for one in self._rereads:
            if one.start <= offset < one.end:
                readings.setdefault(one.destination, []).append(one)

        def judged(destination: str, version: int) -> Judged:
            return judge(self._policy(version), record.source, record.routing_key, destination)

        fates = [
            fate(
                name,
                offset,
                Kept(self._cursors.get(name), spans.get(name), attempts.get(name), tuple(readings.get(name, ()))),
                judged,
                self._in_force.number,
            )
            for name in [*self._configured, *removed]
        ]
        return [one for one in fates if one.state is not None or one.destination in self._configured]


def _edges(cursors: Iterable[Cursor], spans: Sequence[Span | Reread]) -> set[int]:
    edges = {edge for one in spans for edge in (one.start, one.end)}
    for one in cursors:
        edges.add(one.position)
        if one.until is not None:
            edges.add(one.until)
    return edges
