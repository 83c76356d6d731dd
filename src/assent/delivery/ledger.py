"""The ledger's own cursor on the log: what events say of consent becomes receipts, each exactly once."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from sqlalchemy.exc import OperationalError

from assent.delivery.hearing import Hearing
from assent.delivery.known_consent import KnownConsent
from assent.log.interface import Log
from assent.store.ledger import Ledger

log = logging.getLogger("assent.ledger")
_Answer = TypeVar("_Answer")

_MOST_A_PAGE: Final = 2_000
_LINGER_SECONDS: Final = 0.02
_AFTER_A_FAULT_SECONDS: Final = 1.0


class LedgerReader:
    """What carries consent from the log to the ledger.

    `position` is the next offset that it reads: receipts of all events before it are on disk. The log is read at least
    once; receipts and cursor move in one transaction, so that each event is heard exactly once.
    """

    def __init__(self, log: Log, ledger: Ledger) -> None:
        self._log = log
        self._ledger = ledger
        self._hearing = Hearing(ledger)
        self.known = KnownConsent(ledger)
        """What it knows of people, for the workers."""
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._moved: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self.position = ledger.state().position

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="ledger")

    async def stop(self) -> None:
        """End after the page under way."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        self._thread.shutdown()

    async def wait(self, offset: int) -> None:
        """Return once it has read the event at `offset`."""
        while self.position <= offset:
            moved = asyncio.get_running_loop().create_future()
            self._moved.append(moved)
            await moved

    async def caught_up(self) -> None:
        """Return once it has read all that is in the log by now."""
        await self.wait(self._log.head - 1)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._turn()
            except OperationalError as error:
                log.error("the ledger cannot be written: %s", error.orig)
                await self._after_a_fault()
            except Exception:
                # INVARIANT: a bug never ends it. What it could not write is read again.
                log.exception("the ledger failed and goes on in a moment")
                await self._after_a_fault()

    async def _turn(self) -> None:
        if self.position >= self._log.head:
            await self._unless_stopping(self._log.wait(self.position))
            await self._unless_stopping(asyncio.sleep(_LINGER_SECONDS))
            return
        start = max(self.position, self._log.start)
        records = await self._log.read(start, _MOST_A_PAGE)
        await self._in_thread(lambda: self._hearing.take_in(records, start, self.position))
        self._move(start + len(records))

    async def _after_a_fault(self) -> None:
        self._hearing.forget_everything()
        await self._unless_stopping(asyncio.sleep(_AFTER_A_FAULT_SECONDS))
        try:
            self.position = (await self._in_thread(self._ledger.state)).position
        except OperationalError:
            return

    def _move(self, position: int) -> None:
        self.position = position
        moved, self._moved = self._moved, []
        for one in moved:
            if not one.done():
                one.set_result(None)

    async def _unless_stopping(self, awaited: Coroutine[Any, Any, None]) -> None:
        """Return when it is done, or when it is time to stop."""
        tasks = asyncio.ensure_future(awaited), asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    async def _in_thread(self, call: Callable[[], _Answer]) -> _Answer:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
