"""A progress bar for long work over a file, shown only where somebody sees it."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from rich.progress import Progress


class ProgressBar:
    """How much of a stream has been read, on standard error; `progress` is None where nobody would see it."""

    def __init__(self, stream: BinaryIO, progress: "Progress | None") -> None:
        self._stream = stream
        self._progress = progress

    def advance(self) -> None:
        """Show how far the stream has been read."""
        if self._progress:
            self._progress.update(self._progress.task_ids[0], completed=self._stream.tell())

    @contextmanager
    def out_of_the_way(self, needed: bool) -> Iterator[None]:
        """Take the bar off the terminal while something else is written there."""
        if not (self._progress and needed):
            yield
            return
        self._progress.stop()
        yield
        self._progress.start()


@contextmanager
def progress_bar(stream: BinaryIO, doing: str) -> Iterator[ProgressBar]:
    """A bar over a stream; none unless standard error is a terminal and the stream a file, whose size is known."""
    status = os.fstat(stream.fileno())
    if not (sys.stderr.isatty() and stat.S_ISREG(status.st_mode)):
        yield ProgressBar(stream, None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as progress:
        progress.add_task(doing, total=status.st_size)
        yield ProgressBar(stream, progress)
