"""The thread that waits for the disk, so that the event loop need not."""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import TypeAlias

Done: TypeAlias = Callable[[bool | Exception], object]


class Writer:
    """One thread that calls `commit` each time it is asked to, and hands on what it answers or raises.

    An executor would do the same with three locks and a condition a call, which is half the cost of a commit.
    """

    def __init__(self, commit: Callable[[], bool]) -> None:
        self._commit = commit
        self._asked: SimpleQueue[Done | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def commit(self, done: Done) -> None:
        """Commit, then call `done`, in this thread, with the answer or the exception."""
        self._asked.put(done)

    def close(self) -> None:
        """Return once all that was asked for is done."""
        self._asked.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (done := self._asked.get()) is not None:
            answer: bool | Exception
            try:
                answer = self._commit()
            except Exception as error:
                answer = error
            done(answer)
