"""What the tests of delivery share: a real log and store, destinations to command, and a clock that jumps."""

import asyncio
import functools
import selectors
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from assent.delivery.in_force import InForce
from assent.delivery.ledger import LedgerReader
from assent.delivery.supervisor import Delivery
from assent.delivery.worker import Worker
from assent.destinations.connector import Connector, Outcome, Outgoing
from assent.domain.errors import Rejected, Unavailable
from assent.domain.outcome import State
from assent.domain.record import Record
from assent.domain.workspace import Category, Consent, Destination, Version, Workspace
from assent.engine.policy import Policy
from assent.engine.suppression import Digests, Suppressions
from assent.log.sqlite import SqliteLog
from assent.store.accounts import Accounts, Settlement
from assent.store.database import open_database
from assent.store.jobs import Jobs
from assent.store.ledger import Ledger
from assent.store.secrets import load_key
from assent.testing import FakeDestination, a_record

NOON: Final = 1_767_268_800_000
_PATIENCE_SECONDS: Final = 3_000
_A_TEST_SECONDS: Final = 40_000
_STUCK_SECONDS: Final = 5
"""How long a thread may really take before the clock goes on nevertheless."""

_logs: weakref.WeakSet[SqliteLog] = weakref.WeakSet()
"""Logs whose commits the clock waits for."""


class _PatientSelector(selectors.DefaultSelector):
    """Waits for what really happens as long as anything is under way; otherwise waits by moving the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.calls = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(_STUCK_SECONDS if self._is_under_way() else 0)
        if not ready:
            self.now += timeout
        return ready

    def _is_under_way(self) -> bool:
        return self.calls > 0 or any(one._committing for one in _logs)


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock stands still while threads work, and jumps to the next thing due when none does.

    However slow the machine is, no time passes but that which something waits for.
    """

    def __init__(self) -> None:
        self._patient = _PatientSelector()
        super().__init__(self._patient)

    def time(self) -> float:
        return self._patient.now

    def run_in_executor(self, executor: Any, func: Any, *arguments: Any) -> Any:
        call = super().run_in_executor(executor, func, *arguments)
        self._patient.calls += 1
        call.add_done_callback(self._called)
        return call

    def _called(self, _call: object) -> None:
        self._patient.calls -= 1


def in_fast_time(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Runs a test with a clock that jumps over all waiting."""

    @functools.wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(_A_TEST_SECONDS):
                await test(*arguments, **named)

        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            runner.run(bounded())

    return run


async def seconds(number: float) -> None:
    """Let so many seconds pass, by the clock that jumps."""
    await asyncio.sleep(number)


def a_workspace(
    *destinations: str, categories: Sequence[Category] = (), settings: dict[str, Any] | None = None
) -> Workspace:
    """Destinations that need no consent, but for those that `categories` name."""
    return Workspace(
        consent=Consent("segment-ga", categories=tuple(categories)),
        destinations=tuple(Destination(one, connector="fake", settings=settings or {}) for one in destinations),
    )


class Rig:
    """Delivery from a real log, with a version of the workspace in force.

    `fakes` are the destinations by id; `change` makes one before its worker gets it. `clock_error` is by how many
    milliseconds the wall clock is wrong.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.fakes: dict[str, FakeDestination] = {}
        self.settled: list[Settlement] = []
        self.clock_error = 0
        self._policies: dict[int, Policy] = {}
        self._in_force = self._version(1, Workspace())
        self._engine = open_database(f"sqlite:///{directory / 'state.db'}")
        self.accounts = Accounts(self._engine)
        self.jobs = Jobs(self._engine)
        self.log = SqliteLog(directory / "log.db")
        self.ledger = Ledger(self._engine)
        self.suppressions = Suppressions(Digests(load_key(directory / "secret.key")))
        _logs.add(self.log)
        self.delivery = self._new_delivery()

    def fake(self, destination: str, **options: int) -> FakeDestination:
        """The destination of that id, made as the test wants it."""
        return self.fakes.setdefault(destination, FakeDestination(**options))

    def now(self) -> int:
        return NOON + int(asyncio.get_running_loop().time() * 1000) + self.clock_error

    async def put_in_force(self, workspace: Workspace) -> None:
        """As the server does with a new version."""
        self._in_force = self._version(self._in_force.number + 1, workspace)
        await self.delivery.follow()

    async def restart(self) -> None:
        """Stop delivery, and start it anew on the same log and store."""
        await self.delivery.stop()
        await self.reader.stop()
        self.delivery = self._new_delivery()
        await self.delivery.follow()

    async def append(self, *records: Record) -> None:
        await self.log.append(records, [])

    async def append_many(self, count: int, *, people: int = 5, start: int = 0) -> list[str]:
        """Events `e0`, `e1`, ... of persons in turn, one request each; returns their ids."""
        records = [
            a_record(f"e{number}", at=self.now(), userId=f"person {number % people}")
            for number in range(start, start + count)
        ]
        await asyncio.gather(*(self.append(one) for one in records))
        return [one.message_id for one in records]

    async def until(self, condition: Callable[[], bool], what: str = "the condition") -> None:
        deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while not condition():
            assert asyncio.get_running_loop().time() < deadline, f"{what} never came: {self.describe()}"
            await asyncio.sleep(0.2)

    async def settled_everything(self, *destinations: str) -> None:
        """Wait until these destinations, or all, have nothing unread and nothing waiting."""
        names = destinations or tuple(self.fakes)
        await self.until(lambda: all(self.is_settled(one) for one in names), f"an end of {names}")

    def is_settled(self, destination: str) -> bool:
        cursor = self.accounts.cursor(destination)
        assert cursor is not None
        end = self.log.head if cursor.until is None else cursor.until
        return cursor.position >= end and not self.accounts.waiting().get(destination)

    def is_concerned_by_a_hold(self, destination: str) -> bool:
        """Whether a source or a category is held whose events it gets, by the version in force."""
        return self._in_force.policy.holds.concern(destination)

    def worker(self, destination: str) -> Worker:
        [found] = [one for one in self.delivery.workers if one.destination == destination]
        return found

    def new_worker(self, destination: str) -> Worker:
        """A worker beside those of `delivery`, as another process would have it."""
        cursor = self.accounts.open(destination, self.log.head)
        return Worker(
            cursor, self.fake(f"{destination} of another process"), **self._ports(), store_thread=ThreadPoolExecutor(1)
        )

    def states(self, destination: str) -> dict[State, int]:
        """How many events are in each state there; every event is in one, or `assert_balance` fails."""
        waiting = self.accounts.waiting()
        retrying = {State.RETRYING: waiting[destination]} if destination in waiting else {}
        return {**self.accounts.totals().get(destination, {}), **retrying}

    def assert_balance(self) -> None:
        """Per destination: delivered + withheld + retrying + failed + not yet read = accepted."""
        for cursor in self.accounts.cursors():
            end = self.log.head if cursor.until is None else cursor.until
            totals, waiting = self.accounts.totals().get(cursor.destination, {}), self.accounts.waiting()
            accounted = sum(totals.values()) + waiting.get(cursor.destination, 0) + end - cursor.position
            assert accounted == end - cursor.skipped, f"{cursor}: {totals}, {waiting}, head {self.log.head}"

    def describe(self) -> str:
        return f"cursors {self.accounts.cursors()}, totals {self.accounts.totals()}, waiting {self.accounts.waiting()}"

    async def close(self) -> None:
        await self.delivery.stop()
        await self.reader.stop()
        await self.log.close()
        self._engine.dispose()

    def _version(self, number: int, workspace: Workspace) -> InForce:
        self._policies[number] = Policy(workspace)
        return InForce(Version(number, workspace, 0, "test"), self._policies[number])

    def _ports(self) -> dict[str, Any]:
        return {
            "log": self.log,
            "accounts": self.accounts,
            "jobs": self.jobs,
            "in_force": lambda: self._in_force,
            "policy_of": self._policies.__getitem__,
            "suppressions": self.suppressions,
            "now": self.now,
            "on_settled": self.settled.append,
            "ledger": self.reader,
        }

    def _new_delivery(self) -> Delivery:
        self.reader = LedgerReader(self.log, self.ledger)
        self.reader.start()
        ports = self._ports()
        return Delivery(ports.pop("log"), ports.pop("accounts"), connect=self._connect, **ports)

    def _connect(self, destination: Destination | None) -> Connector:
        return self.fake(destination.id) if destination is not None else FakeDestination()


@asynccontextmanager
async def a_rig(directory: Path, *destinations: str, **fakes: FakeDestination) -> AsyncIterator[Rig]:
    """A rig that delivers to these destinations; at the end its accounts must balance."""
    rig = Rig(directory)
    rig.fakes.update(fakes)
    try:
        await rig.put_in_force(a_workspace(*destinations, *fakes))
        yield rig
        rig.assert_balance()
    finally:
        await rig.close()


# --- how destinations fail


def unavailable(
    answer: str = "answered 503: busy", **details: Any
) -> Callable[[Sequence[Outgoing]], Awaitable[Sequence[Outcome]]]:
    async def answer_so(batch: Sequence[Outgoing]) -> Sequence[Outcome]:
        raise Unavailable(answer, http_status=503, **details)

    return answer_so


def each(judge: Callable[[str], Outcome]) -> Callable[[Sequence[Outgoing]], Awaitable[Sequence[Outcome]]]:
    """Judges each event of a batch by its message id."""

    async def answer_so(batch: Sequence[Outgoing]) -> Sequence[Outcome]:
        return [judge(one.message_id) for one in batch]

    return answer_so


REFUSED: Final = Rejected("answered 400: no", http_status=400)
BUSY: Final = Unavailable("answered 503: busy", http_status=503)
