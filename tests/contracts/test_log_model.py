"""Any log against the simplest one there could be: a list. Hypothesis looks for a history in which they differ."""

import asyncio
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from test_log import ADAPTERS, DAY_MS, HOUR_MS, NOON

from assent.domain.errors import NotFound
from assent.domain.record import Discard, DiscardCode, Record
from assent.log.interface import ACCEPTED
from assent.testing import a_record


class Item(NamedTuple):
    """What a client sends: few ids and choices, so that they come again."""

    source: str
    message_id: str
    choice: bool | None


items = st.builds(
    Item, st.sampled_from(["web", "app"]), st.integers(0, 25).map(str), st.sampled_from([None, True, False])
)
requests = st.lists(items, max_size=8)


class LogMachine(RuleBasedStateMachine):
    """A log of one adapter, and `model`: all that it ever accepted."""

    adapter: str

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="assent-log-"))
        self.runner = asyncio.Runner()
        self.model: list[Record] = []
        self.received: Counter[tuple[int, str, str]] = Counter()
        self.start = 0
        self.now = NOON
        self.log = self.runner.run(ADAPTERS[self.adapter](self.directory))

    def teardown(self) -> None:
        self.runner.run(self.log.close())
        self.runner.close()
        shutil.rmtree(self.directory)

    # --- what can happen

    @rule(seconds=st.sampled_from([0, 1, 59, 3600, 7 * 3600, 24 * 3600]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * 1000

    @rule(together=st.lists(requests, min_size=1, max_size=4), discards=st.integers(0, 2))
    def append(self, together: list[list[Item]], discards: int) -> None:
        """Several requests at once: they share a commit, in this order."""
        records = [[self._record(item) for item in request] for request in together]
        discard = Discard("web", self.now, DiscardCode.BAD_REQUEST)
        self.runner.run(self._append(records, [discard] * discards))
        self.received[self._minute, "web", DiscardCode.BAD_REQUEST] += discards * len(together)
        for record in (one for request in records for one in request):
            code = DiscardCode.DUPLICATE if self._is_known(record) else ACCEPTED
            self.received[self._minute, record.source, code] += 1
            if code == ACCEPTED:
                self.model.append(record)

    @rule()
    def open_again(self) -> None:
        self.runner.run(self.log.close())
        self.log = self.runner.run(ADAPTERS[self.adapter](self.directory))

    @precondition(lambda self: self.model)
    @rule(hours=st.integers(0, 30))
    def trim(self, hours: int) -> None:
        before = self.now - hours * HOUR_MS
        exact = max([self.start, *(at + 1 for at, one in enumerate(self.model) if one.received_at < before)])
        start = self.runner.run(self._trim(before))
        assert self.start <= start <= exact
        if exact == len(self.model):
            assert start == exact
        self.start = start

    # --- what must hold

    @rule(offset=st.integers(0, 60), limit=st.integers(1, 40))
    def read(self, offset: int, limit: int) -> None:
        if offset < self.start:
            with pytest.raises(NotFound):
                self.runner.run(self.log.read(offset, limit))
            return
        found = list(self.runner.run(self.log.read(offset, limit)))
        assert found == self.model[offset : offset + len(found)]
        assert (len(found) > 0) == (offset < len(self.model))
        assert len(found) <= limit

    @rule(message_id=st.integers(0, 25).map(str))
    def find(self, message_id: str) -> None:
        found = self.runner.run(self.log.find(message_id))
        expected = [(at, one) for at, one in enumerate(self.model) if at >= self.start and one.message_id == message_id]
        assert [(one.offset, one.record) for one in found] == expected[::-1]

    @rule()
    def counts_are_those_of_all_that_came_in(self) -> None:
        received = self.runner.run(self.log.received(0, 1 << 40))
        assert {(one.minute, one.source, one.code): one.events for one in received} == +self.received

    @rule(since=st.integers(0, 4 * 1440), length=st.integers(0, 4 * 1440), stretch=st.sampled_from([60, 1440, 1 << 40]))
    def counts_of_a_stretch_are_those_of_its_minutes(self, since: int, length: int, stretch: int) -> None:
        first = self._minute + 1 - since
        expected: Counter[tuple[int, str, str]] = Counter()
        for (minute, source, code), events in self.received.items():
            if first <= minute < first + length:
                expected[minute - minute % stretch, source, code] += events
        received = self.runner.run(self.log.received(first, first + length, minutes=stretch))
        assert {(one.minute, one.source, one.code): one.events for one in received} == +expected

    @rule(hours=st.one_of(st.integers(0, 3), st.integers(0, 80)))
    def routing_keys_are_counted(self, hours: int) -> None:
        """Of the hours after the one up to which a trim went: those are never partly forgotten."""
        until = self.now // HOUR_MS + 1
        since = until - hours
        kept = self.model[self.start :]
        if self.start and (not kept or kept[0].received_at // HOUR_MS >= since):
            return
        expected = Counter((one.source, one.routing_key) for one in kept if one.received_at // HOUR_MS >= since)
        assert self.runner.run(self.log.key_counts(since, until)) == expected

    @invariant()
    def it_has_the_same_bounds(self) -> None:
        assert (self.log.start, self.log.head) == (self.start, len(self.model))

    # --- how

    @property
    def _minute(self) -> int:
        return self.now // 60_000

    def _record(self, item: Item) -> Record:
        choice = {} if item.choice is None else {"context": {"consent": {"categoryPreferences": {"C1": item.choice}}}}
        return a_record(item.message_id, source=item.source, at=self.now, **choice)

    def _is_known(self, record: Record) -> bool:
        return any(
            one.received_at > record.received_at - DAY_MS
            and (one.source, one.message_id) == (record.source, record.message_id)
            for one in self.model[self.start :]
        )

    async def _append(self, requests: list[list[Record]], discards: list[Discard]) -> None:
        await asyncio.gather(*(self.log.append(records, discards) for records in requests))

    async def _trim(self, before: int) -> int:
        return await self.log.trim(await self.log.trimmable(before), before)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_log_is_a_list(adapter: str) -> None:
    machine = type("LogMachine", (LogMachine,), {"adapter": adapter})
    machine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
    machine.TestCase().runTest()
