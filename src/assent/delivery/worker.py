"""One destination's worker: reads the log from its cursor, decides, sends and settles."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Final, TypeVar

import msgspec
from sqlalchemy.exc import OperationalError

from assent.delivery.attempts import TOO_OLD, after, ended, first_attempt
from assent.delivery.breaker import Breaker
from assent.delivery.dispatch import Deliverable, NotTried, dispatch
from assent.delivery.in_force import InForce
from assent.delivery.waiting import STUBBORN, Waiting
from assent.destinations.connector import Connector, Outcome, Outgoing
from assent.domain.decision import Decision, Reason, Verdict
from assent.domain.errors import NotFound
from assent.domain.outcome import Attempt, Cursor, Span, State
from assent.domain.record import Record
from assent.engine.forward import subject_of
from assent.log.interface import Log
from assent.store.accounts import Account, Accounts, Settlement

log = logging.getLogger("assent.delivery")
_Answer = TypeVar("_Answer")

MOST_A_PAGE: Final = 500
_MOST_WAITING: Final = 10_000
_RECORDS_A_LOOK: Final = 100
_LINGER_SECONDS: Final = 0.05
_LONG_TURN_SECONDS: Final = 1.0
_NO_DESTINATION: Final = Decision(Verdict.WITHHOLD, Reason.DESTINATION_DISABLED)
_BEHIND: Final = NotTried("it waits behind an earlier event of the same person")


class Worker:
    """What carries the log to one destination.

    Each turn either tries events that wait again or reads a page of the log, and settles all of it in one transaction.
    What waits and is due goes first, so that order is kept. While the breaker is open, or the destination is held, the
    cursor stands still.
    """

    def __init__(
        self,
        cursor: Cursor,
        connector: Connector,
        *,
        log: Log,
        accounts: Accounts,
        store_thread: Executor,
        in_force: Callable[[], InForce],
        now: Callable[[], int],
        on_settled: Callable[[Settlement], None],
    ) -> None:
        self.destination = cursor.destination
        self.position = cursor.position
        self.until = cursor.until
        self.breaker = Breaker()
        self.waiting = Waiting()
        self._connector = connector
        self._log = log
        self._accounts = accounts
        self._store_thread = store_thread
        self._in_force = in_force
        self._now = now
        self._on_settled = on_settled
        self._clock = asyncio.get_running_loop().time
        self._nudged = asyncio.Event()
        self._turned = asyncio.Event()
        self._is_loaded = self._is_stopping = self._is_over = False
        self._give_up_before = 0
        self._page = self._least_a_page = min(MOST_A_PAGE, connector.batch_size * connector.concurrency)

    # ---------------------------------------------------------------------------------------- from start to end

    async def run(self) -> None:
        """Work until `stop` is called; a removed destination's worker ends by itself when all is accounted for."""
        try:
            while not self._is_stopping and not self._is_finished():
                try:
                    await (self._turn() if self._is_loaded else self._load())
                except Exception:
                    # INVARIANT: a bug never ends a worker. Its events wait, as in an outage, and the log says why.
                    log.exception("the worker of `%s` failed and goes on in a moment", self.destination)
                    self._is_loaded = False
                    await self._rest(1)
                self._turned.set()
        finally:
            self._is_over = True
            self._turned.set()
            await self._connector.close()

    def stop(self) -> None:
        """End after the turn under way."""
        self._is_stopping = True
        self._nudged.set()

    def nudge(self) -> None:
        """Another version is in force: look at what it says."""
        self._nudged.set()

    @property
    def is_held(self) -> bool:
        """Whether somebody holds the destination, by the version in force."""
        destination = self._in_force().version.workspace.destination(self.destination)
        return destination is not None and destination.held

    async def send_aside(self, event: Outgoing) -> Outcome:
        """Send one event that is not of the log, beside what is under way. Raises what a connector's `send` does."""
        [outcome] = await self._connector.send([event])
        return outcome

    async def give_up_before(self, offset: int) -> None:
        """Count what is still unread or waiting before `offset` as failed, unsent: the log is about to forget it."""
        self._give_up_before = offset
        self._nudged.set()
        while not (self._is_over or (self._is_loaded and self._has_passed(offset))):
            self._turned.clear()
            await self._turned.wait()

    async def _load(self) -> None:
        """Find out from the accounts where this destination is."""
        cursor = await self._in_store(self._accounts.cursor, self.destination)
        if cursor is not None:
            self.position, self.until = cursor.position, cursor.until
        self.waiting = Waiting()
        attempts = await self._in_store(self._waiting_attempts)
        for at in range(0, len(attempts), MOST_A_PAGE):
            some = attempts[at : at + MOST_A_PAGE]
            records = await self._records([one.offset for one in some])
            for one in some:
                self._keep(one, subject_of(records[one.offset]) if one.offset in records else "")
        self._well_since = self._now()
        self._is_loaded = True

    def _waiting_attempts(self) -> list[Attempt]:
        return self._accounts.attempts(destination=self.destination, state=State.RETRYING)

    def _is_finished(self) -> bool:
        return self._is_loaded and self.until is not None and self.position >= self.until and not self.waiting

    def _has_passed(self, offset: int) -> bool:
        """Whether nothing before `offset` is still to be settled."""
        end = offset if self.until is None else min(offset, self.until)
        return self.position >= end and all(one.offset >= offset for one in self.waiting.first(1))

    async def _turn(self) -> None:
        started = time.perf_counter()
        if not self._has_passed(self._give_up_before):
            await self._give_up()
        elif self.is_held:
            await self._stand_still()
        elif self.breaker.is_open:
            await self._probe()
        elif due := self.waiting.due(self._clock(), self._page):
            await self._try_in_order(due)
            self._fit_page(started)
        elif self._can_read():
            await self._read_page(self._page)
            self._fit_page(started)
        else:
            await self._await_work()

    async def _stand_still(self) -> None:
        """Return when somebody nudges; only a release, a stop or a trim makes the next turn another than this."""
        await self._nudged.wait()
        self._nudged.clear()
        # As an outage does, a hold does not count against an event that waits.
        self._well_since = self._now()

    def _fit_page(self, started: float) -> None:
        """A turn should be short: what it sends was decided at its beginning, and a stop waits for its end."""
        seconds = time.perf_counter() - started
        if seconds > _LONG_TURN_SECONDS:
            self._page = max(self._least_a_page, self._page // 2)
        elif seconds < _LONG_TURN_SECONDS / 4:
            self._page = min(MOST_A_PAGE, self._page * 2)

    # ---------------------------------------------------------------------------------------- waiting events

    async def _probe(self) -> None:
        """Leave the destination alone for a while, then ask it with as little as can be."""
        await self._rest(self.breaker.rest(self._clock()))
        if self._is_stopping or self.is_held or not self._has_passed(self._give_up_before):
            return
        a_few = self._connector.batch_size
        probes = self.waiting.probes(a_few)
        await self._try_in_order(probes)
        if self.breaker.is_open and all(one.tried >= STUBBORN for one in probes):
            # Perhaps it is well, and those that wait are the only ones that it cannot stand.
            if self._can_read():
                await self._read_page(a_few)
            elif not probes and self.waiting:
                await self._try_again(self.waiting.first(a_few))
            elif not probes:
                await self._await_work()
        if not self.breaker.is_open:
            self.waiting.hurry()

    async def _try_in_order(self, attempts: Sequence[Attempt]) -> None:
        """Try these once more. Behind one that fails as ever, see whether it does so because of itself."""
        before = {one.offset: one.tried for one in attempts}
        for one in await self._try_again(attempts):
            if one.state is State.RETRYING and one.tried >= STUBBORN and one.tried > before[one.offset]:
                behind = self.waiting.next_of(one.offset)
                if behind is not None and await self._gets_through(behind):
                    self.waiting.let_pass(one.offset)

    async def _gets_through(self, attempt: Attempt) -> bool:
        [changed] = await self._try_again([attempt])
        return changed.state in (State.DELIVERED, State.FAILED)

    async def _try_again(self, attempts: Sequence[Attempt]) -> list[Attempt]:
        """Decide and try these once more; what became of them."""
        records = await self._records([one.offset for one in attempts])
        in_force = self._in_force()
        changed: list[Attempt] = []
        trying: list[Attempt] = []
        deliverables: list[Deliverable] = []
        for attempt in attempts:
            record = records.get(attempt.offset)
            if record is None:
                changed.append(after(attempt, TOO_OLD, now=self._now(), since=attempt.first_at))
                continue
            decision = self._decide(in_force, record)
            decided = msgspec.structs.replace(attempt, decision=decision, version=in_force.number)
            if decision.verdict is Verdict.WITHHOLD:
                changed.append(ended(decided, State.WITHHELD, self._now()))
            else:
                trying.append(decided)
                deliverables.append(Deliverable(attempt.offset, record, decision, attempt.tried))
        was_open = self.breaker.is_open
        outcomes = await dispatch(self._connector, deliverables, self.breaker, self._clock)
        now = self._now()
        if was_open or self.breaker.is_open:
            # An outage does not count against an event: its time begins when the destination is well again.
            self._well_since = now
        changed += [
            after(one, outcome, now=now, since=max(one.first_at, self._well_since))
            for one, outcome in zip(trying, outcomes, strict=True)
        ]
        await self._settle(Counter(), changed, records)
        for one in changed:
            self._keep(one, self.waiting.subject_at(one.offset))
        return changed

    async def _records(self, offsets: Sequence[int]) -> dict[int, Record]:
        """The records at `offsets`, which ascend; without those that the log has forgotten."""
        found: dict[int, Record] = {}
        for offset in offsets:
            if offset not in found:
                try:
                    run = await self._log.read(offset, min(_RECORDS_A_LOOK, offsets[-1] - offset + 1))
                except NotFound:
                    continue
                found.update(enumerate(run, offset))
        return found

    def _keep(self, attempt: Attempt, subject: str) -> None:
        """Have it wait, or no longer."""
        if attempt.state is State.RETRYING:
            # By a clock that nobody sets back: an event must not wait until a day comes round again.
            self.waiting.put(attempt, subject, self._clock() + (attempt.due_at - self._now()) / 1000)
        else:
            self.waiting.remove(attempt.offset)

    async def _give_up(self) -> None:
        earliest = self.waiting.first(MOST_A_PAGE)
        forgotten = [
            after(one, TOO_OLD, now=self._now(), since=one.first_at)
            for one in earliest
            if one.offset < self._give_up_before
        ]
        if forgotten:
            await self._settle(Counter(), forgotten, await self._records([one.offset for one in forgotten]))
            for one in forgotten:
                self.waiting.remove(one.offset)
        else:
            await self._read_page(min(MOST_A_PAGE, self._give_up_before - self.position), send=False)

    # ---------------------------------------------------------------------------------------- the log

    def _can_read(self) -> bool:
        end = self._log.head if self.until is None else min(self.until, self._log.head)
        return self.position < end and len(self.waiting) < _MOST_WAITING

    async def _read_page(self, limit: int, *, send: bool = True) -> None:
        """Read on, decide, and unless `send` is False, send."""
        if self.until is not None:
            limit = min(limit, self.until - self.position)
        start = self.position
        records = await self._log.read(start, limit)
        in_force = self._in_force()
        counts: Counter[Account] = Counter()
        deliverables = []
        for offset, record in enumerate(records, start):
            decision = self._decide(in_force, record)
            if decision.verdict is Verdict.DELIVER:
                deliverables.append(Deliverable(offset, record, decision))
            else:
                counts[Account(record.source, State.WITHHELD, decision.reason, record.event)] += 1
        outcomes = await self._send(deliverables) if send else [TOO_OLD] * len(deliverables)
        attempts = []
        for one, outcome in zip(deliverables, outcomes, strict=True):
            if outcome is None:
                record = one.record
                counts[Account(record.source, State.DELIVERED, one.decision.reason, record.event)] += 1
            else:
                first = first_attempt(self.destination, one, in_force.number, now := self._now())
                attempts.append(after(first, outcome, now=now, since=now))
        end = start + len(records)
        tried = {one.offset: records[one.offset - start] for one in attempts}
        await self._settle(counts, attempts, tried, Span(self.destination, start, end, in_force.number))
        self.position = end
        for attempt in attempts:
            self._keep(attempt, subject_of(records[attempt.offset - start]))

    async def _send(self, deliverables: Sequence[Deliverable]) -> Sequence[Outcome]:
        """Send these, but for those of people of whom an earlier event waits; one outcome each."""
        if not self.waiting:
            return await dispatch(self._connector, deliverables, self.breaker, self._clock)
        free = [one for one in deliverables if not self.waiting.holds(subject_of(one.record))]
        outcomes = await dispatch(self._connector, free, self.breaker, self._clock)
        sent = {one.offset: outcome for one, outcome in zip(free, outcomes, strict=True)}
        return [sent.get(one.offset, _BEHIND) for one in deliverables]

    def _decide(self, in_force: InForce, record: Record) -> Decision:
        return in_force.policy.decide_key(record.routing_key).get(self.destination, _NO_DESTINATION)

    # ---------------------------------------------------------------------------------------- settle

    async def _settle(
        self,
        counts: Counter[Account],
        attempts: Sequence[Attempt],
        records: Mapping[int, Record],
        read: Span | None = None,
    ) -> None:
        """Settle what was counted, and what came to rest of `attempts`, whose records are known by offset."""
        for one in attempts:
            if one.state is not State.RETRYING:
                name = records[one.offset].event if one.offset in records else ""
                counts[Account(one.source, one.state, one.decision.reason, name)] += 1
        settlement = Settlement(self.destination, self._now() // 60_000, counts, attempts, read)
        await self._settle_surely(settlement)
        self._on_settled(settlement)

    async def _settle_surely(self, settlement: Settlement) -> None:
        """Settle, again and again while the store cannot be written: to send once more instead would be no remedy."""
        while True:
            try:
                await self._in_store(self._accounts.settle, settlement)
            except OperationalError as error:
                log.error("the accounts of `%s` cannot be written: %s", self.destination, error.orig)
                if self._is_stopping:
                    raise
                await self._rest(1)
            else:
                return

    async def _in_store(self, call: Callable[..., _Answer], *arguments: object) -> _Answer:
        return await asyncio.get_running_loop().run_in_executor(self._store_thread, call, *arguments)

    # ---------------------------------------------------------------------------------------- waiting for work

    async def _await_work(self) -> None:
        """Return when there is something to read, a waiting event is due, or somebody nudges."""
        due = self.waiting.next_due(self._clock())
        signals: list[asyncio.Future[object]] = [asyncio.ensure_future(self._nudged.wait())]
        if self.until is None and len(self.waiting) < _MOST_WAITING:
            signals.append(asyncio.ensure_future(self._log.wait(self.position)))
        try:
            seconds = max(0.0, due - self._clock()) if due is not None else None
            await asyncio.wait(signals, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for signal in signals:
                signal.cancel()
        # Not at once: a page of many events costs little more than a page of one.
        await self._rest(_LINGER_SECONDS)

    async def _rest(self, seconds: float) -> None:
        """Return after so many seconds, or when somebody nudges."""
        try:
            await asyncio.wait_for(self._nudged.wait(), seconds)
        except TimeoutError:
            return
        self._nudged.clear()
