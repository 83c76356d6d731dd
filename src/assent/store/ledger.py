"""The consent ledger at rest: a chain of receipts, and the profiles that follow from them."""

import hashlib
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, or_, select, update

from assent.domain.errors import Conflict, InvalidInput, NotFound
from assent.domain.receipt import Method, Preference, Profile, Receipt, Statement, Subject
from assent.engine.audit import LedgerFigures
from assent.engine.profile import fold, together
from assent.engine.receipts import GENESIS, fault, seal
from assent.store.database import execute_many, reading
from assent.store.profile_rows import (
    Changes,
    Known,
    profile_of,
    profiles_at,
    profiles_by_person,
    receipts_about,
    said_last,
    users_of,
)
from assent.store.receipt_rows import pseudonym, receipt_of, rows_of
from assent.store.tables import consent_keys, identities, ledger, people_by_answer, profiles, receipts

_A_BATCH: Final = 2_000

_encode = msgspec.json.Encoder().encode
_decode_ids = msgspec.json.Decoder(list[str]).decode


class LedgerState(NamedTuple):
    """Where the ledger is: the next offset it reads, its newest receipt, and the clock of the log as it read it."""

    position: int = 0
    number: int = 0
    hash: str = GENESIS
    last_received_at: int = 0
    skew: int = 0
    people: int = 0
    removals: int = 0


class ReadOn(NamedTuple):
    """A stretch of the log that the ledger's cursor read, and the clock of the log at its end."""

    start: int
    end: int
    last_received_at: int
    skew: int


class Broken(NamedTuple):
    """The first link of the chain that does not hold, and why."""

    number: int
    id: str
    why: str


class Forgotten(NamedTuple):
    """What was removed of somebody."""

    receipts: int
    profiles: int
    identities: int


class ReceiptFilter(msgspec.Struct, frozen=True):
    """Which receipts; None is any. Times are UTC epoch milliseconds of when they came in: `since` inclusive, `until`
    exclusive."""

    id: str | None = None
    method: Method | None = None
    source: str | None = None
    since: int | None = None
    until: int | None = None


ALL_RECEIPTS: Final = ReceiptFilter()


class Ledger:
    """All receipts there ever were, and what is known of everybody."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # ---------------------------------------------------------------------------------------- write

    def state(self) -> LedgerState:
        with reading(self._engine) as connection:
            return _state(connection)

    def read_on(self, statements: Sequence[Statement], read: ReadOn) -> list[Receipt]:
        """Write what a stretch of the log stated, and move the cursor, in one transaction.

        Raises Conflict when the cursor is not where the stretch begins: another process reads for the ledger.
        """
        with self._engine.begin() as connection:
            state = _state(connection)
            if state.position != read.start:
                raise Conflict(f"the ledger is not at {read.start}: another process writes it")
            written = _write(connection, state, statements)
            _move(connection, position=read.end, last_received_at=read.last_received_at, skew=read.skew)
        return written

    def add(self, statements: Sequence[Statement], *, key: str = "", at: int = 0) -> list[Receipt]:
        """Write what was said elsewhere than in an event. With an idempotency `key`, a second request changes nothing,
        and gets the receipts of the first.

        Raises InvalidInput when the key was used for something else.
        """
        with self._engine.begin() as connection:
            key = key and _kept_key(key)
            digest = hashlib.sha256(_encode([one.evidence for one in statements])).digest()
            if key and (found := connection.execute(select(consent_keys).where(consent_keys.c.key == key)).first()):
                if found.digest != digest:
                    raise InvalidInput("the idempotency key was used for another request: use a new one")
                return _by_ids(connection, _decode_ids(found.receipts))
            state = _state(connection)
            since = [msgspec.structs.replace(one, skew=state.skew) for one in statements]
            written = _write(connection, state, since)
            if key:
                values = {"key": key, "digest": digest, "at": at, "receipts": _encode([one.id for one in written])}
                connection.execute(insert(consent_keys).values(values))
        return written

    def is_used(self, key: str) -> bool:
        """Whether a request with this idempotency key was written."""
        with reading(self._engine) as connection:
            return connection.scalar(select(consent_keys.c.at).where(consent_keys.c.key == _kept_key(key))) is not None

    def forget(self, subject_ids: Sequence[str], key: bytes) -> Forgotten:
        """Remove somebody, by user ids and anonymous ids: profiles and identities go; of receipts the ids, which become
        keyed hashes, and the evidence. What was chosen, when and how stays, and the chain still holds.

        On disk, `sweep` removes the last of it.
        """
        with self._engine.begin() as connection:
            forgotten = _with_devices(connection, subject_ids)
            about = or_(receipts.c.user_id.in_(forgotten), receipts.c.anonymous_id.in_(forgotten))
            rows = connection.execute(
                select(receipts.c.number, receipts.c.user_id, receipts.c.anonymous_id).where(about)
            )
            changed = [_blinded(row, forgotten, key) for row in rows]
            if changed:
                blind = update(receipts).where(receipts.c.number == bindparam("at"))
                connection.execute(blind, changed)
            changes = Changes(connection)
            gone = changes.remove([f"{kind}{one}" for one in forgotten for kind in "ua"])
            links = or_(identities.c.user_id.in_(forgotten), identities.c.anonymous_id.in_(forgotten))
            others = set(connection.scalars(select(identities.c.user_id).where(links))) - set(forgotten)
            unlinked = connection.execute(delete(identities).where(links)).rowcount
            _move(connection, removals=_state(connection).removals + 1)
            changes.renew([f"u{one}" for one in sorted(others)], _state(connection).number)
        self._flush()
        return Forgotten(len(changed), gone, unlinked)

    def _flush(self) -> None:
        """Leave nothing of before in the write-ahead log."""
        if self._engine.dialect.name == "sqlite":
            raw = self._engine.raw_connection()
            try:
                raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                raw.close()

    def rebuild(self, told: Callable[[int], None] = lambda _done: None) -> int:
        """Work out all profiles anew from the receipts; how many people there are then."""
        with self._engine.begin() as connection:
            for table in (profiles, identities, people_by_answer):
                connection.execute(delete(table))
            _move(connection, people=0, removals=_state(connection).removals + 1)
            for some in _in_order(connection):
                Changes(connection).add(some)
                told(some[-1].number)
            return _state(connection).people

    # ---------------------------------------------------------------------------------------- read

    def verify(self, told: Callable[[int], None] = lambda _done: None) -> Broken | None:
        """The first link of the chain that does not hold; None if all do."""
        previous, number = GENESIS, 0
        with reading(self._engine) as connection:
            state = _state(connection)
            for some in _in_order(connection):
                for receipt in some:
                    number += 1
                    if why := fault(receipt, previous, number):
                        return Broken(receipt.number, receipt.id, why)
                    previous = receipt.hash
                told(number)
        if (number, previous) != (state.number, state.hash):
            return Broken(state.number, f"rcp_{state.hash[:24]}", "the newest receipts are gone")
        return None

    def receipt(self, receipt_id: str) -> Receipt:
        """Raises NotFound."""
        with reading(self._engine) as connection:
            found = _by_ids(connection, [receipt_id])
        if not found:
            raise NotFound(f"there is no receipt `{receipt_id}`")
        return found[0]

    def ids_of(self, numbers: Sequence[int]) -> list[str]:
        """The ids of the receipts of these numbers."""
        query = select(receipts.c.id).where(receipts.c.number.in_(numbers)).order_by(receipts.c.number)
        with reading(self._engine) as connection:
            return list(connection.scalars(query))

    def receipts(self, limit: int, wanted: ReceiptFilter = ALL_RECEIPTS, *, before: int | None = None) -> list[Receipt]:
        """The newest `limit` that match; `before` is the number that the page before ended with."""
        query = select(receipts).order_by(receipts.c.number.desc()).limit(limit)
        columns = ((receipts.c.method, wanted.method), (receipts.c.source, wanted.source))
        for column, value in columns:
            if value is not None:
                query = query.where(column == value)
        if wanted.id is not None:
            query = query.where(or_(receipts.c.user_id == wanted.id, receipts.c.anonymous_id == wanted.id))
        if wanted.since is not None:
            query = query.where(receipts.c.received_at >= wanted.since)
        if wanted.until is not None:
            query = query.where(receipts.c.received_at < wanted.until)
        if before is not None:
            query = query.where(receipts.c.number < before)
        with reading(self._engine) as connection:
            return [receipt_of(row) for row in connection.execute(query)]

    def export(self, wanted: ReceiptFilter = ALL_RECEIPTS) -> Iterator[Receipt]:
        """All that match, the newest first, a few in memory at a time."""
        before: int | None = None
        while some := self.receipts(_A_BATCH, wanted, before=before):
            yield from some
            before = some[-1].number

    def known(self, subjects: Collection[Subject]) -> dict[Subject, Known]:
        """What there is of each, to tell whether an event about them has news."""
        with reading(self._engine) as connection:
            return said_last(connection, subjects)

    def figures(self) -> LedgerFigures:
        """What `assent audit` looks at; whether the receipts say what they said is for `verify`."""
        with reading(self._engine) as connection:
            state = _state(connection)
            there = connection.scalar(select(func.count()).select_from(receipts)) or 0
        return LedgerFigures(state.position, state.number, there)

    def profile(self, subject: Subject) -> Profile | None:
        """What is known of a person now, by one id or two; None where nothing is."""
        with reading(self._engine) as connection:
            return profiles_at(connection, [subject])[subject]

    def profiles_of(self, people: Sequence[str]) -> dict[str, Profile | None]:
        """What is known now of these: `u` and a user id, or `a` and an anonymous id."""
        with reading(self._engine) as connection:
            return dict(profiles_by_person(connection, people))

    def users_by_device(self, devices: Sequence[str]) -> dict[str, list[str]]:
        """The user ids that each anonymous id was named with."""
        with reading(self._engine) as connection:
            return users_of(connection, devices)

    def profile_as_of(self, subject: Subject, offset: int) -> Profile | None:
        """What was known of a person when the event at `offset` came in."""
        with reading(self._engine) as connection:
            now = profiles_at(connection, [subject])[subject]
            if now is None or now.position <= offset:
                return now
            return _as_of(connection, subject, offset)

    def subject(self, any_id: str) -> Subject | None:
        """Whose id it is, a user id before an anonymous one; None for one that nothing is known of."""
        with reading(self._engine) as connection:
            known = select(profiles.c.person).where(profiles.c.person.in_([f"u{any_id}", f"a{any_id}"]))
            people = set(connection.scalars(known))
        if f"u{any_id}" in people:
            return Subject(user_id=any_id)
        return Subject(anonymous_id=any_id) if people else None

    def users_of(self, anonymous_id: str) -> list[str]:
        """The user ids that an anonymous id was named with."""
        with reading(self._engine) as connection:
            return users_of(connection, [anonymous_id]).get(anonymous_id, [])

    def history(self, subject: Subject, limit: int) -> list[Receipt]:
        """The newest receipts about a person, those of before they were joined too."""
        with reading(self._engine) as connection:
            about = receipts_about(connection, subject)
            rows = connection.execute(select(receipts).where(about).order_by(receipts.c.number.desc()).limit(limit))
            return [receipt_of(row) for row in rows]

    def since(self, number: int, limit: int) -> list[Subject]:
        """Whom the receipts after `number` are about, at most `limit`."""
        query = select(receipts.c.user_id, receipts.c.anonymous_id).where(receipts.c.number > number).limit(limit)
        with reading(self._engine) as connection:
            return [Subject(row.user_id, row.anonymous_id) for row in connection.execute(query)]

    def people(self, limit: int, part: str = "") -> list[str]:
        """Some of the people by id, user ids first. With the beginning of an id, anonymous ids of known people too."""
        found: list[str] = []
        with reading(self._engine) as connection:
            for kind in "ua":
                start = f"{kind}{part}"
                query = (
                    select(profiles.c.person)
                    .where(profiles.c.person >= start, profiles.c.person < start + "\U0010ffff")
                    .order_by(profiles.c.person)
                    .limit(limit)
                )
                if not part:
                    query = query.where(profiles.c.is_joined.is_(False))
                found += connection.scalars(query)
        return [person[1:] for person in found[:limit]]

    def shares(self) -> Mapping[str, Mapping[Preference, int]]:
        """How many people said what of each category; a disagreement is a refusal."""
        found: dict[str, dict[Preference, int]] = {}
        with reading(self._engine) as connection:
            for row in connection.execute(select(people_by_answer).where(people_by_answer.c.people > 0)):
                found.setdefault(row.category, {})[Preference(row.preference)] = row.people
        return found


# ------------------------------------------------------------------------------------------------ inside


def _state(connection: Connection) -> LedgerState:
    row = connection.execute(select(ledger)).one_or_none()
    if row is None:
        return LedgerState()
    return LedgerState(
        row.position, row.number, row.hash.hex(), row.last_received_at, row.skew, row.people, row.removals
    )


def _kept_key(key: str) -> str:
    """An idempotency key as it is kept: callers may have put an id into it, which must not outlast the person."""
    return hashlib.sha256(key.encode()).hexdigest()


def _move(connection: Connection, **values: object) -> None:
    if connection.execute(update(ledger).values(**values)).rowcount:
        return
    state = LedgerState()._asdict() | {"hash": bytes.fromhex(GENESIS)} | values
    connection.execute(insert(ledger).values(only=1, **state))


def _write(connection: Connection, state: LedgerState, statements: Sequence[Statement]) -> list[Receipt]:
    """Chain these on, and see what follows for the profiles."""
    written: list[Receipt] = []
    previous = state.hash
    for number, one in enumerate(statements, state.number + 1):
        position = one.offset if one.offset is not None else state.position
        receipt = seal(one, number=number, position=position, previous=previous, salt=os.urandom(16))
        written.append(receipt)
        previous = receipt.hash
    if written:
        execute_many(connection, insert(receipts), rows_of(written))
        _move(connection, number=written[-1].number, hash=bytes.fromhex(previous))
        Changes(connection).add(written)
    return written


def _in_order(connection: Connection) -> Iterator[list[Receipt]]:
    number = 0
    while True:
        query = select(receipts).where(receipts.c.number > number).order_by(receipts.c.number).limit(_A_BATCH)
        some = [receipt_of(row) for row in connection.execute(query)]
        if not some:
            return
        yield some
        number = some[-1].number


def _by_ids(connection: Connection, ids: Sequence[str]) -> list[Receipt]:
    found: list[Receipt] = []
    for at in range(0, len(ids), _A_BATCH):
        query = select(receipts).where(receipts.c.id.in_(ids[at : at + _A_BATCH])).order_by(receipts.c.number)
        found += [receipt_of(row) for row in connection.execute(query)]
    return found


def _as_of(connection: Connection, subject: Subject, offset: int) -> Profile | None:
    """From the receipts that were there by then alone."""
    if subject.user_id is not None:
        users = [subject.user_id]
    else:
        users = users_of(connection, [subject.anonymous_id or ""], offset).get(subject.anonymous_id or "", [])
    people = [Subject(user_id=one) for one in users] or [subject]
    found = []
    for person in people:
        about = receipts_about(connection, person, offset)
        rows = connection.execute(select(receipts).where(about, receipts.c.position <= offset)).all()
        if rows:
            found.append(fold(profile_of(row) for row in rows))
    return together(found) if found else None


def _with_devices(connection: Connection, subject_ids: Sequence[str]) -> list[str]:
    """These, and the anonymous ids that were never named with anybody else."""
    ids = set(subject_ids)
    devices = connection.scalars(select(identities.c.anonymous_id).where(identities.c.user_id.in_(ids))).all()
    users = users_of(connection, sorted(set(devices)))
    return sorted(ids | {one for one in devices if ids.issuperset(users[one])})


def _blinded(row: Any, forgotten: Sequence[str], key: bytes) -> dict[str, Any]:
    def blind(id_: str | None) -> str | None:
        return pseudonym(id_, key) if id_ in forgotten and id_ is not None else id_

    return {
        "at": row.number,
        "user_id": blind(row.user_id),
        "anonymous_id": blind(row.anonymous_id),
        "salt": None,
        "evidence": b"",
    }
