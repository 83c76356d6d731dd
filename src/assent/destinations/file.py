"""The file connector: events as JSON lines, in a file that is rotated."""

import asyncio
import fcntl
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, ClassVar, Final

import msgspec

from assent.destinations.connector import Connector, Outcome, Outgoing, Settings
from assent.domain.errors import Unavailable

_MODE: Final = 0o640
_encode_lines = msgspec.json.Encoder().encode_lines


class FileSettings(Settings, frozen=True):
    """Which file takes the events, and when a new one is begun."""

    path: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[^\x00]*[^/\x00]$(?!\n)",
            title="Path",
            description="The file to append to. Its folder is made where it is missing.",
            examples=["/var/lib/assent/events.jsonl"],
        ),
    ]
    rotate_bytes: Annotated[
        int,
        msgspec.Meta(
            ge=0,
            title="Rotate at size",
            description="A new file is begun before this one grows beyond so many bytes; 0 never does.",
            examples=[100_000_000],
        ),
    ] = 100_000_000
    rotate_daily: Annotated[
        bool,
        msgspec.Meta(title="Rotate daily", description="A new file is begun each day (UTC).", examples=[True]),
    ] = False
    keep: Annotated[
        int,
        msgspec.Meta(
            ge=0,
            title="Keep",
            description="How many rotated files to keep, the newest; 0 keeps all.",
            examples=[30],
        ),
    ] = 0


class File(Connector):
    """A file of JSON lines; on disk before an event counts as delivered."""

    name: ClassVar = "file"
    integration: ClassVar = "File"
    title: ClassVar = "File"
    description: ClassVar = """\
Appends each event as one line of JSON. An event is delivered once its line is on disk (`fsync`).

A rotated file takes the time (UTC) into its name: `events.jsonl` becomes `events.20260801T120000.000000Z.jsonl`. Other
tools may move or remove the file: a new one is begun. One destination owns the file; another that is given the same one
waits."""
    icon: ClassVar = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"'
        ' stroke-linecap="round" stroke-linejoin="round"><path d="M14 3H6v18h12V7z"/><path d="M14 3v4h4"/>'
        '<path d="M9 12h6M9 16h6"/></svg>'
    )
    settings_type: ClassVar = FileSettings

    batch_size = 500
    concurrency = 1

    def __init__(self, settings: FileSettings) -> None:
        self._lines = _Lines(Path(settings.path), settings)
        # One thread of its own: a slow disk delays nobody else, and a send that was cancelled ends before the next.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="file-destination")

    async def send(self, batch: Sequence[Outgoing]) -> Sequence[Outcome]:
        lines = _encode_lines([one.event for one in batch])
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._lines.append, lines)
        except OSError as error:
            raise Unavailable(f"`{self._lines.path}` cannot be written: {error.strerror or error}") from error
        return [None] * len(batch)

    async def close(self) -> None:
        with suppress(RuntimeError):  # closed before
            await asyncio.get_running_loop().run_in_executor(self._thread, self._lines.close)
        self._thread.shutdown(wait=False)


class _Lines:
    """A file of whole lines, open for appending and held by a lock; not for two threads at once."""

    def __init__(self, path: Path, settings: FileSettings) -> None:
        self.path = path
        self._settings = settings
        self._rotated = re.compile(rf"{re.escape(path.stem)}\.\d{{8}}T\d{{6}}\.\d{{6}}Z{re.escape(path.suffix)}")
        self._file: int | None = None

    def append(self, lines: bytes) -> None:
        """Put whole lines on disk, all or none. Raises OSError."""
        file = self._ready(len(lines))
        size = os.fstat(file).st_size
        try:
            _write(file, lines)
            os.fsync(file)
        except OSError:
            # What is left of a failed send would come again with every attempt, and fill the disk with itself.
            with suppress(OSError):
                os.ftruncate(file, size)
            self.close()
            raise

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _ready(self, coming: int) -> int:
        """The file that takes the next `coming` bytes: where its time is over, a new one."""
        file = self._current()
        if self._is_over(file, coming):
            self._rotate()
            file = self._current()
        return file

    def _current(self) -> int:
        if self._file is not None and _is_at(self._file, self.path):
            return self._file
        self.close()
        self._file = self._open()
        return self._file

    def _open(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _MODE)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _end_last_line(file)
            _sync_folder(self.path.parent)
        except BlockingIOError:
            os.close(file)
            raise BlockingIOError("another destination or process writes to it, give each its own") from None
        except OSError:
            os.close(file)
            raise
        return file

    def _is_over(self, file: int, coming: int) -> bool:
        at = os.fstat(file)
        if at.st_size == 0:
            return False
        limit = self._settings.rotate_bytes
        written_on = datetime.fromtimestamp(at.st_mtime, UTC).date()
        return bool(limit and at.st_size + coming > limit) or (self._settings.rotate_daily and written_on < _today())

    def _rotate(self) -> None:
        self.path.rename(self._free_name())
        self.close()
        rotated = sorted(one for one in self.path.parent.iterdir() if self._rotated.fullmatch(one.name))
        for old in rotated[: -self._settings.keep] if self._settings.keep else []:
            old.unlink(missing_ok=True)

    def _free_name(self) -> Path:
        """A name that sorts by time, so that the oldest is known; never one that is taken."""
        while True:
            at = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
            free = self.path.with_name(f"{self.path.stem}.{at}{self.path.suffix}")
            if not free.exists():
                return free


def _write(file: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]


def _end_last_line(file: int) -> None:
    """INVARIANT: two events never share a line. A crash may have left half of one: it gets its own."""
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        _write(file, b"\n")


def _is_at(file: int, path: Path) -> bool:
    """Whether the open file is still the one at `path`: others may rotate or remove it."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    """The name of a new file is on disk only once its folder is."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _today() -> date:
    return datetime.now(UTC).date()
