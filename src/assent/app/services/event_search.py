"""Looking through the events in the log, newest first: for API and console."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Final, NamedTuple

import msgspec

from assent.app.services.fates import Fates, FatesBetween
from assent.domain.decision import Reason, Verdict
from assent.domain.errors import InvalidInput, NotFound
from assent.domain.outcome import State
from assent.domain.record import Record
from assent.engine.fate import Fate
from assent.engine.json import decode_leniently
from assent.engine.outline import Outline, outline
from assent.log.interface import Found, Log

MOST_SCANNED: Final = 10_000
"""How many events one search looks at before it says where it stopped."""

_FIRST_CHUNK: Final = 500
_LARGEST_CHUNK: Final = 4_000
"""A search that finds nothing at once is likely to go on for long, and looks at more events at a time."""

_TRIMMED_AT_ONCE: Final = 1_000
"""What a log trims, it trims in runs of fewer events: so far beyond `trimmable` there may still be older ones."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What an event must have to be found; None is anything.

    `event` is the name of a track event, page or screen; `subject` a user id or an anonymous id; `text` anything that
    is in the event, in upper or lower case. Times are UTC epoch milliseconds: `since` inclusive, `until` exclusive, by
    when the event was received. `destination`, `state`, `verdict` and `reason` must hold at one destination together.
    """

    source: str | None = None
    type: str | None = None
    event: str | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    subject: str | None = None
    message_id: str | None = None
    text: str | None = None
    since: int | None = None
    until: int | None = None
    destination: str | None = None
    state: State | None = None
    verdict: Verdict | None = None
    reason: Reason | None = None

    def wants(self, record: Record) -> bool:
        """Whether the event itself is as it must be, wherever it went. What was erased is nobody's event any more."""
        if record.is_erased:
            return False
        if self.source not in (None, record.source) or self.type not in (None, record.type):
            return False
        if self.since is not None and record.received_at < self.since:
            return False
        if self.until is not None and record.received_at >= self.until:
            return False
        if self._text is not None and not _contains(record, self._text):
            return False
        return not self._looks_inside or self._wants_outline(outline(record))

    def wants_fates(self, fates: Sequence[Fate]) -> bool:
        """Whether what became of it is as it must be."""
        return self.of_any_fate or any(self._wants_fate(one) for one in fates)

    @cached_property
    def _text(self) -> str | None:
        return _plain(self.text) if self.text is not None else None

    @cached_property
    def _looks_inside(self) -> bool:
        return any(one is not None for one in (self.event, self.user_id, self.anonymous_id, self.subject))

    @cached_property
    def of_any_fate(self) -> bool:
        """Whether it does not matter what became of it."""
        return all(one is None for one in (self.destination, self.state, self.verdict, self.reason))

    def _wants_outline(self, said: Outline) -> bool:
        return (
            self.event in (None, said.title)
            and self.user_id in (None, said.user_id)
            and self.anonymous_id in (None, said.anonymous_id)
            and self.subject in (None, said.user_id, said.anonymous_id)
        )

    def _wants_fate(self, one: Fate) -> bool:
        if one.decision is None or self.destination not in (None, one.destination):
            return False
        return (
            self.state in (None, one.state)
            and self.verdict in (None, one.decision.verdict)
            and self.reason in (None, one.decision.reason)
        )


class Seen(NamedTuple):
    """An event that was found, and what became of it."""

    offset: int
    record: Record
    fates: Sequence[Fate]

    def counts(self) -> Counter[State]:
        """At how many destinations it is in each state."""
        return Counter(one.state for one in self.fates if one.state is not None)


class Page(NamedTuple):
    """Events that were found, newest first; `before` is where to go on, None once there is nothing older."""

    found: list[Seen]
    before: int | None


class Searcher:
    """Looks through a log."""

    def __init__(self, log: Log, fates: Fates) -> None:
        self._log = log
        self._fates = fates

    async def search(self, wanted: Wanted, limit: int, before: int) -> Page:
        """At most `limit` events below the offset `before`; looks at no more than `MOST_SCANNED` of the log's."""
        if wanted.message_id is not None:
            known = [one for one in await self._log.find(wanted.message_id) if one.offset < before]
            found = await asyncio.to_thread(lambda: [seen for one in known for seen in self._matches(wanted, [one])])
            return Page(found[:limit], found[limit - 1].offset if len(found) > limit else None)
        start, end = await self._bounds(wanted, before)
        lowest = max(start, end - MOST_SCANNED)
        found = []
        # What becomes of each kind of event is worked out once for all that is looked at.
        fates = None if wanted.of_any_fate else await asyncio.to_thread(self._fates.between, lowest, end)
        chunk = _FIRST_CHUNK
        while end > lowest:
            first = max(lowest, end - chunk)
            chunk = min(chunk * 2, _LARGEST_CHUNK)
            try:
                found += await self.between(wanted, first, end, fates)
            except NotFound:
                # The log was trimmed meanwhile.
                start = lowest = max(first + 1, self._log.start)
                continue
            if len(found) >= limit:
                last = found[limit - 1].offset
                return Page(found[:limit], last if last > start else None)
            end = first
        return Page(found, end if end > start else None)

    async def between(self, wanted: Wanted, first: int, end: int, fates: FatesBetween | None = None) -> list[Seen]:
        """All wanted events at offsets in [first, end), newest first. Raises NotFound when they were trimmed."""
        records: list[Record] = []
        while first + len(records) < end:
            records += await self._log.read(first + len(records), end - first - len(records))
        stretch = [Found(offset, one) for offset, one in enumerate(records, first)]
        return await asyncio.to_thread(self._matches, wanted, stretch, fates)

    def _matches(self, wanted: Wanted, stretch: Sequence[Found], fates: FatesBetween | None = None) -> list[Seen]:
        """Of some events, which are in the order of the log, the wanted ones, newest first."""
        right = [one for one in reversed(stretch) if wanted.wants(one.record)]
        if not right:
            return []
        fates = fates or self._fates.between(right[-1].offset, right[0].offset + 1)
        seen = [Seen(one.offset, one.record, fates.of(one)) for one in right]
        if wanted.of_any_fate:
            return seen
        # Most events share their fates with many others: then it is the very same list.
        lists = {id(one.fates): one.fates for one in seen}
        right_ones = {id_ for id_, fates_of_one in lists.items() if wanted.wants_fates(fates_of_one)}
        return [one for one in seen if id(one.fates) in right_ones]

    async def _bounds(self, wanted: Wanted, before: int) -> tuple[int, int]:
        """The offsets between which the events of the wanted time are, a few others among them."""
        log = self._log
        start = await log.trimmable(wanted.since) if wanted.since is not None else log.start
        end = min(before, log.head)
        if wanted.until is not None:
            end = min(end, await log.trimmable(wanted.until) + _TRIMMED_AT_ONCE)
        return start, end


def _contains(record: Record, text: str) -> bool:
    """Whether a text, which `_plain` wrote, is in an event, however its JSON escapes it."""
    if text in _plain(record.message_id) or text in _plain(record.body.decode(errors="replace")):
        return True
    if b"\\" not in record.body:
        return False
    try:
        # Written anew, only quotes, backslashes and control characters are escaped; and the first two not either.
        whole = msgspec.json.encode(decode_leniently(record.body)).decode()
    except (InvalidInput, RecursionError):
        return False
    return text in _plain(whole.replace('\\"', '"').replace("\\\\", "\\"))


def _plain(text: str) -> str:
    """Upper and lower case alike, and so JSON with and without a blank after the colon."""
    return text.casefold().replace('": ', '":')
