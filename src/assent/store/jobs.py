"""Backfills at rest: started, paused, resumed and cancelled by people, moved on by workers."""

import secrets
from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, Row, insert, select, update

from assent.domain.errors import Conflict, NotFound
from assent.domain.job import Job, JobState, Tally
from assent.domain.trail import Happening
from assent.store.database import reading
from assent.store.rereads import decode_selection, encode_selection
from assent.store.tables import jobs
from assent.store.trail import record

_encode_tally = msgspec.json.Encoder().encode
_decode_tally = msgspec.json.Decoder(Tally).decode

_KIND: Final = "backfill"
_ACTIONS: Final = {
    JobState.PAUSED: "Backfill Paused",
    JobState.RUNNING: "Backfill Resumed",
    JobState.CANCELLED: "Backfill Cancelled",
}


class Progress(msgspec.Struct, frozen=True):
    """How far one turn of a worker brought a backfill: from one offset to another, and what became of the events."""

    job: str
    start: int
    end: int
    tally: Tally


class Jobs:
    """All backfills there ever were."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def start(self, new: Sequence[Job], *, at: int) -> None:
        """Add these, and put them on record."""
        with self._engine.begin() as connection:
            connection.execute(insert(jobs), [_row(one) for one in new])
            for one in new:
                record(connection, [_happening("Backfill Started", one)], at=at, author=one.author, comment=one.why)

    def get(self, job_id: str) -> Job:
        """Raises NotFound."""
        with reading(self._engine) as connection:
            return _job(_find(connection, job_id))

    def all(self, limit: int, *, destination: str | None = None) -> Sequence[Job]:
        """The newest first."""
        query = select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.id).limit(limit)
        if destination is not None:
            query = query.where(jobs.c.destination == destination)
        with reading(self._engine) as connection:
            return [_job(row) for row in connection.execute(query)]

    def running(self, destination: str) -> Job | None:
        """The backfill that this destination has to go on with: the oldest that is running."""
        query = (
            select(jobs)
            .where(jobs.c.destination == destination, jobs.c.state == JobState.RUNNING)
            .order_by(jobs.c.created_at, jobs.c.id)
            .limit(1)
        )
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        return _job(row) if row is not None else None

    def move(self, job_id: str, to: JobState, *, of: Collection[JobState], at: int, author: str, note: str = "") -> Job:
        """Pause, resume or cancel a backfill that is in one of the states `of`. Raises NotFound, Conflict."""
        with self._engine.begin() as connection:
            job = _job(_find(connection, job_id))
            if job.state not in of:
                raise Conflict(f"the backfill `{job_id}` is {job.state}: that cannot be done to it now")
            connection.execute(update(jobs).where(jobs.c.id == job_id).values(state=to, updated_at=at, note=note))
            record(connection, [_happening(_ACTIONS[to], job)], at=at, author=author, comment=note)
        return self.get(job_id)


def advance(connection: Connection, progress: Progress, *, at: int) -> None:
    """Move a backfill on, in the transaction of a settlement. At its end it is done, and that goes on record.

    Raises Conflict when it is not where the turn began.
    """
    job = _job(_find(connection, progress.job))
    if job.position != progress.start:
        raise Conflict(f"the backfill `{job.id}` is not at {progress.start}: another process works on it")
    state = JobState.DONE if progress.end >= job.end and job.is_open else job.state
    moved = msgspec.structs.replace(
        job, position=progress.end, state=state, tally=job.tally + progress.tally, updated_at=at
    )
    connection.execute(update(jobs).where(jobs.c.id == job.id).values(**_row(moved)))
    if state is JobState.DONE and job.is_open:
        record(connection, [_happening("Backfill Finished", moved)], at=at, author=job.author, comment=job.why)


def new_job_id() -> str:
    return f"bkf_{secrets.token_hex(8)}"


def _find(connection: Connection, job_id: str) -> Row[Any]:
    row = connection.execute(select(jobs).where(jobs.c.id == job_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no backfill `{job_id}`")
    return row


def _happening(action: str, job: Job) -> Happening:
    about = {
        "destination": job.destination,
        "from_offset": job.start,
        "to_offset": job.end,
        "reasons": [str(one) for one in job.selection.reasons],
        **msgspec.structs.asdict(job.tally),
    }
    return Happening(action, _KIND, job.id, None, about)


def _row(job: Job) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(job),
        "selection": encode_selection(job.selection),
        "tally": _encode_tally(job.tally),
    }


def _job(row: Row[Any]) -> Job:
    fields = dict(row._mapping)
    fields["selection"] = decode_selection(fields["selection"])
    fields["tally"] = _decode_tally(fields["tally"])
    fields["state"] = JobState(fields["state"])
    return Job(**fields)
