"""One destination's worker: reads the log from its cursor, decides, sends and settles."""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Final, TypeVar

import msgspec
from sqlalchemy.exc import OperationalError

from assent.delivery.breaker import Breaker
from assent.delivery.dispatch import Deliverable, NotTried, dispatch
from assent.delivery.in_force import InForce
from assent.destinations.connector import Connector, Outcome
from assent.domain.decision import Decision, Reason, Verdict
from assent.domain.errors import NotFound, Rejected
from assent.domain.outcome import Attempt, Cursor, Span, State
from assent.domain.record import Record
from assent.engine.retry import next_attempt
from assent.log.interface import Log
from assent.store.accounts import Account, Accounts, Settlement

log = logging.getLogger("assent.delivery")
_Answer = TypeVar("_Answer")
_jitter = random.SystemRandom().random

PAGE: Final = 500
_MOST_WAITING: Final = 10_000
_LINGER_SECONDS: Final = 0.05
_TOO_OLD: Final = "it waited longer than the log keeps events"
_NO_DESTINATION: Final = Decision(Verdict.WITHHOLD, Reason.DESTINATION_DISABLED)


class Worker:
    """What carries the log to one destination.

    Each turn either tries events that wait again or reads a page of the log, and settles all of it in one transaction.
    While the breaker is open the cursor stands still; then the waiting events go first, so that order is kept.
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
        self.waiting: dict[int, Attempt] = {}
        self._connector = connector
        self._log = log
        self._accounts = accounts
        self._store_thread = store_thread
        self._in_force = in_force
        self._now = now
        self._on_settled = on_settled
        self._stopping = asyncio.Event()
        self._nudged = asyncio.Event()
        self._turned = asyncio.Condition()
        self._draining = False
        self._give_up_before = 0

    async def run(self) -> None:
        """Work until `stop` is called; a removed destination's worker ends by itself when all is accounted for."""
        self.waiting = {one.offset: one for one in await self._in_store(self._load_waiting)}
        while not self._stopping.is_set() and not self._is_finished():
            try:
                await self._turn()
            except Exception:
                # INVARIANT: a bug never ends a worker. Its events wait, as in an outage, and the log says why.
                log.exception("the worker of `%s` failed and goes on in a moment", self.destination)
                await self._pause(1)
            async with self._turned:
                self._turned.notify_all()
        await self._connector.close()

    def stop(self) -> None:
        """End after the turn under way."""
        self._stopping.set()
        self._nudged.set()

    def _load_waiting(self) -> list[Attempt]:
        return self._accounts.attempts(destination=self.destination, state=State.RETRYING)

    async def give_up_before(self, offset: int) -> None:
        """Count what is still unread or waiting before `offset` as failed, unsent: the log is about to forget it."""
        self._give_up_before = offset
        self._nudged.set()
        async with self._turned:
            await self._turned.wait_for(lambda: self._has_passed(offset) or self._stopping.is_set())

    def _has_passed(self, offset: int) -> bool:
        return self.position >= offset and min(self.waiting, default=offset) >= offset

    def _is_finished(self) -> bool:
        return self.until is not None and self.position >= self.until and not self.waiting

    async def _turn(self) -> None:
        if not self._has_passed(self._give_up_before):
            await self._give_up()
            return
        if self.breaker.is_open:
            self._draining = True
            await self._pause(self.breaker.rest(time.monotonic()))
            if self._stopping.is_set():
                return
            if await self._try_waiting(self._oldest(self._connector.batch_size)):
                return
        elif self._draining and self.waiting:
            await self._drain()
            return
        elif due := self._due():
            await self._try_waiting(due)
        self._draining = self.breaker.is_open
        if self.breaker.is_open and self.waiting:
            return
        if len(self.waiting) >= _MOST_WAITING or self._is_read():
            await self._await_work()
            return
        await self._read_page(self._connector.batch_size if self.breaker.is_open else PAGE)

    # ---------------------------------------------------------------------------------------- waiting events

    def _oldest(self, limit: int) -> list[Attempt]:
        return [self.waiting[offset] for offset in sorted(self.waiting)[:limit]]

    def _due(self) -> list[Attempt]:
        now = self._now()
        return [one for one in self._oldest(_MOST_WAITING) if one.due_at <= now][:PAGE]

    async def _drain(self) -> None:
        """After an outage, everything that waits goes before the cursor moves on."""
        before = set(self.waiting)
        for at in range(0, len(before), PAGE):
            await self._try_waiting(
                [self.waiting[one] for one in sorted(before)[at : at + PAGE] if one in self.waiting]
            )
            if self.breaker.is_open:
                return
        self._draining = False

    async def _try_waiting(self, attempts: Sequence[Attempt]) -> bool:
        """Decide and try these again; whether there were any."""
        if not attempts:
            return False
        in_force = self._in_force()
        settled: list[Attempt] = []
        deliverables: list[Deliverable] = []
        for attempt in attempts:
            try:
                record = (await self._log.read(attempt.offset, 1))[0]
            except NotFound:
                settled.append(self._ended(attempt, State.FAILED, answer=_TOO_OLD))
                continue
            decision = self._decide(in_force, record)
            changed = msgspec.structs.replace(attempt, decision=decision, version=in_force.number)
            if decision.verdict is Verdict.WITHHOLD:
                settled.append(self._ended(changed, State.WITHHELD))
            else:
                self.waiting[attempt.offset] = changed
                deliverables.append(Deliverable(attempt.offset, record, decision))
        patient = self.breaker.is_open
        outcomes = await dispatch(self._connector, deliverables, self.breaker, time.monotonic)
        for one, outcome in zip(deliverables, outcomes, strict=True):
            settled.append(self._after(self.waiting[one.offset], outcome, patient=patient or self.breaker.is_open))
        await self._settle(Counter(), settled, None)
        return True

    def _after(self, attempt: Attempt, outcome: Outcome, *, patient: bool) -> Attempt:
        """The attempt after one more try; `patient` during an outage, which does not count against an event."""
        if outcome is None:
            return self._ended(attempt, State.DELIVERED, tried=attempt.tried + 1)
        tried = attempt.tried + (not isinstance(outcome, NotTried))
        if isinstance(outcome, Rejected):
            return self._ended(
                attempt, State.FAILED, tried=tried, answer=outcome.answer, http_status=outcome.http_status
            )
        now = self._now()
        asked = int(outcome.after.total_seconds() * 1000) if outcome.after is not None else 0
        due_at = next_attempt(tried, now if patient else attempt.first_at, now, _jitter(), asked)
        if due_at is None:
            return self._ended(
                attempt, State.FAILED, tried=tried, answer=outcome.answer, http_status=outcome.http_status
            )
        return msgspec.structs.replace(
            attempt, tried=tried, due_at=due_at, answer=outcome.answer, http_status=outcome.http_status
        )

    def _ended(self, attempt: Attempt, state: State, **changes: object) -> Attempt:
        return msgspec.structs.replace(attempt, state=state, settled_at=self._now(), **changes)

    # ---------------------------------------------------------------------------------------- the log

    def _is_read(self) -> bool:
        return self.position >= (self._log.head if self.until is None else min(self.until, self._log.head))

    async def _give_up(self) -> None:
        forgotten = [
            self._ended(one, State.FAILED, answer=_TOO_OLD)
            for one in self._oldest(PAGE)
            if one.offset < self._give_up_before
        ]
        if forgotten:
            await self._settle(Counter(), forgotten, None)
        else:
            await self._read_page(min(PAGE, self._give_up_before - self.position), send=False)

    async def _read_page(self, limit: int, *, send: bool = True) -> None:
        end = self.position + limit if self.until is None else min(self.position + limit, self.until)
        records = await self._log.read(self.position, end - self.position)
        in_force = self._in_force()
        counts: Counter[Account] = Counter()
        deliverables = []
        for offset, record in enumerate(records, self.position):
            decision = self._decide(in_force, record)
            if decision.verdict is Verdict.DELIVER:
                deliverables.append(Deliverable(offset, record, decision))
            else:
                counts[Account(record.source, State.WITHHELD, decision.reason)] += 1
        outcomes: Sequence[Outcome] = [Rejected(_TOO_OLD)] * len(deliverables)
        if send and deliverables:
            outcomes = await dispatch(self._connector, deliverables, self.breaker, time.monotonic)
        attempts = []
        for one, outcome in zip(deliverables, outcomes, strict=True):
            if outcome is None:
                counts[Account(one.record.source, State.DELIVERED, one.decision.reason)] += 1
            else:
                attempts.append(self._after(self._first(one, in_force.number), outcome, patient=True))
        read = Span(self.destination, self.position, self.position + len(records), in_force.number)
        await self._settle(counts, attempts, read)

    def _first(self, one: Deliverable, version: int) -> Attempt:
        now = self._now()
        return Attempt(
            self.destination,
            one.offset,
            one.record.source,
            one.record.message_id,
            State.RETRYING,
            one.decision,
            version,
            tried=0,
            first_at=now,
            due_at=now,
        )

    def _decide(self, in_force: InForce, record: Record) -> Decision:
        return in_force.policy.decide_key(record.routing_key).get(self.destination, _NO_DESTINATION)

    # ---------------------------------------------------------------------------------------- settle

    async def _settle(self, counts: Counter[Account], attempts: Sequence[Attempt], read: Span | None) -> None:
        for one in attempts:
            if one.state is not State.RETRYING:
                counts[Account(one.source, one.state, one.decision.reason)] += 1
        settlement = Settlement(self.destination, self._now() // 60_000, counts, attempts, read)
        await self._settle_surely(settlement)
        for one in attempts:
            if one.state is State.RETRYING:
                self.waiting[one.offset] = one
            else:
                self.waiting.pop(one.offset, None)
        if read is not None:
            self.position = read.end
        self._on_settled(settlement)

    async def _settle_surely(self, settlement: Settlement) -> None:
        """Settle, again and again while the store cannot be written: to send once more instead would be no remedy."""
        while True:
            try:
                await self._in_store(self._accounts.settle, settlement)
            except OperationalError as error:
                log.error("the accounts of `%s` cannot be written: %s", self.destination, error.orig)
                if self._stopping.is_set():
                    raise
                await self._pause(1)
            else:
                return

    async def _in_store(self, call: Callable[..., _Answer], *arguments: object) -> _Answer:
        return await asyncio.get_running_loop().run_in_executor(self._store_thread, call, *arguments)

    # ---------------------------------------------------------------------------------------- waiting for work

    async def _await_work(self) -> None:
        """Return when there is something to read, a waiting event is due, or the worker is stopped."""
        due = min((one.due_at for one in self.waiting.values()), default=None)
        seconds = max(0.0, (due - self._now()) / 1000) if due is not None else None
        can_read = len(self.waiting) < _MOST_WAITING and self.until is None
        signals: list[asyncio.Future[object]] = [asyncio.ensure_future(self._nudged.wait())]
        if can_read:
            signals.append(asyncio.ensure_future(self._log.wait(self.position)))
        try:
            await asyncio.wait(signals, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for signal in signals:
                signal.cancel()
        self._nudged.clear()
        # Not at once: a page of many events costs little more than a page of one.
        await self._pause(_LINGER_SECONDS)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
