"""Holding, backfilling and sending again on a data directory, also while a server runs on it."""

import asyncio
from collections.abc import Sequence

from assent.app.api.backfills import Backfill, BackfillPreview, NewBackfillBody, backfill_body, preview_body
from assent.app.api.holds import FailedBody, HeldForDestination, SentAgain, held_body
from assent.app.cli.data_directory import DataDirectory, author
from assent.app.config import DEFAULT_KEEP
from assent.app.services import backfill, holds
from assent.app.services.holds import Kind
from assent.app.services.observing import observe
from assent.app.services.send_again import send_again
from assent.app.wiring import now


class HeldData(DataDirectory):
    """A data directory, asked in the words of the management API. A server that runs on it follows within a second."""

    def hold(self, kind: Kind, id_: str, on: bool, comment: str) -> int:
        """Hold or release it; returns the version that is then in force. Raises NotFound."""
        change = holds.hold if on else holds.release
        with self.existing_stores() as stores:
            return change(stores, kind, id_, author=author(), at=now(), comment=comment).number

    def observe(self, on: bool, comment: str) -> int:
        """Begin or end to observe; returns the version that is then in force. Raises InvalidInput, NotFound."""
        with self.existing_stores() as stores:
            return observe(stores, on, author=author(), at=now(), comment=comment).number

    def held(self) -> Sequence[HeldForDestination]:
        """What is kept, as if the log kept events as long as a server does by default. Raises NotFound."""
        with self.existing_stores() as stores, self.log() as log:
            found = asyncio.run(holds.held(stores, log, DEFAULT_KEEP, at=now()))
        return [held_body(one) for one in found]

    def preview_backfill(self, asked: NewBackfillBody) -> Sequence[BackfillPreview]:
        """What a backfill would send now. Raises InvalidInput, NotFound."""
        with self.existing_stores() as stores, self.log() as log:
            return [preview_body(one) for one in asyncio.run(backfill.preview(stores, log, asked.asked()))]

    def start_backfill(self, asked: NewBackfillBody) -> Sequence[Backfill]:
        """Have a server begin it. Raises InvalidInput, NotFound."""
        with self.existing_stores() as stores, self.log() as log:
            started = asyncio.run(
                backfill.start(stores, log, asked.asked(), why=asked.why, author=author(), at=now(), speed=asked.speed)
            )
        return [backfill_body(one) for one in started]

    def backfills(self) -> Sequence[Backfill]:
        """The newest hundred. Raises NotFound."""
        with self.existing_stores() as stores:
            return [backfill_body(one) for one in stores.jobs.all(100)]

    def move_backfill(self, job: str, how: str) -> Backfill:
        """Pause, resume or cancel one. Raises NotFound, Conflict."""
        move = {"pause": backfill.pause, "resume": backfill.resume, "cancel": backfill.cancel}[how]
        with self.existing_stores() as stores:
            return backfill_body(move(stores, job, author=author(), at=now()))

    def send_again(self, wanted: FailedBody) -> SentAgain:
        """Have a server try failed events again. Raises InvalidInput, NotFound."""
        with self.existing_stores() as stores, self.log() as log:
            done = asyncio.run(send_again(stores, log, wanted.failed(), author=author(), at=now()))
        return SentAgain(done.events, done.forgotten, done.more)
