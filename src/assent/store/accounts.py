"""The accounts of every destination: cursors, spans, counters and attempts, settled in one transaction."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from assent.domain.decision import Decision
from assent.domain.errors import Conflict
from assent.domain.outcome import Attempt, Cursor, HeldStretch, Reread, Span, State
from assent.domain.trail import Happening
from assent.engine.audit import DestinationFigures
from assent.engine.shadow import Difference
from assent.store import counting, rereads
from assent.store.counting import Account, Count, Counting, Sum, adding
from assent.store.database import reading, upsert
from assent.store.jobs import Progress, advance
from assent.store.tables import (
    attempts,
    cursors,
    held_stretches,
    shadow_counters,
    spans,
)
from assent.store.trail import record

_HOUR: Final = 60

KEEP_SHADOW_HOURS: Final = 31 * 24
"""How long it is known, by the minute, what a shadow would have done otherwise."""

_encode_decision = msgspec.json.Encoder().encode
_decode_decision = msgspec.json.Decoder(Decision).decode


class Settlement(msgspec.Struct, frozen=True):
    """What one turn of a worker came to.

    `read` is the stretch of the log that its cursor went over, with the version that decided; None when only waiting
    events were tried. `attempts` are new or changed ones. `again` is what was read once more; what it took up is in
    `counts` below zero where it was, and above where it is now. `held` is where events were passed over. `at` is the
    time, in UTC epoch milliseconds. `shadow` is what the draft that is the shadow would have done otherwise.
    """

    destination: str
    minute: int
    counts: Mapping[Account, int]
    attempts: Sequence[Attempt] = ()
    read: Span | None = None
    again: "Again | None" = None
    held: HeldStretch | None = None
    at: int = 0
    shadow: "ShadowCounts | None" = None


class ShadowCounts(msgspec.Struct, frozen=True):
    """How many of the events that were read a draft, at one of its revisions, would have sent another way."""

    draft: str
    revision: int
    counts: Mapping[Difference, int]


class Again(msgspec.Struct, frozen=True):
    """A stretch that was read once more.

    `taken` is the beginning of a stretch of held events, `progress` how far it brought a backfill: one of the two.
    """

    reread: Reread | None = None
    taken: HeldStretch | None = None
    progress: Progress | None = None


class FailedOnes(msgspec.Struct, frozen=True):
    """Which failed events; None is any. `answer` is a part of what the destination said. Times are UTC epoch
    milliseconds, of when they failed: `since` inclusive, `until` exclusive."""

    destination: str | None = None
    message_ids: tuple[str, ...] = ()
    http_status: int | None = None
    answer: str | None = None
    since: int | None = None
    until: int | None = None


class FailedCount(NamedTuple):
    """How many failed events there are: still in the log, and forgotten by it."""

    kept: int
    forgotten: int


class Accounts:
    """What became of every event at every destination."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._counting = Counting()

    # ---------------------------------------------------------------------------------------- cursors

    def cursor(self, destination: str) -> Cursor | None:
        with reading(self._engine) as connection:
            row = connection.execute(select(cursors).where(cursors.c.destination == destination)).one_or_none()
        return Cursor(*row) if row is not None else None

    def cursors(self) -> list[Cursor]:
        with reading(self._engine) as connection:
            return [Cursor(*row) for row in connection.execute(select(cursors))]

    def open(self, destination: str, head: int) -> Cursor:
        """The destination's cursor. One that is new, or comes back after it was removed, begins at `head`."""
        with self._engine.begin() as connection:
            row = connection.execute(select(cursors).where(cursors.c.destination == destination)).one_or_none()
            if row is None:
                cursor = Cursor(destination, head, head)
                connection.execute(insert(cursors).values(**msgspec.structs.asdict(cursor)))
                return cursor
            cursor = Cursor(*row)
            if cursor.until is not None:
                cursor = Cursor(destination, head, cursor.skipped + head - cursor.position)
                connection.execute(
                    update(cursors)
                    .where(cursors.c.destination == destination)
                    .values(position=cursor.position, skipped=cursor.skipped, until=None)
                )
        return cursor

    def remove(self, destination: str, head: int) -> None:
        """The destination was removed: it has nothing to read from `head` on."""
        with self._engine.begin() as connection:
            connection.execute(
                update(cursors)
                .where(cursors.c.destination == destination, cursors.c.until.is_(None))
                .values(until=head)
            )

    # ---------------------------------------------------------------------------------------- settle

    def settle(self, settlement: Settlement) -> None:
        """Write all of it in one transaction.

        Raises Conflict when another process moved the cursor: then nothing is written.
        """
        with self._engine.begin() as connection:
            if settlement.read is not None:
                _advance(connection, settlement.read)
            if settlement.again is not None:
                _read_again(connection, settlement.again, settlement.at)
            if settlement.held is not None:
                rereads.hold(connection, settlement.held)
            self._counting.add(connection, settlement.destination, settlement.minute, settlement.counts)
            if settlement.shadow is not None and settlement.shadow.counts:
                _count_shadow(connection, settlement, settlement.shadow)
            if settlement.attempts:
                statement = upsert(connection.dialect.name, attempts)
                connection.execute(
                    statement.on_conflict_do_update(
                        index_elements=["destination", "offset"],
                        set_={name: statement.excluded[name] for name in _CHANGING},
                    ),
                    [_attempt_row(one) for one in settlement.attempts],
                )

    def send_again(self, failed: Sequence[Attempt], names: Mapping[int, str], *, author: str, at: int) -> int:
        """Have these wait once more, due now, and take them off the counts of what failed; `names` are those of the
        events, by offset. Returns how many: what has not failed any more is left alone."""
        done: dict[str, Counter[Account]] = {}
        with self._engine.begin() as connection:
            for one in failed:
                here = (attempts.c.destination == one.destination) & (attempts.c.offset == one.offset)
                changed = connection.execute(
                    update(attempts)
                    .where(here, attempts.c.state == State.FAILED)
                    .values(state=State.RETRYING, tried=0, first_at=at, due_at=at, settled_at=None)
                )
                if changed.rowcount:
                    account = Account(one.source, State.FAILED, one.decision.reason, names.get(one.offset, ""))
                    done.setdefault(one.destination, Counter())[account] -= 1
            for destination, counts in done.items():
                self._counting.add(connection, destination, at // 60_000, counts)
                events = -counts.total()
                happening = Happening("Events Sent Again", "destination", destination, None, {"events": events})
                record(connection, [happening], at=at, author=author)
        return -sum(counts.total() for counts in done.values())

    # ---------------------------------------------------------------------------------------- read

    def failed(self, wanted: FailedOnes, log_start: int, limit: int) -> list[Attempt]:
        """The first `limit` failed events that are still in the log, which begins at `log_start`."""
        query = select(attempts).where(*_failed(wanted), attempts.c.offset >= log_start)
        with reading(self._engine) as connection:
            return [_attempt(row) for row in connection.execute(query.order_by(attempts.c.offset).limit(limit))]

    def count_failed(self, wanted: FailedOnes, log_start: int) -> FailedCount:
        query = select(func.count()).select_from(attempts).where(*_failed(wanted))
        with reading(self._engine) as connection:
            kept = connection.scalar(query.where(attempts.c.offset >= log_start)) or 0
            forgotten = connection.scalar(query.where(attempts.c.offset < log_start)) or 0
        return FailedCount(kept, forgotten)

    def tried_first_at(self, at: int) -> list[tuple[str, State, int]]:
        """What became of the events that were first tried, or sent again, at this moment (UTC epoch milliseconds): how
        many are in which state at which destination."""
        columns = (attempts.c.destination, attempts.c.state)
        query = select(*columns, func.count()).where(attempts.c.first_at == at).group_by(*columns).order_by(*columns)
        with reading(self._engine) as connection:
            return [(row[0], State(row[1]), row[2]) for row in connection.execute(query)]

    def attempts(self, *, destination: str | None = None, state: State | None = None) -> list[Attempt]:
        """The attempts of one destination or of all, in one state or in any, by offset."""
        query = select(attempts).order_by(attempts.c.offset)
        if destination is not None:
            query = query.where(attempts.c.destination == destination)
        if state is not None:
            query = query.where(attempts.c.state == state)
        with reading(self._engine) as connection:
            return [_attempt(row) for row in connection.execute(query)]

    def attempts_between(self, first: int, end: int) -> list[Attempt]:
        """The attempts of all destinations for the events at offsets in [first, end)."""
        # By destination, because that is how the index begins.
        anybody = attempts.c.destination.in_(select(cursors.c.destination))
        query = select(attempts).where(anybody, attempts.c.offset >= first, attempts.c.offset < end)
        with reading(self._engine) as connection:
            return [_attempt(row) for row in connection.execute(query)]

    def attempts_of(self, destination: str, start: int, end: int) -> dict[int, Attempt]:
        """The attempts of one destination for the events in [start, end), by offset."""
        query = select(attempts).where(
            attempts.c.destination == destination, attempts.c.offset >= start, attempts.c.offset < end
        )
        with reading(self._engine) as connection:
            return {row.offset: _attempt(row) for row in connection.execute(query)}

    def spans_of(self, destination: str, start: int, end: int) -> list[Span]:
        """The spans of one destination that touch [start, end), in order."""
        query = select(spans).where(spans.c.destination == destination, spans.c.start < end, spans.c.end > start)
        with reading(self._engine) as connection:
            return [Span(*row) for row in connection.execute(query.order_by(spans.c.start))]

    def rereads_of(self, destination: str, start: int, end: int) -> Sequence[Reread]:
        """The readings of one destination that touch [start, end), in order."""
        with reading(self._engine) as connection:
            return rereads.readings(connection, start, end, destination)

    def rereads_between(self, first: int, end: int) -> Sequence[Reread]:
        """The readings of all destinations that touch [first, end), in order."""
        with reading(self._engine) as connection:
            return rereads.readings(connection, first, end)

    def held_stretches(self, destination: str) -> Sequence[HeldStretch]:
        """Where events are held for a destination, in order."""
        with reading(self._engine) as connection:
            return rereads.stretches(connection, destination)

    def held(self) -> dict[str, int]:
        """How many events are held, by destination."""
        with reading(self._engine) as connection:
            return rereads.held(connection)

    def waiting(self) -> dict[str, int]:
        """How many events are retrying, by destination."""
        with reading(self._engine) as connection:
            return _waiting(connection)

    def spans(self, offset: int) -> dict[str, Span]:
        """The span that holds `offset`, by destination."""
        return {one.destination: one for one in self.spans_between(offset, offset + 1)}

    def spans_between(self, first: int, end: int) -> list[Span]:
        """The spans of all destinations that hold an offset in [first, end)."""
        query = select(spans).where(spans.c.start < end, spans.c.end > first)
        with reading(self._engine) as connection:
            return [Span(*row) for row in connection.execute(query)]

    def counts(self, since: int, until: int) -> list[Count]:
        """The counters of the minutes in [since, until), UTC epoch minutes."""
        with reading(self._engine) as connection:
            return counting.counts(connection, since, until)

    def sums(
        self,
        since: int,
        until: int,
        by: Iterable[str],
        *,
        minutes: int = 0,
        limit: int,
        only: Mapping[str, str] | None = None,
    ) -> list[Sum]:
        """The counters of [since, until), UTC epoch minutes, added up: by some of `destination`, `source`, `state`,
        `reason` and `event`, and by stretches of so many `minutes`. At most `limit` sums.

        `only` counts what has these values. Names of events are counted by the hour, so with `event` every hour counts
        that is touched.
        """
        with reading(self._engine) as connection:
            return counting.sums(connection, since, until, by, minutes=minutes, limit=limit, only=only or {})

    def last_failed(self) -> dict[str, Attempt]:
        """The attempt that failed for good most recently, by destination."""
        newest = func.row_number().over(
            partition_by=attempts.c.destination, order_by=(attempts.c.settled_at.desc(), attempts.c.offset.desc())
        )
        ranked = select(attempts, newest.label("rank")).where(attempts.c.state == State.FAILED).subquery()
        query = select(*(ranked.c[one.name] for one in attempts.c)).where(ranked.c.rank == 1)
        with reading(self._engine) as connection:
            return {row.destination: _attempt(row) for row in connection.execute(query)}

    def newest_failed(self, destination: str, limit: int) -> list[Attempt]:
        """The attempts of one destination that failed for good, those for the newest events first."""
        query = select(attempts).where(attempts.c.destination == destination, attempts.c.state == State.FAILED)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(attempts.c.offset.desc()).limit(limit))
            return [_attempt(row) for row in rows]

    def totals(self) -> dict[str, dict[State, int]]:
        """How many events ever settled, by destination and state."""
        with reading(self._engine) as connection:
            return counting.totals(connection)

    def figures(self) -> list[DestinationFigures]:
        """What `assent audit` compares with the log, of every destination there ever was, as of one moment."""
        with reading(self._engine) as connection:
            found = {row.destination: Cursor(*row) for row in connection.execute(select(cursors))}
            by_unit = counting.totals_by_unit(connection)
            waiting = _waiting(connection)
            held = rereads.held(connection)
            read: dict[str, list[Span]] = {}
            for row in connection.execute(select(spans).order_by(spans.c.start)):
                read.setdefault(row.destination, []).append(Span(*row))
        return [
            DestinationFigures(
                name,
                found.get(name),
                by_unit["minute"].get(name, {}),
                waiting.get(name, 0),
                tuple(read.get(name, ())),
                held.get(name, 0),
                {unit: settled.get(name, {}) for unit, settled in by_unit.items()},
            )
            for name in sorted(
                found.keys() | {one for settled in by_unit.values() for one in settled} | waiting.keys() | read.keys()
            )
        ]

    def are_settled_before(self, offset: int) -> bool:
        """Whether every destination is done with all events before `offset`."""
        unread = (cursors.c.position < offset) & (cursors.c.until.is_(None) | (cursors.c.position < cursors.c.until))
        waiting = (attempts.c.offset < offset) & (attempts.c.state == State.RETRYING)
        held = held_stretches.c.start < offset
        query = select(exists().where(unread) | exists().where(waiting) | exists().where(held))
        with reading(self._engine) as connection:
            return not connection.scalar(query)

    def forget(self, before: int, hour: int) -> None:
        """Forget attempts that came to rest and spans, for events before offset `before`, which the log has trimmed.

        It is `hour` (UTC epoch): of days longer ago than two windows of two weeks, forget the names of events.
        """
        with self._engine.begin() as connection:
            counting.forget_names(connection, hour)
            settled = attempts.c.state != State.RETRYING
            connection.execute(delete(attempts).where(attempts.c.offset < before, settled))
            connection.execute(delete(spans).where(spans.c.end <= before))
            rereads.forget(connection, before)
            longest = (hour - KEEP_SHADOW_HOURS) * _HOUR
            connection.execute(delete(shadow_counters).where(shadow_counters.c.minute < longest))


_CHANGING = ("state", "decision", "version", "tried", "first_at", "due_at", "answer", "http_status", "settled_at")


def _count_shadow(connection: Connection, settlement: Settlement, shadow: ShadowCounts) -> None:
    where = {
        "draft": shadow.draft,
        "revision": shadow.revision,
        "destination": settlement.destination,
        "minute": settlement.minute,
    }
    rows = [{**where, **difference._asdict(), "events": events} for difference, events in shadow.counts.items()]
    connection.execute(adding(connection.dialect.name, shadow_counters), rows)


def _advance(connection: Connection, read: Span) -> None:
    moved = connection.execute(
        update(cursors)
        .where(cursors.c.destination == read.destination, cursors.c.position == read.start)
        .values(position=read.end)
    )
    if moved.rowcount != 1:
        raise Conflict(f"the cursor of `{read.destination}` is not at {read.start}: another process delivers from here")
    same = spans.c.destination == read.destination
    longer = connection.execute(
        update(spans).where(same, spans.c.end == read.start, spans.c.version == read.version).values(end=read.end)
    )
    if longer.rowcount == 0:
        connection.execute(insert(spans).values(**msgspec.structs.asdict(read)))


def _failed(wanted: FailedOnes) -> Iterator[ColumnElement[bool]]:
    table = attempts.c
    yield table.state == State.FAILED
    if wanted.destination is not None:
        yield table.destination == wanted.destination
    if wanted.message_ids:
        yield table.message_id.in_(wanted.message_ids)
    if wanted.http_status is not None:
        yield table.http_status == wanted.http_status
    if wanted.answer is not None:
        yield table.answer.contains(wanted.answer, autoescape=True)
    if wanted.since is not None:
        yield table.settled_at >= wanted.since
    if wanted.until is not None:
        yield table.settled_at < wanted.until


def _read_again(connection: Connection, again: Again, at: int) -> None:
    if again.taken is not None:
        rereads.take(connection, again.taken)
    if again.progress is not None:
        advance(connection, again.progress, at=at)
    if again.reread is not None:
        rereads.read_again(connection, again.reread)


def _waiting(connection: Connection) -> dict[str, int]:
    query = select(attempts.c.destination, func.count()).where(attempts.c.state == State.RETRYING)
    return {row[0]: row[1] for row in connection.execute(query.group_by(attempts.c.destination))}


def _attempt_row(attempt: Attempt) -> dict[str, Any]:
    return {**msgspec.structs.asdict(attempt), "decision": _encode_decision(attempt.decision)}


def _attempt(row: Row[Any]) -> Attempt:
    fields = dict(row._mapping)
    fields["state"] = State(fields["state"])
    fields["decision"] = _decode_decision(fields["decision"])
    return Attempt(**fields)
