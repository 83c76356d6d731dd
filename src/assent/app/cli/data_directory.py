"""A data directory as commands use it, also while a server runs on it."""

import asyncio
import getpass
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from assent.app.api.trials import TriedWorkspace, trial_body
from assent.app.services import workspaces
from assent.app.services.trials import Readable, trial
from assent.app.wiring import Stores, now, open_log_snapshot, open_stores
from assent.app.workspace_file import dump
from assent.domain.errors import NotFound
from assent.domain.record import Record
from assent.domain.workspace import Workspace
from assent.engine.audit import Audit, LogFigures, audit
from assent.log.interface import KeyCounts
from assent.log.snapshot import SnapshotReader

_STATE: Final = "state.db"
_LOG: Final = "log.db"


class DataDirectory:
    """What one data directory holds. Nothing here takes the lock of a server, or writes to its log."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def plan(self, workspace: Workspace, hours: int) -> TriedWorkspace:
        """What `apply` would do, tried on the last hours; where there is no data directory yet, to an empty one."""
        if not (self._path / _STATE).exists():
            with TemporaryDirectory() as nothing, stores_of(Path(nothing)) as stores:
                return _tried(stores, NothingYet(), workspace, hours)
        with stores_of(self._path) as stores, self.log_if_any() as log:
            return _tried(stores, log, workspace, hours)

    def apply(self, workspace: Workspace, *, after: int, comment: str) -> int:
        """Put `workspace` into force after version `after`; returns the version that is then in force."""
        with stores_of(self._path) as stores:
            version = workspaces.apply(stores, workspace, author=author(), at=now(), comment=comment, after=after)
            return version.number

    def current(self) -> int:
        """The number of the version in force. Raises NotFound."""
        with self.existing_stores() as stores:
            return stores.versions.current_number()

    def plan_restore(self, number: int, hours: int) -> TriedWorkspace:
        """What `restore` would do. Raises NotFound."""
        with self.existing_stores() as stores, self.log_if_any() as log:
            return _tried(stores, log, stores.versions.get(number).workspace, hours)

    def restore(self, number: int, *, after: int, comment: str) -> int:
        """Put version `number` into force again; returns the version that is then in force. Raises NotFound."""
        with self.existing_stores() as stores:
            return workspaces.restore(stores, number, author=author(), at=now(), comment=comment, after=after).number

    def existing_stores(self) -> AbstractContextManager[Stores]:
        """Its stores. Raises NotFound where there is no data directory."""
        return existing_stores(self._path)

    @contextmanager
    def log(self) -> Iterator[SnapshotReader]:
        """The log as it is now. Raises NotFound."""
        if not (self._path / _LOG).exists():
            raise NotFound(f"no event has come in yet: there is no `{_LOG}` in `{self._path}`")
        with closing(open_log_snapshot(self._path)) as log:
            yield SnapshotReader(log)

    @contextmanager
    def log_if_any(self) -> Iterator[Readable]:
        """The log as it is now, or an empty one where no event has come in yet."""
        if not (self._path / _LOG).exists():
            yield NothingYet()
            return
        with self.log() as log:
            yield log

    def export(self) -> str:
        """The workspace file of what is in force. Raises NotFound."""
        with existing_stores(self._path) as stores:
            return dump(stores.current().workspace)

    def audit(self) -> Audit:
        """Whether the accounts balance. Raises NotFound."""
        with existing_stores(self._path) as stores:
            destinations = stores.accounts.figures()
        # INVARIANT: the log comes second, so that what a running server reads meanwhile only adds to what is unread.
        return audit(self._log_figures(), destinations)

    def _log_figures(self) -> LogFigures:
        if not (self._path / _LOG).exists():
            return LogFigures()
        with closing(open_log_snapshot(self._path)) as log:
            return log.figures()


class NothingYet:
    """The log of a directory that has none."""

    head = start = 0

    async def read(self, _offset: int, _limit: int) -> Sequence[Record]:
        return ()

    async def key_counts(self, _since: int, _until: int) -> KeyCounts:
        return {}


def _tried(stores: Stores, log: Readable, workspace: Workspace, hours: int) -> TriedWorkspace:
    return trial_body(asyncio.run(trial(stores, log, workspace, hours=hours, at=now())))


@contextmanager
def stores_of(path: Path) -> Iterator[Stores]:
    """The stores of a data directory, which is made on first use."""
    stores = open_stores(path)
    try:
        yield stores
    finally:
        stores.engine.dispose()


@contextmanager
def existing_stores(path: Path) -> Iterator[Stores]:
    """The stores of a data directory, also while a server uses them. Raises NotFound where there is none."""
    if not (path / _STATE).exists():
        raise NotFound(f"`{path}` is no data directory: there is no `{_STATE}` in it")
    with stores_of(path) as stores:
        yield stores


def author() -> str:
    """Who uses the command line, as versions and the audit trail call them."""
    return f"cli:{_user()}"


def _user() -> str:
    """The name of the user, or the number of one without a name, as in many containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
