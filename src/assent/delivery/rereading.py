"""What one destination reads of the log once more: held events that were released, and backfills."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Protocol, TypeVar

import msgspec

from assent.delivery.in_force import InForce
from assent.delivery.known_consent import NOTHING, Known, KnownConsent
from assent.domain.decision import BY_CONSENT, Reason, Verdict
from assent.domain.job import Job, Tally
from assent.domain.outcome import GIVEN_UP, RELEASED, Attempt, HeldStretch, Reread, Selection, Span, State
from assent.domain.receipt import Profile
from assent.domain.record import Record
from assent.engine.fate import Judged, at_rest, judge
from assent.engine.policy import Policy
from assent.engine.stamp import by_newest, revoked
from assent.engine.suppression import SUPPRESSED, Suppressions
from assent.store.accounts import Accounts
from assent.store.counting import Account
from assent.store.jobs import Jobs

_Answer = TypeVar("_Answer")

_MOST_LOOKED_AT: Final = 5_000
"""How many events one page looks at, at most, to find some that it takes up."""

_A_LOOK: Final = 500


class Readable(Protocol):
    """What this needs of the log: also of one that another process writes."""

    @property
    def head(self) -> int: ...
    @property
    def start(self) -> int: ...
    async def read(self, offset: int, limit: int) -> Sequence[Record]: ...


class InStore(Protocol):
    """Calls something of the store in the thread that it belongs to."""

    def __call__(self, call: Callable[..., _Answer], *arguments: object) -> Awaitable[_Answer]: ...


class Again(NamedTuple):
    """An event that is taken up once more: what it was, and what it is now.

    `attempt` is its record, where it has one. `apart` says that what it is now does not follow from version and event
    alone, so that it needs a record.
    """

    offset: int
    record: Record
    was: Judged
    now: Judged
    attempt: Attempt | None
    apart: bool = False


class Page(NamedTuple):
    """A stretch of the log that is read again, with what is taken up in it, for the sake of a hold or of a backfill."""

    start: int
    end: int
    taken_up: Sequence[Again]
    selection: Selection
    stretch: HeldStretch | None = None
    job: Job | None = None
    known: Known = NOTHING


class Past:
    """What became of the events of one stretch of the log at one destination, as far as the accounts keep it."""

    def __init__(
        self,
        destination: str,
        spans: Sequence[Span],
        rereads: Sequence[Reread],
        attempts: dict[int, Attempt],
        policy_of: Callable[[int], Policy],
    ) -> None:
        self._destination = destination
        self._spans = spans
        self._rereads = rereads
        self._policy_of = policy_of
        self.attempts = attempts

    def versions(self) -> set[int]:
        """The versions that it takes to tell."""
        return {one.version for one in self._spans} | {one.version for one in self._rereads} - {GIVEN_UP}

    def judged(self, offset: int, record: Record, known: Known) -> Judged | None:
        """What became of one event; None when it was never read."""
        attempt = self.attempts.get(offset)
        if attempt is not None:
            return Judged(attempt.state, attempt.decision)
        span = next((one for one in self._spans if one.start <= offset < one.end), None)
        if span is None:
            return None
        readings = [one for one in self._rereads if one.start <= offset < one.end] if self._rereads else ()

        def judged(version: int) -> Judged:
            policy = self._policy_of(version)
            return judge(policy, record.source, known.key(policy, offset, record), self._destination)

        found, _version = at_rest(span.version, readings, judged)
        return found


class Rereading:
    """What there is to be read again for one destination. It says what; the worker sends and settles."""

    def __init__(
        self,
        destination: str,
        *,
        log: Readable,
        accounts: Accounts,
        jobs: Jobs,
        policy_of: Callable[[int], Policy],
        suppressions: Suppressions,
        in_store: InStore,
        known: KnownConsent,
        caught_up: Callable[[], Awaitable[None]],
    ) -> None:
        self._known = known
        self._caught_up = caught_up
        self._destination = destination
        self._log = log
        self._accounts = accounts
        self._jobs = jobs
        self._policy_of = policy_of
        self._suppressions = suppressions
        self._in_store = in_store
        self._stretches: list[HeldStretch] = []
        self._job: Job | None = None
        self._not_before = 0.0

    async def look(self) -> None:
        """Find out from the store what there is."""
        self._stretches = list(await self._in_store(self._accounts.held_stretches, self._destination))
        self._job = await self._in_store(self._jobs.running, self._destination)

    @property
    def held_from(self) -> int | None:
        """The offset from which on there are held events; None without any."""
        return self._stretches[0].start if self._stretches else None

    @property
    def held(self) -> int:
        """How many events are held."""
        return sum(one.events for one in self._stretches)

    def is_due(self, in_force: InForce, clock: float) -> bool:
        """Whether there is something to read again now."""
        return self._released(in_force) is not None or (self._may_backfill(in_force) and clock >= self._not_before)

    def _may_backfill(self, in_force: InForce) -> bool:
        """Nothing is taken up only to be held: while anything is held for a destination, its backfills wait. So they do
        while the workspace observes, which would send what people refused."""
        waits = in_force.version.workspace.observe or in_force.policy.holds.concern(self._destination)
        return self._job is not None and not waits

    def next_due(self, in_force: InForce) -> float | None:
        """When a backfill may send again, by the worker's clock; None without one."""
        return self._not_before if self._may_backfill(in_force) else None

    def _released(self, in_force: InForce) -> HeldStretch | None:
        """The first stretch whose events may be free under the version in force."""
        if not self._stretches:
            return None
        key = in_force.policy.holds.key(self._destination)
        return next((one for one in self._stretches if one.hold != key), None)

    async def page(self, in_force: InForce, limit: int) -> Page | None:
        """The next page to send: released events before backfills. None when there turns out to be nothing."""
        stretch = self._released(in_force)
        if stretch is not None:
            return await self._released_page(stretch, in_force, limit)
        if self._job is not None and self._may_backfill(in_force):
            return await self._backfill_page(self._job, in_force, limit)
        return None

    async def page_to_give_up(self, before: int, in_force: InForce) -> Page:
        """The first held events, of those before offset `before`."""
        first = self._stretches[0]
        part = msgspec.structs.replace(first, end=min(first.end, before))
        return await self._released_page(part, in_force, _A_LOOK, whole=first)

    # ---------------------------------------------------------------------------------------- held events

    async def _released_page(
        self, part: HeldStretch, in_force: InForce, limit: int, *, whole: HeldStretch | None = None
    ) -> Page:
        end, taken_up, known = await self.look_through(part.start, part.end, limit, RELEASED, in_force)
        taken = msgspec.structs.replace(whole or part, end=end, events=len(taken_up))
        return Page(part.start, end, taken_up, RELEASED, stretch=taken, known=known)

    async def look_through(
        self,
        start: int,
        end: int,
        limit: int,
        selection: Selection,
        in_force: InForce,
        *,
        by_newest: bool = False,
    ) -> tuple[int, list[Again], Known]:
        """From `start` on, at most to `end`: how far it looked, and what it found to take up, at most `limit`, judged
        anew; with `by_newest`, also by what people said since."""
        at, found, then = start, list[Again](), dict[int, Profile]()
        by_newest = by_newest or in_force.policy.asks_newest
        while at < end and len(found) <= limit // 2 and at - start < _MOST_LOOKED_AT:
            records = await self._log.read(at, min(limit - len(found), _A_LOOK, end - at))
            past = await self._past(at, at + len(records))
            known = await self._known_of(list(enumerate(records, at)), past, in_force, now=by_newest)
            then.update(known.then)
            taken_up = self._taken_up(at, records, past, selection, in_force, known)
            found += (self._by_newest(one, known, in_force) for one in taken_up) if by_newest else taken_up
            at += len(records)
        return at, found, Known(then, {})

    async def _known_of(
        self, events: Sequence[tuple[int, Record]], past: Past, in_force: InForce, *, now: bool
    ) -> Known:
        """What the ledger knows of the people of these events, as far as any version asks that decides on them."""
        then = in_force.policy.stamps or any(self._policy_of(one).stamps for one in past.versions())
        if not (then or now):
            return NOTHING
        return await self._in_store(lambda: self._known.look(events, then=then, now=now))

    def _taken_up(
        self,
        first: int,
        records: Sequence[Record],
        past: Past,
        selection: Selection,
        in_force: InForce,
        known: Known,
    ) -> Iterator[Again]:
        for offset, record in enumerate(records, first):
            was = past.judged(offset, record, known)
            if was is None or not selection.takes(was.state, was.decision.reason):
                continue
            attempt = past.attempts.get(offset)
            if self._suppressions.withhold(offset, record):
                yield Again(offset, record, was, Judged(State.WITHHELD, SUPPRESSED), attempt, apart=True)
            else:
                key = known.key(in_force.policy, offset, record)
                now = judge(in_force.policy, record.source, key, self._destination)
                yield Again(offset, record, was, now, attempt)

    async def _past(self, start: int, end: int) -> Past:
        accounts, name = self._accounts, self._destination
        past = await self._in_store(
            lambda: Past(
                name,
                accounts.spans_of(name, start, end),
                accounts.rereads_of(name, start, end),
                accounts.attempts_of(name, start, end),
                self._policy_of,
            )
        )
        # Compiled in the thread, not in the loop that the gateway shares.
        await self._in_store(lambda: [self._policy_of(one) for one in past.versions()])
        return past

    # ---------------------------------------------------------------------------------------- backfills

    async def _backfill_page(self, job: Job, in_force: InForce, limit: int) -> Page | None:
        start = max(job.position, self._log.start)  # what was trimmed meanwhile cannot be sent any more
        if job.speed is not None:
            limit = min(limit, job.speed)
        await self._caught_up()
        end, taken_up, known = await self.look_through(
            start, max(start, job.end), limit, job.selection, in_force, by_newest=True
        )
        return Page(job.position, end, taken_up, job.selection, job=job, known=known)

    def _by_newest(self, one: Again, known: Known, in_force: InForce) -> Again:
        """The event as the newest consent of its person leaves it: a refusal since holds back what its own consent
        allows, and a grant since sends it only where the workspace says so."""
        key = known.key(in_force.policy, one.offset, one.record)
        newest = by_newest(in_force.policy, self._destination, key, known.now.get(one.offset))
        if newest is None or newest.verdict is one.now.decision.verdict:
            return one
        if newest.verdict is Verdict.WITHHOLD:
            return one._replace(now=Judged(State.WITHHELD, revoked(newest)), apart=True)
        if in_force.version.workspace.backfill_later_grants and one.now.decision.reason in BY_CONSENT:
            return one._replace(now=Judged(State.DELIVERED, newest), apart=True)
        return one

    # ---------------------------------------------------------------------------------------- after a turn

    def sent(self, job: Job, events: int, clock: float) -> None:
        """So many events of a backfill were sent: with a limit, the next may go only after a while."""
        if job.speed is not None:
            self._not_before = max(self._not_before, clock) + events / job.speed


def tally(counts: Mapping[Account, int], attempts: Sequence[Attempt]) -> Tally:
    """What became of what a page took up: counted where it came to rest, and the attempts at the rest."""
    found = Counter[str]()
    for account, events in counts.items():
        if events > 0:
            found[_heading(account.state, account.reason)] += events
    found.update(_heading(one.state, one.decision.reason) for one in attempts)
    return Tally(**found)


def _heading(state: State, reason: Reason) -> str:
    return "refused" if reason is Reason.SUBJECT_REVOKED else state.value
