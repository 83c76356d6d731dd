"""Carrying out what people asked for: their events go from the log, what is kept of them from the store, and the
destinations are told."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from assent.delivery.in_force import InForce
from assent.delivery.supervisor import Delivery
from assent.destinations.connector import Connector
from assent.domain.errors import LogUnavailable, Rejected, Unavailable
from assent.domain.regulation import UNFINISHED, Regulation, RegulationStatus, SubjectId, Told
from assent.domain.workspace import Destination
from assent.engine.person import People
from assent.engine.retry import next_attempt
from assent.log.interface import Log
from assent.store.erasure import erase_attempts, erase_texts
from assent.store.regulations import Regulations

log = logging.getLogger("assent.delivery")

_Answer = TypeVar("_Answer")

_A_LOOK: Final = 1_000
_WRITE_PROGRESS_EVERY: Final = 20_000
_PURGES: Final = 20
_PURGE_AGAIN_SECONDS: Final = 0.25
_AFTER_TROUBLE_SECONDS: Final = 5.0

_REMOVED: Final = "it was removed from the workspace: delete there by hand"
_UNCONNECTED: Final = "it has no connector, so that nothing was ever sent to it from here"
_CANNOT: Final = "its connector cannot delete: delete there by hand"

_jitter = random.SystemRandom().random


class NotPurged(Exception):
    """Somebody reads the log or the store for so long that what was deleted cannot be overwritten yet."""


class Regulator:
    """Carries out one regulation after the other.

    Each step can be done twice and leaves the same behind, so that a crash at any point is mended by beginning the step
    again: the log is looked through from where it is known to be clean.

    `connect` builds the connector of a destination. `heard` returns once the ledger has read all that is in the log;
    `forget_receipts` takes people out of what it keeps.
    """

    def __init__(
        self,
        log: Log,
        regulations: Regulations,
        engine: Engine,
        *,
        delivery: Delivery,
        in_force: Callable[[], InForce],
        connect: Callable[[Destination], Connector],
        heard: Callable[[], Awaitable[None]],
        forget_receipts: Callable[[Sequence[SubjectId]], None],
        now: Callable[[], int],
    ) -> None:
        self._log = log
        self._regulations = regulations
        self._engine = engine
        self._delivery = delivery
        self._in_force = in_force
        self._connect = connect
        self._heard = heard
        self._forget_receipts = forget_receipts
        self._now = now
        self._nudged = asyncio.Event()

    def nudge(self) -> None:
        """Somebody asked for something: look."""
        self._nudged.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._nudged.clear()
            try:
                due = await self._turn()
            except (LogUnavailable, SQLAlchemyError, NotPurged) as error:
                log.warning("regulations wait a moment: %s", error)
                due = self._now() + int(_AFTER_TROUBLE_SECONDS * 1000)
            except Exception:
                # INVARIANT: a bug never ends it. What people asked for waits, and the log says why.
                log.exception("regulations failed and go on in a moment")
                due = self._now() + int(_AFTER_TROUBLE_SECONDS * 1000)
            seconds = max(0.0, (due - self._now()) / 1000) if due is not None else None
            try:
                await asyncio.wait_for(self._nudged.wait(), seconds)
            except TimeoutError:
                continue

    async def _turn(self) -> int | None:
        """Do all there is to do; when there is something again (UTC epoch milliseconds), None without anything."""
        dues = [await self._carry_on(one) for one in await self._in_store(self._regulations.open)]
        return min((one for one in dues if one is not None), default=None)

    async def _carry_on(self, regulation: Regulation) -> int | None:
        if regulation.status is RegulationStatus.INITIALIZED:
            regulation = await self._begin(regulation)
        people = People(await self._in_store(self._regulations.subjects, regulation))
        if not regulation.is_swept:
            regulation = await self._sweep(regulation, people)
        told = await self._tell(regulation, people)
        waiting = [one.due_at for one in told if one.status in UNFINISHED]
        if not waiting:
            await self._finish(regulation, told)
        return min(waiting, default=None)

    async def _begin(self, regulation: Regulation) -> Regulation:
        await self._log.append([], [])  # what was accepted before is in the log now
        # What they consented to stays on record, without them; and nothing of them is under way to it afterwards.
        await self._heard()
        start, head = self._log.start, self._log.head
        begun = msgspec.structs.replace(
            regulation, status=RegulationStatus.RUNNING, started_from=start, position=start, until=head
        )
        if regulation.type.tells_destinations:
            await self._in_store(self._regulations.tell, regulation.id, await self._destinations())
        await self._in_store(self._regulations.change, begun)
        return begun

    async def _destinations(self) -> list[Told]:
        """All that may have something of these people: also those that are no longer configured."""
        configured = [one.id for one in self._in_force().version.workspace.destinations]
        gone = sorted(set(await self._delivery.known()) - set(configured))
        at = self._now()
        removed = [Told(one, RegulationStatus.NOT_SUPPORTED, _REMOVED, finished_at=at) for one in gone]
        return [Told(one, RegulationStatus.INITIALIZED, first_at=at, due_at=at) for one in configured] + removed

    # ---------------------------------------------------------------------------------------- here

    async def _sweep(self, regulation: Regulation, people: People) -> Regulation:
        regulation, offsets = await self._erase(regulation, people)
        # What was read before it was erased may still be under way, and an answer to it come in.
        await self._delivery.end_turns()
        await self._in_store(erase_attempts, self._engine, offsets)
        await self._log.erase_samples(people)
        await self._in_store(erase_texts, self._engine, people)
        await self._in_store(self._forget_receipts, people.subjects)
        await self._in_store(self._regulations.rewrite)
        await self._purge()
        return await self._changed(regulation, is_swept=True)

    async def _erase(self, regulation: Regulation, people: People) -> tuple[Regulation, list[int]]:
        """Look through the log; the offsets of what was erased."""
        offsets: list[int] = []
        position, new, written = regulation.position, 0, regulation.position
        while position < regulation.until:
            started = asyncio.get_running_loop().time()
            erased = await self._log.erase(people, position, _A_LOOK)
            if erased.offsets:
                await self._in_store(erase_attempts, self._engine, erased.offsets)
                offsets += erased.offsets
            position, new = min(erased.end, regulation.until), new + erased.new
            if erased.new or position - written >= _WRITE_PROGRESS_EVERY:
                regulation = await self._changed(regulation, position=position, erased=regulation.erased + new)
                new, written = 0, position
            # As long again for everybody else: what comes in is more urgent.
            await asyncio.sleep(asyncio.get_running_loop().time() - started)
        return await self._changed(regulation, position=position), offsets

    async def _purge(self) -> None:
        for _ in range(_PURGES):
            if await self._log.purge() and await self._in_store(self._regulations.purge):
                return
            await asyncio.sleep(_PURGE_AGAIN_SECONDS)
        raise NotPurged("somebody reads the log or the store for long, and what was deleted cannot be overwritten yet")

    # ---------------------------------------------------------------------------------------- destinations

    async def _tell(self, regulation: Regulation, people: People) -> Sequence[Told]:
        """Tell those that are due; what all of them said so far."""
        told = await self._in_store(self._regulations.told, regulation.id)
        now = self._now()
        due = [one for one in told if one.status in UNFINISHED and one.due_at <= now]
        answers = await asyncio.gather(*(self._told(regulation, people, one) for one in due))
        if answers:
            await self._in_store(self._regulations.tell, regulation.id, answers)
        changed = {one.destination: one for one in answers}
        return [changed.get(one.destination, one) for one in told]

    async def _told(self, regulation: Regulation, people: People, one: Told) -> Told:
        destination = self._in_force().version.workspace.destination(one.destination)
        if destination is None:
            return self._over(one, RegulationStatus.NOT_SUPPORTED, _REMOVED)
        if not destination.connector:
            return self._over(one, RegulationStatus.NOT_SUPPORTED, _UNCONNECTED)
        connector = self._connect(destination)
        try:
            if not connector.forgets:
                return self._over(one, RegulationStatus.NOT_SUPPORTED, _CANNOT)
            await connector.forget(people.subjects, regulation.id)
        except Rejected as error:
            return self._over(one, RegulationStatus.FAILED, people.redacted(error.answer))
        except Unavailable as error:
            return self._again(one, people.redacted(error.answer), error)
        except Exception:
            log.exception("`%s` could not be told to delete, which is a bug of its connector", one.destination)
            return self._again(one, "something is wrong with the connector: the server's log says what")
        finally:
            await connector.close()
        return self._over(one, RegulationStatus.FINISHED, "")

    def _over(self, one: Told, status: RegulationStatus, answer: str) -> Told:
        return msgspec.structs.replace(one, status=status, answer=answer, tried=one.tried + 1, finished_at=self._now())

    def _again(self, one: Told, answer: str, error: Unavailable | None = None) -> Told:
        """It is told once more in a while, for four hours."""
        asked = int(error.after.total_seconds() * 1000) if error is not None and error.after is not None else 0
        due_at = next_attempt(one.tried + 1, one.first_at, self._now(), _jitter(), asked)
        if due_at is None:
            return self._over(one, RegulationStatus.FAILED, answer)
        return msgspec.structs.replace(
            one, status=RegulationStatus.RUNNING, answer=answer, tried=one.tried + 1, due_at=due_at
        )

    async def _finish(self, regulation: Regulation, told: Sequence[Told]) -> None:
        """First forget who it was about, surely; then it is over."""
        await self._in_store(self._regulations.forget_ids, regulation)
        await self._purge()
        failed = any(one.status is RegulationStatus.FAILED for one in told)
        status = RegulationStatus.PARTIAL_SUCCESS if failed else RegulationStatus.FINISHED
        at = self._now()
        finished = msgspec.structs.replace(regulation, status=status, finished_at=at)
        await self._in_store(lambda: self._regulations.finish(finished, at=at))

    async def _changed(self, regulation: Regulation, **changes: object) -> Regulation:
        changed = msgspec.structs.replace(regulation, **changes)
        await self._in_store(self._regulations.change, changed)
        return changed

    async def _in_store(self, call: Callable[..., _Answer], *arguments: object) -> _Answer:
        return await asyncio.to_thread(call, *arguments)
