"""Versions, holds, backfills, outages and crashes in any order: the accounts balance, and what they say is true."""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from delivery_rig import BUSY, JumpingLoop, Rig, each, unavailable
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from assent.app.services import backfill
from assent.app.services.explain_event import Explainer
from assent.app.services.fates import Fates
from assent.app.services.regulations import Asked, regulate
from assent.app.wiring import open_stores
from assent.delivery.worker import Worker
from assent.domain.decision import Decision, Verdict
from assent.domain.errors import InvalidInput
from assent.domain.job import JobState
from assent.domain.outcome import State
from assent.domain.record import Record
from assent.domain.regulation import RegulationType, SubjectId, SubjectType
from assent.domain.workspace import Category, Consent, Destination, RuleOverrides, Source, Workspace
from assent.engine import edit
from assent.engine.audit import LogFigures, audit
from assent.engine.person import People
from assent.engine.policy import Policy
from assent.log.interface import Found
from assent.store.erasure import erase_attempts
from assent.testing import a_record, take_everything

CATEGORIES = ("ads", "stats")
DESTINATIONS = ("pixel", "lake")
SOURCES = ("web", "app")
PEOPLE = ("ann", "bob", "cy")
START = Workspace(
    consent=Consent(
        categories=(Category("ads", destinations=("pixel", "lake")), Category("stats", destinations=("lake",)))
    ),
    sources=tuple(Source(one, f"{one}-key") for one in SOURCES),
    destinations=tuple(Destination(one, connector="fake") for one in DESTINATIONS),
)

_answers = st.sampled_from(["granted", "granted", "granted", "denied", "missing"])
_consents = st.none() | st.fixed_dictionaries(dict.fromkeys(CATEGORIES, _answers))
_events = st.tuples(st.sampled_from(SOURCES), st.sampled_from(PEOPLE), _consents)
_mapped = st.sets(st.sampled_from(DESTINATIONS))
_rules = st.builds(
    RuleOverrides,
    several_categories=st.sampled_from(["any", "all"]),
    unmapped_destination=st.sampled_from(["deliver", "withhold"]),
    no_consent=st.sampled_from(["deliver", "withhold"]),
)
_edits = st.one_of(
    st.builds(lambda one, on: edit.change_category(one, enabled=on), st.sampled_from(CATEGORIES), st.booleans()),
    st.builds(lambda one, on: edit.change_category(one, held=on), st.sampled_from(CATEGORIES), st.booleans()),
    st.builds(lambda one, on: edit.change_category(one, held=on), st.sampled_from(CATEGORIES), st.booleans()),
    st.builds(lambda one, on: edit.change_source(one, held=on), st.sampled_from(SOURCES), st.booleans()),
    st.builds(lambda one, on: edit.change_destination(one, held=on), st.sampled_from(DESTINATIONS), st.booleans()),
    st.builds(lambda one, on: edit.change_destination(one, enabled=on), st.sampled_from(DESTINATIONS), st.booleans()),
    st.builds(lambda one, of: edit.map_destinations({one: of}), st.sampled_from(CATEGORIES), _mapped),
    st.builds(lambda rules: edit.set_rules("segment-beta", rules), _rules),
    st.builds(lambda on: lambda workspace: msgspec.structs.replace(workspace, held=on), st.booleans()),
    st.builds(edit.set_observe, st.booleans()),
)


class Time(RuleBasedStateMachine):
    """One server's delivery, from outside: people who change things, and events that come in."""

    @initialize()
    def begin(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner(loop_factory=JumpingLoop)
        self.workspace = Workspace()
        self.workspaces: dict[int, Workspace] = {}
        self.sent: list[tuple[str, str, str, Any]] = []
        self.crashed: set[str] = set()
        self.erased: set[str] = set()
        self.ever_suppressed: set[str] = set()
        self.never: dict[str, set[str]] = {one: set() for one in DESTINATIONS}
        self.run(self._begin)

    def run(self, call: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        async def bounded() -> Any:
            async with asyncio.timeout(6_000):
                return await call(*arguments)

        return self.runner.run(bounded())

    async def _begin(self) -> None:
        self.stores = open_stores(self.directory)
        self.rig = Rig(self.directory)
        for one in DESTINATIONS:
            self.rig.fake(one, batch_size=2, concurrency=2)
        self._save(Workspace())
        await self._put_in_force(START)

    def _save(self, workspace: Workspace) -> None:
        after = self.stores.versions.current_number()
        self.stores.versions.save(workspace, after=after, at=0, author="test")
        self.workspace = self.workspaces[after + 1] = workspace

    async def _put_in_force(self, workspace: Workspace) -> None:
        self._save(workspace)
        await self.rig.put_in_force(workspace)

    # ------------------------------------------------------------------------------------ what happens

    @rule(events=st.lists(_events, min_size=1, max_size=6))
    def receive(self, events: list[tuple[str, str, Any]]) -> None:
        self.run(self._receive, events)

    async def _receive(self, events: list[tuple[str, str, Any]]) -> None:
        for source, person, consent in events:
            name = f"e{len(self.sent)}"
            said = {
                one: {"granted": True, "denied": False}[answer]
                for one, answer in (consent or {}).items()
                if answer != "missing"
            }
            context = {"context": {"consent": {"categoryPreferences": said}}} if consent is not None else {}
            record = a_record(name, source=source, at=self.rig.now(), userId=person, **context)
            self.sent.append((name, source, person, record))
            await self.rig.append(record)

    @rule(change=_edits)
    def change(self, change: edit.Edit) -> None:
        self.run(self._put_in_force, change(self.workspace))

    @rule(back=st.integers(1, 3))
    def undo(self, back: int) -> None:
        number = max(2, max(self.workspaces) - back)
        self.run(self._put_in_force, self.workspaces[number])

    @rule()
    def settle(self) -> None:
        self.run(self._settle)

    async def _settle(self) -> None:
        for one in DESTINATIONS:
            self.rig.fake(one).answer = take_everything
        await self.rig.until(lambda: all(self._is_at_rest(one) for one in self.rig.delivery.workers), "rest")

    def _is_at_rest(self, worker: Worker) -> bool:
        """Whether there is nothing for it to do, but to wait for a release with what it tried before a hold."""
        waiting = worker.waiting.first(1_000)
        if worker.is_idle or not waiting or not self.rig.is_concerned_by_a_hold(worker.destination):
            return worker.is_idle
        return worker.position == self.rig.log.head and all(one.answer == "it is held" for one in waiting)

    @rule(which=st.sets(st.sampled_from(DESTINATIONS), min_size=1), speed=st.sampled_from([None, 3]))
    def backfill(self, which: set[str], speed: int | None) -> None:
        self.run(self._backfill, sorted(which), speed)

    async def _backfill(self, which: list[str], speed: int | None) -> None:
        asked = backfill.Asked(tuple(which), 0, self.rig.now() + 1)
        try:
            await backfill.start(
                self.stores, self.rig.log, asked, why="a test", author="test", at=self.rig.now(), speed=speed
            )
        except InvalidInput:
            return  # nothing has been read yet
        self.rig.delivery.look_again()

    @rule(how=st.sampled_from(["pause", "resume", "cancel"]), which=st.integers(0, 5))
    def steer(self, how: str, which: int) -> None:
        jobs = sorted(self._jobs(), key=lambda one: (one.created_at, one.destination))
        if not jobs:
            return
        job = jobs[which % len(jobs)]
        wanted = {"pause": [JobState.RUNNING], "resume": [JobState.PAUSED], "cancel": list(JobState)[:2]}[how]
        if job.state in wanted:
            getattr(backfill, how)(self.stores, job.id, author="test", at=job.updated_at + 1)
            self.run(self._look_again)

    def _jobs(self) -> list[Any]:
        return list(self.stores.jobs.all(100))

    async def _look_again(self) -> None:
        self.rig.delivery.look_again()

    @rule(destination=st.sampled_from(DESTINATIONS))
    def outage(self, destination: str) -> None:
        self.rig.fake(destination).answer = unavailable()

    @rule(destination=st.sampled_from(DESTINATIONS))
    def recover(self, destination: str) -> None:
        self.rig.fake(destination).answer = take_everything

    @rule(destination=st.sampled_from(DESTINATIONS), person=st.sampled_from(PEOPLE))
    def trouble_with_some(self, destination: str, person: str) -> None:
        ids = {name for name, _source, who, _record in self.sent if who == person}
        self.rig.fake(destination).answer = each(lambda one: BUSY if one in ids else None)

    @rule(person=st.sampled_from(PEOPLE))
    def erase(self, person: str) -> None:
        self.run(self._erase, person)

    async def _erase(self, person: str) -> None:
        """As the regulator does: the events go, then what is still said of them."""
        theirs = {name for name, _source, who, _record in self.sent if who == person}
        others = [one.body for one in await self._kept() if not one.is_erased and one.message_id not in theirs]
        erased = await self.rig.log.erase(People([SubjectId(SubjectType.USER_ID, person)]), 0, self.rig.log.head)
        assert {self.sent[offset][0] for offset in erased.offsets} >= theirs
        await self.rig.delivery.end_turns()
        erase_attempts(self.stores.engine, erased.offsets)
        self.erased |= theirs
        self._never_again(theirs)
        assert [one.body for one in await self._kept() if not one.is_erased] == others

    async def _kept(self) -> list[Record]:
        return [one for at in range(self.rig.log.head) for one in await self.rig.log.read(at, 1)]

    @rule(person=st.sampled_from(PEOPLE), on=st.booleans())
    def suppress(self, person: str, on: bool) -> None:
        self.run(self._suppress, person, on)

    async def _suppress(self, person: str, on: bool) -> None:
        type_ = RegulationType.SUPPRESS_ONLY if on else RegulationType.UNSUPPRESS
        asked = Asked(type_, SubjectType.USER_ID, (person,))
        regulate(self.stores, asked, author="test", at=self.rig.now())
        self.rig.suppressions.replace(self.stores.regulations.suppressed_digests())
        await self.rig.delivery.end_turns()
        theirs = {name for name, _source, who, _record in self.sent if who == person}
        self.ever_suppressed.add(person)
        if on:
            self._never_again(theirs)
        else:
            for names in self.never.values():
                names -= theirs - self.erased

    def _never_again(self, names: set[str]) -> None:
        for destination, never in self.never.items():
            never |= names - set(self.rig.fake(destination).delivered_ids)

    @rule()
    def crash(self) -> None:
        """As `kill -9`: whatever is in flight was perhaps sent, and is not settled."""
        self.run(self._crash)

    async def _crash(self) -> None:
        running = list(self.rig.delivery._running.values())
        for worker, task, _destination in running:
            if not worker.is_idle:
                self.crashed.add(worker.destination)
            task.cancel()
            worker.stop()  # for the turn that the cancelling comes too late for
        await asyncio.gather(*(task for _worker, task, _destination in running), return_exceptions=True)
        self.rig.delivery._running.clear()
        await self.rig.restart()

    @rule()
    def restart(self) -> None:
        self.run(self.rig.restart)

    # ------------------------------------------------------------------------------------ what must hold

    @invariant()
    def the_accounts_balance(self) -> None:
        figures = self.rig.accounts.figures()
        head = self.rig.log.head
        assert audit(LogFigures(0, head, head), figures).problems == []

    @invariant()
    def nothing_went_that_no_version_let_go(self) -> None:
        records = {name: record for name, _source, _person, record in self.sent}
        for destination in DESTINATIONS:
            for name in self.rig.fake(destination).delivered_ids:
                assert any(
                    decision.verdict is Verdict.DELIVER
                    for decision in self._decisions(records[name].routing_key, destination)
                ), f"{name} went to {destination}"

    def _decisions(self, key: bytes, destination: str) -> list[Decision]:
        found = [Policy(one).decide_key(key).get(destination) for one in self.workspaces.values()]
        return [one for one in found if one is not None]

    @invariant()
    def nothing_went_of_who_was_deleted_or_is_suppressed(self) -> None:
        for destination, never in self.never.items():
            assert not never & set(self.rig.fake(destination).delivered_ids), destination

    @invariant()
    def nothing_went_twice_but_for_a_crash(self) -> None:
        for destination in set(DESTINATIONS) - self.crashed:
            twice = [name for name, times in Counter(self.rig.fake(destination).delivered_ids).items() if times > 1]
            assert not twice, f"{twice} went to {destination} more than once"

    def teardown(self) -> None:
        if hasattr(self, "rig"):
            try:
                self.run(self._end)
            finally:
                self.run(self.rig.close)
                self.runner.close()
                self.stores.engine.dispose()
                shutil.rmtree(self.directory)

    async def _end(self) -> None:
        for job in self._jobs():
            if job.state is JobState.PAUSED:
                backfill.resume(self.stores, job.id, author="test", at=self.rig.now())
        await self._look_again()
        await self._settle()
        await self._what_is_said_is_true()
        await self._put_in_force(_released(self.workspace))
        await self._settle()
        assert self.rig.accounts.held() == {}
        assert all(job.state in (JobState.DONE, JobState.CANCELLED) for job in self._jobs())
        await self._what_is_said_is_true()
        await self._a_backfill_sends_what_it_says_and_nobody_who_refused()
        await self._what_is_said_is_true()

    async def _what_is_said_is_true(self) -> None:
        """What is explained of every event agrees with what arrived, and with the counters."""
        self.the_accounts_balance()
        fates = Fates(self.rig.accounts, self.stores.versions, lambda: self.rig._in_force, self.rig.ledger)
        explainer = Explainer(self.rig.log, fates)
        said: dict[str, Counter[State]] = {one: Counter() for one in DESTINATIONS}
        for offset, (name, _source, _person, _record) in enumerate(self.sent):
            if name in self.erased:
                assert await explainer.explain(name) == []
                found = [Found(offset, one) for one in await self.rig.log.read(offset, 1)]
                of_event = [fate for one in found for fate in fates.between(offset, offset + 1).of(one)]
            else:
                [explained] = await explainer.explain(name)
                of_event = explained.fates
            for fate in of_event:
                if fate.state is not None:
                    said[fate.destination][fate.state] += 1
                    arrived = name in self.rig.fake(fate.destination).delivered_ids
                    if fate.destination not in self.crashed:
                        assert arrived == (fate.state is State.DELIVERED), f"{name} at {fate}"
                    elif fate.state is State.DELIVERED:
                        assert arrived, f"{name} at {fate}"
        totals = self.rig.accounts.totals()
        for destination, states in said.items():
            counted = {state: events for state, events in totals.get(destination, {}).items() if events}
            at_rest = {state: events for state, events in states.items() if state not in (State.UNREAD, State.RETRYING)}
            assert at_rest == counted, destination

    async def _a_backfill_sends_what_it_says_and_nobody_who_refused(self) -> None:
        before = {one: list(self.rig.fake(one).delivered_ids) for one in DESTINATIONS}
        asked = backfill.Asked(DESTINATIONS, 0, self.rig.now() + 1)
        previews = {one.destination: one for one in await backfill.preview(self.stores, self.rig.log, asked)}
        try:
            jobs = await backfill.start(self.stores, self.rig.log, asked, why="at last", author="t", at=self.rig.now())
        except InvalidInput:
            return
        await self._look_again()
        await self._settle()
        for job in jobs:
            done = self.stores.jobs.get(job.id)
            assert done.state is JobState.DONE
            arrived = self.rig.fake(job.destination).delivered_ids[len(before[job.destination]) :]
            assert len(arrived) == done.tally.delivered == previews[job.destination].sends
            assert done.tally.refused == previews[job.destination].refused
            for name in arrived:
                assert self._newest_allows(name, job.destination), f"{name} went to {job.destination} after a refusal"
            for name, source, person, record in self.sent:
                if name in self.erased or person in self.ever_suppressed:
                    continue
                decision = Policy(self.workspace).decide_key(record.routing_key)[job.destination]
                if decision.verdict is Verdict.DELIVER and self._newest_allows(name, job.destination):
                    assert name in self.rig.fake(job.destination).delivered_ids, f"{name} of {source}"

    def _newest_allows(self, name: str, destination: str) -> bool:
        """Whether the last thing that the person of this event said lets it go."""
        number = int(name[1:])
        person = self.sent[number][2]
        newest = [
            record
            for name, _source, who, record in self.sent
            if who == person and record.routing_key != b"{}" and name not in self.erased
        ]
        if not newest:
            return True
        decision = Policy(self.workspace).decide_key(newest[-1].routing_key)[destination]
        return decision.verdict is Verdict.DELIVER


def _released(workspace: Workspace) -> Workspace:
    consent = msgspec.structs.replace(
        workspace.consent,
        categories=tuple(msgspec.structs.replace(one, held=False) for one in workspace.categories),
    )
    return msgspec.structs.replace(
        workspace,
        consent=consent,
        sources=tuple(msgspec.structs.replace(one, held=False) for one in workspace.sources),
        destinations=tuple(msgspec.structs.replace(one, held=False) for one in workspace.destinations),
        held=False,
        observe=False,
    )


TestTime = Time.TestCase
TestTime.settings = settings(
    max_examples=20,
    stateful_step_count=20,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # what happens in real time, no shrinking makes simpler
    suppress_health_check=list(HealthCheck),
)
