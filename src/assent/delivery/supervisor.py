"""All workers: one per destination of the version in force, and those that still settle removed ones."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Final, TypeVar

from assent.delivery.in_force import InForce
from assent.delivery.ledger import LedgerReader
from assent.delivery.worker import Worker
from assent.destinations.connector import Connector
from assent.domain.outcome import Cursor
from assent.domain.workspace import Destination
from assent.engine.policy import Policy
from assent.engine.suppression import Suppressions
from assent.log.interface import Log
from assent.store.accounts import Accounts, Settlement
from assent.store.jobs import Jobs

log = logging.getLogger("assent.delivery")
_Answer = TypeVar("_Answer")
_GRACE: Final = timedelta(seconds=15)


class Delivery:
    """The workers, following the version in force.

    `connect` builds the connector of a destination; None stands for one that was removed.
    """

    def __init__(
        self,
        log: Log,
        accounts: Accounts,
        *,
        jobs: Jobs,
        in_force: Callable[[], InForce],
        policy_of: Callable[[int], Policy],
        suppressions: Suppressions,
        connect: Callable[[Destination | None], Connector],
        now: Callable[[], int],
        on_settled: Callable[[Settlement], None],
        ledger: LedgerReader,
    ) -> None:
        self._ledger = ledger
        self._log = log
        self._accounts = accounts
        self._jobs = jobs
        self._in_force = in_force
        self._policy_of = policy_of
        self._suppressions = suppressions
        self._connect = connect
        self._now = now
        self._on_settled = on_settled
        self._store_thread = ThreadPoolExecutor(1, "accounts")
        self._running: dict[str, tuple[Worker, asyncio.Task[None], Destination | None]] = {}

    @property
    def workers(self) -> list[Worker]:
        return [worker for worker, _task, _destination in self._running.values()]

    def worker(self, destination: str) -> Worker | None:
        running = self._running.get(destination)
        return running[0] if running is not None else None

    async def follow(self) -> None:
        """Start, restart and end workers so that they are those of the version in force."""
        wanted = {one.id: one for one in self._in_force().version.workspace.destinations}
        known = {one.destination for one in await self._in_store(self._accounts.cursors)}
        for gone in known - wanted.keys():
            await self._in_store(self._accounts.remove, gone, self._log.head)
        for name in known | wanted.keys():
            destination = wanted.get(name)
            running = self._running.get(name)
            if running is None or not _sends_alike(running[2], destination):
                await self._end([name])
                await self._start(name, destination)
            else:
                running[0].nudge()

    def look_again(self) -> None:
        """Somebody asked for something: a backfill, or failed events once more."""
        for worker in self.workers:
            worker.nudge()

    async def known(self) -> list[str]:
        """The ids of all destinations that there are or were."""
        return [one.destination for one in await self._in_store(self._accounts.cursors)]

    async def end_turns(self) -> None:
        """Return once nothing is under way that was read or decided before this was called."""
        await asyncio.gather(*(worker.end_turn() for worker in self.workers))

    async def _start(self, name: str, destination: Destination | None) -> None:
        cursor = await self._in_store(self._open, name, destination)
        if cursor is None or (
            cursor.until is not None and cursor.position >= cursor.until and not await self._waits(name)
        ):
            return
        worker = Worker(
            cursor,
            self._connect(destination),
            log=self._log,
            accounts=self._accounts,
            jobs=self._jobs,
            store_thread=self._store_thread,
            in_force=self._in_force,
            policy_of=self._policy_of,
            suppressions=self._suppressions,
            now=self._now,
            on_settled=self._on_settled,
            ledger=self._ledger,
        )
        task = asyncio.create_task(worker.run(), name=f"deliver to {name}")
        task.add_done_callback(self._ended)
        self._running[name] = (worker, task, destination)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("`%s` has stopped, restart the server: %r", task.get_name(), error)
        for name, (_worker, running, _destination) in list(self._running.items()):
            if running is task:
                del self._running[name]

    def _open(self, name: str, destination: Destination | None) -> Cursor | None:
        if destination is not None:
            return self._accounts.open(name, self._log.head)
        return self._accounts.cursor(name)

    async def _waits(self, name: str) -> bool:
        waits = self._accounts.waiting, self._accounts.held
        return any([name in await self._in_store(one) for one in waits])

    async def _end(self, names: list[str]) -> None:
        """Let the turns under way finish, at most for `_GRACE`."""
        ending = [self._running.pop(name) for name in names if name in self._running]
        if not ending:
            return
        for worker, _task, _destination in ending:
            worker.stop()
        tasks = [task for _worker, task, _destination in ending]
        _done, late = await asyncio.wait(tasks, timeout=_GRACE.total_seconds())
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def stop(self) -> None:
        """Finish what is in flight."""
        await self._end(list(self._running))
        self._store_thread.shutdown()

    async def trim(self, before: int, *, at_most_bytes: int | None) -> None:
        """Forget what was received before `before` (UTC epoch milliseconds) or is too much. What is still unread by
        then, or waiting, is first counted as failed."""
        start = await self._log.trimmable(before, at_most_bytes=at_most_bytes)
        # INVARIANT: the log forgets no consent that the ledger has not read.
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ledger.wait(start - 1), _GRACE.total_seconds())
        start = min(start, self._ledger.position)
        await asyncio.gather(*(worker.give_up_before(start) for worker in self.workers))
        # INVARIANT: the log forgets nothing that is not accounted for. A worker may have been replaced meanwhile.
        if await self._in_store(self._accounts.are_settled_before, start):
            kept_from = await self._log.trim(start, before)
            await self._in_store(self._accounts.forget, kept_from, self._now() // 3_600_000)

    async def _in_store(self, call: Callable[..., _Answer], *arguments: object) -> _Answer:
        return await asyncio.get_running_loop().run_in_executor(self._store_thread, call, *arguments)


def _sends_alike(one: Destination | None, other: Destination | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.connector == other.connector and one.settings == other.settings
