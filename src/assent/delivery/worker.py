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

from assent.delivery.attempts import TOO_OLD, after, ended, first_attempt, kept
from assent.delivery.breaker import Breaker
from assent.delivery.dispatch import Deliverable, NotTried, dispatch
from assent.delivery.in_force import InForce
from assent.delivery.known_consent import NOTHING, Known
from assent.delivery.ledger import LedgerReader
from assent.delivery.rereading import Again as TakenUp
from assent.delivery.rereading import Page, Rereading, tally
from assent.delivery.waiting import STUBBORN, Waiting
from assent.destinations.connector import Connector, Outcome, Outgoing
from assent.domain.decision import Decision, Reason, Verdict
from assent.domain.errors import NotFound
from assent.domain.outcome import GIVEN_UP, Attempt, Cursor, HeldStretch, Reread, Span, State
from assent.domain.record import Record
from assent.engine.forward import subject_of
from assent.engine.hold import Holder
from assent.engine.policy import Policy
from assent.engine.shadow import differences
from assent.engine.stamp import refusal_since
from assent.engine.suppression import SUPPRESSED, Suppressions
from assent.log.interface import Log
from assent.store.accounts import Accounts, Again, Settlement, ShadowCounts
from assent.store.counting import Account
from assent.store.jobs import Jobs, Progress

log = logging.getLogger("assent.delivery")
_Answer = TypeVar("_Answer")

MOST_A_PAGE: Final = 500
_MOST_WAITING: Final = 10_000
_RECORDS_A_LOOK: Final = 100
_LINGER_SECONDS: Final = 0.05
_LONG_TURN_SECONDS: Final = 1.0
_APART: Final = frozenset({Reason.SUBJECT_SUPPRESSED, Reason.SUBJECT_REVOKED})
"""Reasons that do not follow from version and event alone, so that such an event needs a record."""

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
        jobs: Jobs,
        store_thread: Executor,
        in_force: Callable[[], InForce],
        policy_of: Callable[[int], Policy],
        suppressions: Suppressions,
        now: Callable[[], int],
        on_settled: Callable[[Settlement], None],
        ledger: LedgerReader,
    ) -> None:
        self._ledger = ledger
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
        self._suppressions = suppressions
        self._now = now
        self._on_settled = on_settled
        self._clock = asyncio.get_running_loop().time
        self._nudged = asyncio.Event()
        self._turned = asyncio.Event()
        self._is_loaded = self._is_stopping = self._is_over = False
        self._look_again = self._reread_next = self._is_resting = False
        self._give_up_before = 0
        self._rereading = Rereading(
            self.destination,
            log=log,
            accounts=accounts,
            jobs=jobs,
            policy_of=policy_of,
            suppressions=suppressions,
            in_store=self._in_store,
            known=ledger.known,
            caught_up=ledger.caught_up,
        )
        self._page = self._least_a_page = min(MOST_A_PAGE, connector.batch_size * connector.concurrency)

    @property
    def held(self) -> int:
        """How many events it passed over because their source or category is held."""
        return self._rereading.held

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing for it to do now: all is read, nothing waits, or it is held."""
        if not self._is_resting or self._look_again:
            return False
        has_job = self._rereading.next_due(self._in_force()) is not None
        return self.is_held or not (self.waiting or self._can_read() or self._can_reread() or has_job)

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
        """Another version is in force, or somebody asks for something: look."""
        self._look_again = True
        self._nudged.set()

    @property
    def is_held(self) -> bool:
        """Whether somebody holds the destination, or the whole workspace, by the version in force."""
        workspace = self._in_force().version.workspace
        destination = workspace.destination(self.destination)
        return destination is not None and (destination.held or workspace.held)

    async def send_aside(self, event: Outgoing) -> Outcome:
        """Send one event that is not of the log, beside what is under way. Raises what a connector's `send` does."""
        [outcome] = await self._connector.send([event])
        return outcome

    async def end_turn(self) -> None:
        """Return once nothing is under way that was decided before this was called."""
        if not (self._is_over or self._is_resting):
            self._turned.clear()
            await self._turned.wait()

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
        await self._rereading.look()
        self._well_since = self._now()
        self._look_again = False
        self._is_loaded = True

    async def _look(self) -> None:
        """See what there is to be read again; and whether somebody has events tried again that had failed."""
        self._look_again = False
        waiting = (await self._in_store(self._accounts.waiting)).get(self.destination, 0)
        if waiting != len(self.waiting):
            self._is_loaded = False
        await self._rereading.look()

    def _waiting_attempts(self) -> list[Attempt]:
        return self._accounts.attempts(destination=self.destination, state=State.RETRYING)

    def _is_finished(self) -> bool:
        is_read = self._is_loaded and self.until is not None and self.position >= self.until
        return is_read and not self.waiting and self._rereading.held_from is None

    def _has_passed(self, offset: int) -> bool:
        """Whether nothing before `offset` is still to be settled."""
        end = offset if self.until is None else min(offset, self.until)
        held_from = self._rereading.held_from
        if held_from is not None and held_from < offset:
            return False
        return self.position >= end and all(one.offset >= offset for one in self.waiting.first(1))

    async def _turn(self) -> None:
        started = time.perf_counter()
        if self._look_again:
            await self._look()
        elif not self._has_passed(self._give_up_before):
            await self._give_up()
        elif self.is_held:
            await self._stand_still()
        elif self.breaker.is_open:
            await self._probe()
        elif due := self.waiting.due(self._clock(), self._page):
            await self._try_in_order(due)
            self._fit_page(started)
        elif self._can_reread() and (self._reread_next or not self._can_read()):
            self._reread_next = False
            await self._read_again(self._page)
            self._fit_page(started)
        elif self._can_read():
            self._reread_next = True  # page by page in turn, so that neither keeps the other waiting
            await self._read_page(self._page)
            self._fit_page(started)
        else:
            await self._await_work()

    async def _stand_still(self) -> None:
        """Return when somebody nudges; only a release, a stop or a trim makes the next turn another than this."""
        self._is_resting = True
        await self._nudged.wait()
        self._nudged.clear()
        self._is_resting = False
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
        known = await self._known(in_force, sorted(records.items()))
        changed: list[Attempt] = []
        held: list[int] = []
        trying: list[Attempt] = []
        deliverables: list[Deliverable] = []
        for attempt in attempts:
            record = records.get(attempt.offset)
            if record is None:
                changed.append(after(attempt, TOO_OLD, now=self._now(), since=attempt.first_at))
                continue
            decision = self._decide(in_force, attempt.offset, record, known)
            answer = "" if record.is_erased else attempt.answer
            decided = msgspec.structs.replace(attempt, decision=decision, version=in_force.number, answer=answer)
            if decision.verdict is Verdict.WITHHOLD:
                changed.append(ended(decided, State.WITHHELD, self._now()))
            elif self._holder(in_force, record, decision) is not None:
                held.append(attempt.offset)
                changed.append(kept(decided, self._now()))
            else:
                trying.append(decided)
                stamp = known.stamp(in_force.policy, attempt.offset, record)
                deliverables.append(Deliverable(attempt.offset, record, decision, attempt.tried, stamp))
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
        for offset in held:
            self.waiting.let_pass(offset)
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
        elif (held_from := self._rereading.held_from) is not None and held_from < self._give_up_before:
            in_force = self._in_force()
            page = await self._rereading.page_to_give_up(self._give_up_before, in_force)
            await self._take_up(page, in_force, send=False)
        else:
            await self._read_page(min(MOST_A_PAGE, self._give_up_before - self.position), send=False)

    # ---------------------------------------------------------------------------------------- the log

    def _can_read(self) -> bool:
        end = self._end if self.until is None else min(self.until, self._end)
        return self.position < end and len(self.waiting) < _MOST_WAITING

    @property
    def _end(self) -> int:
        """Where there is nothing to read yet: the end of the log, or where the ledger is if that is asked."""
        asks = self._in_force().policy.asks_ledger
        return min(self._log.head, self._ledger.position) if asks else self._log.head

    async def _read_page(self, limit: int, *, send: bool = True) -> None:
        """Read on, decide, and unless `send` is False, send."""
        if self.until is not None:
            limit = min(limit, self.until - self.position)
        start = self.position
        records = await self._log.read(start, min(limit, max(1, self._end - start)))
        in_force = self._in_force()
        known = await self._known(in_force, list(enumerate(records, start)))
        counts: Counter[Account] = Counter()
        deliverables: list[Deliverable] = []
        attempts: list[Attempt] = []
        held = 0
        for offset, record in enumerate(records, start):
            decision = self._decide(in_force, offset, record, known)
            if decision.reason in _APART:
                attempts.append(self._withheld(Deliverable(offset, record, decision), in_force))
            elif decision.verdict is Verdict.WITHHOLD:
                counts[Account(record.source, State.WITHHELD, decision.reason, record.event)] += 1
            elif send and self._holder(in_force, record, decision) is not None:
                counts[Account(record.source, State.HELD, decision.reason, record.event)] += 1
                held += 1
            else:
                stamp = known.stamp(in_force.policy, offset, record)
                deliverables.append(Deliverable(offset, record, decision, stamp=stamp))
        outcomes = await self._send(deliverables) if send else [TOO_OLD] * len(deliverables)
        for sent, outcome in zip(deliverables, outcomes, strict=True):
            if outcome is None:
                record = sent.record
                counts[Account(record.source, State.DELIVERED, sent.decision.reason, record.event)] += 1
            else:
                first = first_attempt(self.destination, sent, in_force.number, now := self._now())
                attempts.append(after(first, outcome, now=now, since=now))
        end = start + len(records)
        tried = {attempt.offset: records[attempt.offset - start] for attempt in attempts}
        await self._settle(
            counts,
            attempts,
            tried,
            read=Span(self.destination, start, end, in_force.number),
            held=self._stretch(in_force, start, end, held),
            shadow=self._otherwise(in_force, records),
        )
        self.position = end
        if held:
            await self._rereading.look()
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

    async def _known(self, in_force: InForce, events: Sequence[tuple[int, Record]]) -> Known:
        """What the ledger knows of the people of these events, as far as the rules ask."""
        policy = in_force.policy
        if not policy.asks_ledger or not events:
            return NOTHING
        return await self._in_store(lambda: self._ledger.known.look(events, then=policy.stamps, now=policy.asks_newest))

    def _decide(self, in_force: InForce, offset: int, record: Record, known: Known) -> Decision:
        if self._suppressions.withhold(offset, record):
            return SUPPRESSED
        policy, key = in_force.policy, known.key(in_force.policy, offset, record)
        decision = policy.decide_key(key).get(self.destination, _NO_DESTINATION)
        if not policy.asks_newest or decision.verdict is Verdict.WITHHOLD:
            return decision
        return refusal_since(policy, self.destination, key, known.now.get(offset)) or decision

    def _withheld(self, one: Deliverable, in_force: InForce) -> Attempt:
        """The record of an event that was withheld for a reason that follows from no version and event."""
        now = self._now()
        return ended(first_attempt(self.destination, one, in_force.number, now), State.WITHHELD, now)

    def _holder(self, in_force: InForce, record: Record, decision: Decision) -> Holder | None:
        holds = in_force.policy.holds
        return holds.holder(record.source, self.destination, decision) if holds else None

    def _otherwise(self, in_force: InForce, records: Sequence[Record]) -> ShadowCounts | None:
        """What the draft that is the shadow would have done otherwise with these."""
        shadow = in_force.shadow
        if shadow is None:
            return None
        keys = (one.routing_key for one in records)
        counts = differences(in_force.policy, shadow.policy, self.destination, keys)
        return ShadowCounts(shadow.draft, shadow.revision, counts)

    def _stretch(self, in_force: InForce, start: int, end: int, events: int) -> HeldStretch | None:
        """Where so many events were passed over, and under which hold."""
        if not events:
            return None
        return HeldStretch(self.destination, start, end, events, in_force.policy.holds.key(self.destination))

    # ---------------------------------------------------------------------------------------- the log, once more

    def _can_reread(self) -> bool:
        return len(self.waiting) < _MOST_WAITING and self._rereading.is_due(self._in_force(), self._clock())

    async def _read_again(self, limit: int) -> None:
        in_force = self._in_force()
        page = await self._rereading.page(in_force, limit)
        if page is not None:
            await self._take_up(page, in_force)

    async def _take_up(self, page: Page, in_force: InForce, *, send: bool = True) -> None:
        """Send what may go by now, unless `send` is False: then it is given up. What it was, it is no longer."""
        counts: Counter[Account] = Counter()
        sending = [one for one in page.taken_up if send and one.now.state is State.DELIVERED]
        stamps = [page.known.stamp(in_force.policy, one.offset, one.record) for one in sending]
        outcomes = await self._send(
            [
                Deliverable(one.offset, one.record, one.now.decision, stamp=stamp)
                for one, stamp in zip(sending, stamps, strict=True)
            ]
        )
        answers = {one.offset: outcome for one, outcome in zip(sending, outcomes, strict=True)}
        attempts = []
        for one in page.taken_up:
            answer = answers.get(one.offset)
            if answer is not None or one.attempt is not None or one.apart:
                attempts.append(self._attempt_again(one, answer, in_force))
            else:
                state = one.now.state if send else State.FAILED
                decision = one.now.decision if send else one.was.decision
                counts[Account(one.record.source, state, decision.reason, one.record.event)] += 1
        now_held = sum(events for account, events in counts.items() if account.state is State.HELD)
        told = tally(counts, attempts)
        counts.subtract(
            Account(one.record.source, one.was.state, one.was.decision.reason, one.record.event)
            for one in page.taken_up
        )
        version = in_force.number if send else GIVEN_UP
        reread = Reread(self.destination, page.start, page.end, version, page.selection) if page.taken_up else None
        progress = Progress(page.job.id, page.start, page.end, told) if page.job is not None else None
        records = {one.offset: one.record for one in page.taken_up}
        await self._settle(
            counts,
            attempts,
            records,
            again=Again(reread, page.stretch, progress),
            held=self._stretch(in_force, page.start, page.end, now_held),
        )
        for attempt in attempts:
            self._keep(attempt, subject_of(records[attempt.offset]))
        if page.job is not None:
            self._rereading.sent(page.job, len(sending), self._clock())
        await self._rereading.look()

    def _attempt_again(self, one: TakenUp, answer: Outcome, in_force: InForce) -> Attempt:
        """The record of an event that was taken up again, after this answer."""
        now = self._now()
        deliverable = Deliverable(one.offset, one.record, one.now.decision)
        attempt = first_attempt(self.destination, deliverable, in_force.number, now)
        if one.now.state is State.DELIVERED:
            return after(attempt, answer, now=now, since=now)
        return ended(attempt, one.now.state, now)

    # ---------------------------------------------------------------------------------------- settle

    async def _settle(
        self,
        counts: Counter[Account],
        attempts: Sequence[Attempt],
        records: Mapping[int, Record],
        *,
        read: Span | None = None,
        again: Again | None = None,
        held: HeldStretch | None = None,
        shadow: ShadowCounts | None = None,
    ) -> None:
        """Settle what was counted, and what came to rest of `attempts`, whose records are known by offset."""
        for one in attempts:
            if one.state is not State.RETRYING:
                name = records[one.offset].event if one.offset in records else ""
                counts[Account(one.source, one.state, one.decision.reason, name)] += 1
        now = self._now()
        changed = {account: events for account, events in counts.items() if events}
        settlement = Settlement(self.destination, now // 60_000, changed, attempts, read, again, held, now, shadow)
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
        dues = (self.waiting.next_due(self._clock()), self._rereading.next_due(self._in_force()))
        due = min((one for one in dues if one is not None), default=None)
        signals: list[asyncio.Future[object]] = [asyncio.ensure_future(self._nudged.wait())]
        if self.until is None and len(self.waiting) < _MOST_WAITING:
            asks = self._in_force().policy.asks_ledger
            signals.append(asyncio.ensure_future((self._ledger if asks else self._log).wait(self.position)))
        try:
            self._is_resting = True
            seconds = max(0.0, due - self._clock()) if due is not None else None
            await asyncio.wait(signals, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._is_resting = False
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
