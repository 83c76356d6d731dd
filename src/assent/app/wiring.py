"""Putting the parts together: the only place where adapters of log and store are built."""

import asyncio
import fcntl
import logging
import os
import sqlite3
import time
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from assent.app.config import Config
from assent.app.metrics import Metrics
from assent.app.page_reports import PageReports
from assent.app.shadowing import shadow_of
from assent.delivery.in_force import InForce, Shadow
from assent.delivery.ledger import LedgerReader
from assent.delivery.regulator import Regulator
from assent.delivery.supervisor import Delivery
from assent.destinations.connector import Connector
from assent.destinations.registry import connector_class, read_settings
from assent.destinations.unconfigured import Unconfigured
from assent.domain.errors import AssentError, Conflict, InvalidWorkspace, LogUnavailable
from assent.domain.regulation import SubjectId
from assent.domain.workspace import Destination, Source, Version, Workspace
from assent.engine.policy import Policy
from assent.engine.suppression import Digests, Suppressions
from assent.log.snapshot import LogSnapshot
from assent.log.sqlite import SqliteLog
from assent.signals.translate import Translator
from assent.store.accounts import Accounts
from assent.store.database import open_database
from assent.store.drafts import Drafts
from assent.store.invitations import Invitations
from assent.store.jobs import Jobs
from assent.store.ledger import Ledger
from assent.store.lockout import Lockout
from assent.store.pages import Missed, Pages
from assent.store.regulations import Regulations
from assent.store.secrets import REFERENCE_PREFIX, Secrets, load_key
from assent.store.sessions import Sessions
from assent.store.tokens import Tokens
from assent.store.trail import Trail
from assent.store.users import Users
from assent.store.versions import Versions

log = logging.getLogger("assent")

_WATCH_SECONDS: Final = 0.5
_POLICIES_REMEMBERED: Final = 32
_TRIM_EVERY: Final = timedelta(minutes=1)
_KEEP_REPORTS_EVERY: Final = timedelta(seconds=1)


def now() -> int:
    """UTC epoch milliseconds."""
    return time.time_ns() // 1_000_000


class Stores(NamedTuple):
    """Everything that a data directory keeps beside the log."""

    engine: Engine
    versions: Versions
    accounts: Accounts
    tokens: Tokens
    secrets: Secrets
    users: Users
    sessions: Sessions
    invitations: Invitations
    lockout: Lockout
    trail: Trail
    jobs: Jobs
    drafts: Drafts
    ledger: Ledger
    regulations: Regulations
    pages: Pages

    def suppressions(self) -> Suppressions:
        """Who is suppressed now."""
        found = Suppressions(self.regulations.digests)
        found.replace(self.regulations.suppressed_digests())
        return found

    def current(self) -> Version:
        """The version in force; an empty one before the first."""
        number = self.versions.current_number()
        return self.versions.get(number) if number else Version(0, Workspace(), 0, "")


def open_stores(data: Path) -> Stores:
    """Open the stores of a data directory, which is made on first use."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = open_database(f"sqlite:///{data / 'state.db'}")
    secrets = Secrets(engine, load_key(data / "secret.key"))
    return Stores(
        engine,
        Versions(engine),
        Accounts(engine),
        Tokens(engine),
        secrets,
        Users(engine),
        Sessions(engine),
        Invitations(engine),
        Lockout(engine),
        Trail(engine),
        Jobs(engine),
        Drafts(engine),
        Ledger(engine),
        Regulations(engine, Digests(secrets.key)),
        Pages(engine),
    )


def open_log(data: Path, metrics: Metrics | None = None) -> SqliteLog:
    """Open the log of a data directory."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return SqliteLog(data / "log.db", on_commit=metrics.committed if metrics else None)


def open_log_snapshot(data: Path) -> LogSnapshot:
    """The log of a data directory as it is now, which a server may go on writing."""
    return LogSnapshot(data / "log.db")


def connect(destination: Destination | None, secrets: Secrets) -> Connector:
    """The connector of a destination, its settings filled in from secrets and environment.

    One that cannot be built (a variable is missing) stands in for an outage, so that its events wait.
    """
    if destination is None:
        return Unconfigured("the destination was removed")
    try:
        connector = connector_class(destination.connector)
        settings = read_settings(destination.connector, reveal(destination.settings, secrets), os.environ)
    except AssentError as error:
        log.error("`%s` waits, because its settings cannot be used: %s", destination.id, error.message)
        return Unconfigured(error.message)
    build: Any = connector
    built: Connector = build(settings)
    return built


def reveal(value: Any, secrets: Secrets) -> Any:
    """Settings with each reference to a stored secret replaced by the secret. Raises NotFound."""
    if isinstance(value, Mapping):
        return {name: reveal(one, secrets) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [reveal(one, secrets) for one in value]
    if isinstance(value, str) and value.startswith(REFERENCE_PREFIX):
        secret = secrets.reveal(value)
        return f"${secret}" if secret.startswith("$") else secret
    return value


class Server:
    """One running process: log, stores, the version in force, and delivery."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.metrics = Metrics()
        self.stores = open_stores(config.data)
        self._lock = _lock(config.data / "lock")
        self.log = open_log(config.data, self.metrics)
        self.sources: Mapping[str, Source] = {}
        self.translators: Mapping[str, Translator] = {}
        """By source, for those that state consent in another way than Segment's."""
        self.under_test: set[str] = set()
        """The destinations that a test event is on its way to."""
        self.is_ready = False
        self.stopping = asyncio.Event()
        """Set once the server is to stop: what would go on for ever ends then, so that nobody waits for it."""
        current = self.stores.current()
        self._put_in_force(current, self._shadow_of(current))
        self._seen_of_trail = self.stores.trail.newest()
        self.suppressions = self.stores.suppressions()
        self.suppressions.until = self.log.head
        self.ledger = LedgerReader(self.log, self.stores.ledger)
        self.delivery = Delivery(
            self.log,
            self.stores.accounts,
            jobs=self.stores.jobs,
            in_force=lambda: self.in_force,
            policy_of=lru_cache(_POLICIES_REMEMBERED)(self._policy),
            suppressions=self.suppressions,
            connect=lambda destination: connect(destination, self.stores.secrets),
            now=now,
            on_settled=self.metrics.settlement,
            ledger=self.ledger,
        )
        self.regulator = Regulator(
            self.log,
            self.stores.regulations,
            self.stores.engine,
            delivery=self.delivery,
            in_force=lambda: self.in_force,
            connect=lambda destination: connect(destination, self.stores.secrets),
            heard=self._heard,
            forget_receipts=self._forget_receipts,
            now=now,
        )
        self.page_reports = PageReports()
        self._tasks: list[asyncio.Task[None]] = []
        self._following = asyncio.Lock()
        self._followed = 0

    def _put_in_force(self, version: Version, shadow: Shadow | None) -> None:
        self.in_force = InForce(version, Policy(version.workspace), shadow)
        workspace = version.workspace
        translated = [one for one in workspace.sources if one.consent_from]
        self.translators = {one.id: Translator(one, workspace.categories) for one in translated}
        self.sources = {one.write_key: one for one in workspace.sources}

    def _shadow_of(self, version: Version) -> Shadow | None:
        return shadow_of(self.stores.versions, self.stores.drafts, version)

    def _policy(self, number: int) -> Policy:
        return Policy(self.stores.versions.get(number).workspace)

    async def _heard(self) -> None:
        """Return once the ledger has read all that is in the log by now."""
        await self.ledger.caught_up()

    def _forget_receipts(self, people: Sequence[SubjectId]) -> None:
        """Have the ledger forget these people."""
        self.stores.ledger.forget([one.id for one in people], self.stores.secrets.key)

    async def start(self) -> None:
        self.ledger.start()
        await self.follow()
        self._tasks = [asyncio.create_task(one) for one in self._work()]
        self.is_ready = True

    def _work(self) -> Iterable[Coroutine[Any, Any, None]]:
        """What goes on for as long as the server runs."""
        return self._watch(), self._trim(), self._keep_reports(), self.regulator.run()

    async def stop(self) -> None:
        """Finish what is in flight, then close."""
        self.stopping.set()
        self.is_ready = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.delivery.stop()
        await self.ledger.stop()
        await self.log.close()
        self._write_down(self.page_reports.take())
        self.stores.engine.dispose()
        os.close(self._lock)

    async def follow(self) -> None:
        """Put the newest version into force, if it is not yet, and see to what people asked for."""
        async with self._following:
            number = await asyncio.to_thread(self.stores.versions.current_number)
            if number != self.in_force.number:
                version = await asyncio.to_thread(self.stores.versions.get, number)
                self._put_in_force(version, await asyncio.to_thread(self._shadow_of, version))
            if number != self._followed:
                await self.delivery.follow()
                self._followed = number
            # Whatever people ask for goes on record, also from another process on the same data directory.
            newest = await asyncio.to_thread(self.stores.trail.newest)
            if newest != self._seen_of_trail:
                self._seen_of_trail = newest
                await self._suppress()
                shadow = await asyncio.to_thread(self._shadow_of, self.in_force.version)
                self.in_force = self.in_force._replace(shadow=shadow)
                self.delivery.look_again()
                self.regulator.nudge()

    async def _suppress(self) -> None:
        """Have those suppressed who are to be, from the next request on."""
        if self.suppressions.replace(await asyncio.to_thread(self.stores.regulations.suppressed_digests)):
            # Whatever was accepted before is in the log after the next commit, and nothing of theirs comes after it.
            with suppress(LogUnavailable):
                await self.log.append([], [])
                self.suppressions.until = self.log.head

    async def _watch(self) -> None:
        """Follow versions that another process applies to the same data directory."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            try:
                await self.follow()
            except SQLAlchemyError:
                log.exception("the version in force cannot be read; version %s stays", self.in_force.number)

    async def _keep_reports(self) -> None:
        while True:
            await asyncio.sleep(_KEEP_REPORTS_EVERY.total_seconds())
            if missed := self.page_reports.take():
                await asyncio.to_thread(self._write_down, missed)

    def _write_down(self, missed: Missed) -> None:
        try:
            self.stores.pages.add(missed)
        except SQLAlchemyError:
            log.exception("how many pages had no consent tool cannot be written down; some are not counted")

    async def _trim(self) -> None:
        while True:
            before = now() - int(self.config.keep.total_seconds() * 1000)
            try:
                await self.delivery.trim(before, at_most_bytes=self.config.keep_bytes)
            except (LogUnavailable, SQLAlchemyError, sqlite3.Error):
                log.exception("the log cannot be trimmed now")
            await asyncio.sleep(_TRIM_EVERY.total_seconds())


def _lock(path: Path) -> int:
    """Hold the data directory for this process; raises Conflict when another one has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Conflict(f"another server is running on `{path.parent}`") from None
    return descriptor


def check_settings(workspace: Workspace, secrets: Secrets) -> None:
    """Raises InvalidWorkspace when a destination's settings cannot be used here, now."""
    for index, destination in enumerate(workspace.destinations):
        try:
            if destination.connector:
                read_settings(destination.connector, reveal(destination.settings, secrets), os.environ)
        except AssentError as error:
            where = f"destinations[{index}].{error.field or 'settings'}"
            raise InvalidWorkspace(f"{where}: {error.message}", field=where) from None
