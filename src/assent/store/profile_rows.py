"""Profiles at rest: what a run of new receipts changes in them, within the transaction that writes the receipts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, or_, select, update

from assent.domain.receipt import Method, Preference, Profile, Receipt, Statement, Subject
from assent.engine.profile import Said, fold, followed, together
from assent.store.database import execute_many, upsert
from assent.store.receipt_rows import PSEUDONYM, is_pseudonym, statement_of
from assent.store.tables import identities, ledger, people_by_answer, profiles, receipts

_AT_ONCE: Final = 500

_encode = msgspec.json.Encoder().encode
_decode_profile = msgspec.json.Decoder(Profile).decode


class Utterance(msgspec.Struct, frozen=True, gc=False):
    """What a device said last, as it came in: its next event is news only if it says something else."""

    preferences: dict[str, Preference]
    readable: bool


_decode_utterance = msgspec.json.Decoder(Utterance).decode


class _Kept(msgspec.Struct):
    """One row of the profiles, as it is being changed."""

    profile: Profile
    is_joined: bool = False
    last: Utterance | None = None
    counted: dict[str, Preference] | None = None
    """What it was counted with before; None when it was not."""


class Changes:
    """What new receipts change in the profiles, in the transaction of `connection`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: dict[str, _Kept] = {}
        self._stale: set[str] = set()
        self._users: dict[str, list[str]] = {}
        self._links: dict[tuple[str, str], int] = {}

    def add(self, written: Sequence[Receipt]) -> None:
        """Have the profiles say what the receipts say. They are in the chain already, these as the newest."""
        known = [one for one in written if not is_pseudonym(str(one.said.subject))]
        self._load(known)
        for receipt in known:
            self._add(receipt)
        self._fold_anew(self._stale, written[-1].number if written else 0)
        self._save()

    def renew(self, people: Sequence[str], newest: int) -> None:
        """Work these out anew from the receipts up to number `newest`."""
        self._rows = _rows(self._connection, people)
        self._fold_anew(list(self._rows), newest)
        self._save()

    def _fold_anew(self, people: Iterable[str], newest: int) -> None:
        for person in people:
            about = receipts_about(self._connection, _subject(person))
            rows = self._connection.execute(select(receipts).where(about, receipts.c.number <= newest)).all()
            self._rows[person].profile = fold(profile_of(row) for row in rows)

    def remove(self, people: Sequence[str]) -> int:
        """Take these people out; how many there were."""
        self._rows = _rows(self._connection, people)
        counts: Counter[tuple[str, Preference]] = Counter()
        counts.subtract((name, one) for row in self._rows.values() for name, one in (row.counted or {}).items())
        self._count(counts, -sum(row.counted is not None for row in self._rows.values()))
        for some in _chunks(list(self._rows)):
            self._connection.execute(delete(profiles).where(profiles.c.person.in_(some)))
        return len(self._rows)

    def _load(self, written: Sequence[Receipt]) -> None:
        subjects = [one.said.subject for one in written]
        devices = {one.anonymous_id for one in subjects if one.anonymous_id is not None}
        self._users = users_of(self._connection, sorted(devices))
        users = {one.user_id for one in subjects if one.user_id is not None}
        users.update(user for linked in self._users.values() for user in linked)
        people = [*(f"u{one}" for one in users), *(f"a{one}" for one in devices)]
        self._rows = _rows(self._connection, people)

    def _add(self, receipt: Receipt) -> None:
        heard = Said(of_the_living(receipt.said), receipt.number, receipt.position)
        subject = heard.statement.subject
        device = subject.anonymous_id
        own = self._row(f"a{device}" if device is not None else f"u{subject.user_id}")
        own.last = _later(own.last, receipt.said)
        if subject.user_id is not None:
            if device is not None:
                self._link(device, subject.user_id, own, heard)
            self._follow(f"u{subject.user_id}", heard)
        elif device is not None:
            self._follow(f"a{device}", heard)
            for user in self._users.get(device, ()):
                self._follow(f"u{user}", heard)

    def _link(self, device: str, user: str, own: _Kept, heard: Said) -> None:
        own.is_joined = True
        users = self._users.setdefault(device, [])
        if user in users:
            return
        users.append(user)
        self._links[device, user] = heard.position
        row = self._row(f"u{user}")
        if own.profile.receipts:
            self._stale.add(f"u{user}")
        elif row.profile.receipts:
            # It said nothing before on its own, so that there is nothing to join.
            row.profile = msgspec.structs.replace(row.profile, links={**row.profile.links, device: heard.moment})

    def _follow(self, person: str, heard: Said) -> None:
        row = self._row(person)
        if person in self._stale:
            return
        followed_by = followed(row.profile, heard) if row.profile.receipts else fold([heard])
        if followed_by is None:
            self._stale.add(person)
        else:
            row.profile = followed_by

    def _row(self, person: str) -> _Kept:
        return self._rows.setdefault(person, _Kept(Profile()))

    # ---------------------------------------------------------------------------------------- save

    def _save(self) -> None:
        connection = self._connection
        counts: Counter[tuple[str, Preference]] = Counter()
        people = 0
        for person, row in self._rows.items():
            now = row.profile.preferences() if _is_counted(person, row) else None
            counts.subtract((row.counted or {}).items())
            counts.update((now or {}).items())
            people += (now is not None) - (row.counted is not None)
        statement = upsert(connection.dialect.name, profiles)
        statement = statement.on_conflict_do_update(
            index_elements=["person"],
            set_={name: statement.excluded[name] for name in ("profile", "is_joined", "said")},
        )
        rows = [
            {
                "person": person,
                "profile": _encode(row.profile),
                "is_joined": row.is_joined,
                "said": _encode(row.last) if row.last is not None else None,
            }
            for person, row in self._rows.items()
        ]
        if rows:
            execute_many(connection, statement, rows)
        links = [{"anonymous_id": a, "user_id": u, "position": at} for (a, u), at in self._links.items()]
        if links:
            connection.execute(insert(identities), links)
        self._count(counts, people)

    def _count(self, counts: Counter[tuple[str, Preference]], people: int) -> None:
        connection = self._connection
        changed = [
            {"category": category, "preference": preference, "people": by}
            for (category, preference), by in counts.items()
            if by
        ]
        if changed:
            statement = upsert(connection.dialect.name, people_by_answer)
            added = people_by_answer.c.people + statement.excluded.people
            connection.execute(
                statement.on_conflict_do_update(index_elements=["category", "preference"], set_={"people": added}),
                changed,
            )
        if people:
            connection.execute(update(ledger).values(people=ledger.c.people + people))


def _is_counted(person: str, row: _Kept) -> bool:
    """A device that belongs to somebody is no person of its own."""
    return row.profile.spoke and not (person.startswith("a") and row.is_joined)


def _later(last: Utterance | None, statement: Statement) -> Utterance | None:
    """What a device said last. What was said of it elsewhere is not what it will repeat."""
    if statement.method not in (Method.EVENT, Method.UPDATE, Method.SIGNAL):
        return last
    if not (statement.preferences or statement.complete or not statement.readable):
        return last
    return Utterance(statement.preferences, statement.readable)


def _rows(connection: Connection, people: Sequence[str]) -> dict[str, _Kept]:
    found: dict[str, _Kept] = {}
    query = select(profiles.c.person, profiles.c.profile, profiles.c.is_joined, profiles.c.said)
    for some in _chunks(people):
        for person, profile, is_joined, said in connection.execute(query.where(profiles.c.person.in_(some))):
            kept = _Kept(_decode_profile(profile), is_joined, _decode_utterance(said) if said else None)
            kept.counted = kept.profile.preferences() if _is_counted(person, kept) else None
            found[person] = kept
    return found


# ------------------------------------------------------------------------------------------------ reading


def profile_of(row: Row[Any]) -> Said:
    """What a profile needs to know of the receipt in a row."""
    return Said(of_the_living(statement_of(row)), row.number, row.position)


def of_the_living(statement: Statement) -> Statement:
    """Without an anonymous id that was forgotten, which is nobody's device."""
    subject = statement.subject
    if subject.user_id is None or subject.anonymous_id is None or not is_pseudonym(subject.anonymous_id):
        return statement
    return msgspec.structs.replace(statement, subject=Subject(user_id=subject.user_id))


def users_of(connection: Connection, devices: Sequence[str], offset: int | None = None) -> dict[str, list[str]]:
    """The user ids that each anonymous id was named with, by the event at `offset`; now, without one."""
    found: dict[str, list[str]] = {}
    for some in _chunks(devices):
        query = select(identities).where(identities.c.anonymous_id.in_(some)).order_by(identities.c.user_id)
        if offset is not None:
            query = query.where(identities.c.position <= offset)
        for row in connection.execute(query):
            found.setdefault(row.anonymous_id, []).append(row.user_id)
    return found


def receipts_about(connection: Connection, subject: Subject, offset: int | None = None) -> ColumnElement[bool]:
    """The receipts that a person's profile is folded of."""
    if subject.user_id is None:
        return and_(receipts.c.anonymous_id == subject.anonymous_id, receipts.c.user_id.is_(None))
    links = select(receipts.c.anonymous_id).where(
        receipts.c.user_id == subject.user_id,
        receipts.c.anonymous_id.is_not(None),
        receipts.c.anonymous_id.not_like(f"{PSEUDONYM}%"),
    )
    if offset is not None:
        links = links.where(receipts.c.position <= offset)
    devices = connection.scalars(links.distinct()).all()
    alone = and_(receipts.c.anonymous_id.in_(devices), receipts.c.user_id.is_(None))
    return or_(receipts.c.user_id == subject.user_id, alone)


def profiles_by_person(connection: Connection, people: Sequence[str]) -> dict[str, Profile]:
    query = select(profiles.c.person, profiles.c.profile)
    return {
        person: _decode_profile(profile)
        for some in _chunks(people)
        for person, profile in connection.execute(query.where(profiles.c.person.in_(some)))
    }


def profiles_at(connection: Connection, subjects: Iterable[Subject]) -> dict[Subject, Profile | None]:
    """What is known now of each: by the user id, if there is one; else of everybody who used the anonymous id."""
    asked = list(subjects)
    devices = {one.anonymous_id for one in asked if one.user_id is None and one.anonymous_id is not None}
    linked = users_of(connection, sorted(devices))
    people = {one: _people(one, linked) for one in asked}
    found = profiles_by_person(connection, sorted({person for several in people.values() for person in several}))
    return {one: _together([found[person] for person in several if person in found]) for one, several in people.items()}


def _people(subject: Subject, linked: dict[str, list[str]]) -> list[str]:
    if subject.user_id is not None:
        return [f"u{subject.user_id}"]
    users = linked.get(subject.anonymous_id or "")
    return [f"u{one}" for one in users] if users else [f"a{subject.anonymous_id}"]


def _together(found: Sequence[Profile]) -> Profile | None:
    return together(found) if found else None


def said_last(connection: Connection, subjects: Iterable[Subject]) -> dict[Subject, "Known"]:
    """What the ledger has of each subject's device and ids."""
    asked = list(subjects)
    linked = users_of(connection, sorted({one.anonymous_id for one in asked if one.anonymous_id is not None}))
    keys = {person for one in asked for person in _own_rows(one)}
    said = _said_by_person(connection, sorted(keys))
    return {one: _known(one, said, linked) for one in asked}


def _said_by_person(connection: Connection, people: Sequence[str]) -> dict[str, Utterance | None]:
    query = select(profiles.c.person, profiles.c.said)
    return {
        person: _decode_utterance(said) if said else None
        for some in _chunks(people)
        for person, said in connection.execute(query.where(profiles.c.person.in_(some)))
    }


class Known(msgspec.Struct, frozen=True):
    """What the ledger has of a subject: what its device said last, and whether there is news in naming both ids."""

    last: Utterance | None = None
    heard_of: bool = False
    linked: bool = False


def _own_rows(subject: Subject) -> list[str]:
    rows = [f"u{subject.user_id}"] if subject.user_id is not None else []
    return [*rows, f"a{subject.anonymous_id}"] if subject.anonymous_id is not None else rows


def _known(subject: Subject, said: dict[str, Utterance | None], linked: dict[str, list[str]]) -> Known:
    own = _own_rows(subject)
    last = said.get(own[-1]) if own else None
    heard_of = any(person in said for person in own)
    return Known(last, heard_of, subject.user_id in linked.get(subject.anonymous_id or "", ()))


def _subject(person: str) -> Subject:
    return Subject(user_id=person[1:]) if person.startswith("u") else Subject(anonymous_id=person[1:])


def _chunks(all_of_them: Sequence[str]) -> Iterable[Sequence[str]]:
    return (all_of_them[at : at + _AT_ONCE] for at in range(0, len(all_of_them), _AT_ONCE))
