"""Regulations at rest, and who is suppressed: by digests, and by ids only as long as they are needed."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, Row, delete, insert, select, update

from assent.domain.errors import NotFound
from assent.domain.regulation import (
    UNFINISHED,
    Regulation,
    RegulationStatus,
    RegulationType,
    SubjectId,
    SubjectType,
    Suppressed,
    Told,
)
from assent.domain.trail import Happening
from assent.engine.suppression import Digests
from assent.store.database import purge, reading, rewrite, upsert
from assent.store.tables import regulated, regulations, suppressions, told
from assent.store.trail import record

_AT_ONCE: Final = 500


class Regulations:
    """Everything that people ever asked for."""

    def __init__(self, engine: Engine, digests: Digests) -> None:
        self._engine = engine
        self.digests = digests

    # ---------------------------------------------------------------------------------------- write

    def add(self, regulation: Regulation, subjects: Sequence[SubjectId], *, at: int) -> None:
        """Put it on record, and have it suppress or unsuppress at once."""
        digests = {self.digests.of(one): one for one in subjects}
        with self._engine.begin() as connection:
            connection.execute(insert(regulations), [_row(regulation)])
            rows = [
                {"regulation": regulation.id, "digest": digest, "id": one.id if regulation.is_open else None}
                for digest, one in digests.items()
            ]
            connection.execute(insert(regulated), rows)
            if regulation.type.suppresses:
                self._suppress(connection, regulation, digests)
            elif regulation.type is RegulationType.UNSUPPRESS:
                _unsuppress(connection, list(digests))
            record(connection, [_happening("Regulation Created", regulation)], at=at, author=regulation.author)

    def _suppress(self, connection: Connection, regulation: Regulation, digests: Mapping[bytes, SubjectId]) -> None:
        # Who is to be deleted is not known by name any longer than that takes.
        named = not regulation.type.deletes
        statement = upsert(connection.dialect.name, suppressions)
        connection.execute(
            statement.on_conflict_do_nothing(),
            [
                {
                    "digest": digest,
                    "type": one.type,
                    "id": one.id if named else None,
                    "regulation": regulation.id,
                    "at": regulation.created_at,
                }
                for digest, one in digests.items()
            ],
        )

    def change(self, regulation: Regulation) -> None:
        """Write how far it is."""
        with self._engine.begin() as connection:
            connection.execute(
                update(regulations).where(regulations.c.id == regulation.id).values(_progress(regulation))
            )

    def tell(self, regulation: str, answers: Iterable[Told]) -> None:
        """Write what destinations said."""
        rows = [{**msgspec.structs.asdict(one), "regulation": regulation} for one in answers]
        if not rows:
            return
        with self._engine.begin() as connection:
            statement = upsert(connection.dialect.name, told)
            changing = {name: statement.excluded[name] for name in Told.__struct_fields__}
            connection.execute(
                statement.on_conflict_do_update(index_elements=["regulation", "destination"], set_=changing), rows
            )

    def forget_ids(self, regulation: Regulation) -> None:
        """Forget by which ids people were known that it is about; other regulations about them still need theirs."""
        others = select(regulations.c.id).where(regulations.c.status.in_(UNFINISHED), regulations.c.id != regulation.id)
        with self._engine.begin() as connection:
            digests = connection.scalars(
                select(regulated.c.digest).where(regulated.c.regulation == regulation.id)
            ).all()
            for start in range(0, len(digests), _AT_ONCE):
                some = digests[start : start + _AT_ONCE]
                mine, free = regulated.c.digest.in_(some), regulated.c.regulation.not_in(others)
                connection.execute(update(regulated).where(mine, free).values(id=None))
                connection.execute(update(suppressions).where(suppressions.c.digest.in_(some)).values(id=None))

    def finish(self, regulation: Regulation, *, at: int) -> None:
        """It is over: put that on record."""
        with self._engine.begin() as connection:
            connection.execute(
                update(regulations).where(regulations.c.id == regulation.id).values(_progress(regulation))
            )
            record(connection, [_happening("Regulation Finished", regulation)], at=at, author="assent")

    def rewrite(self) -> None:
        """Leave nothing of what was deleted in the gaps of pages: once after all of it."""
        rewrite(self._engine)

    def purge(self) -> bool:
        """Have nothing of what was deleted on disk; whether that is so."""
        return purge(self._engine)

    # ---------------------------------------------------------------------------------------- read

    def get(self, regulation_id: str) -> Regulation:
        """Raises NotFound."""
        with reading(self._engine) as connection:
            row = connection.execute(select(regulations).where(regulations.c.id == regulation_id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no regulation `{regulation_id}`")
        return _regulation(row)

    def all(self, limit: int, *, after: int = 0, status: RegulationStatus | None = None) -> Sequence[Regulation]:
        """The newest first, from the one that `after` others come before."""
        query = select(regulations).order_by(regulations.c.created_at.desc(), regulations.c.id)
        if status is not None:
            query = query.where(regulations.c.status == status)
        with reading(self._engine) as connection:
            return [_regulation(row) for row in connection.execute(query.limit(limit).offset(after))]

    def open(self) -> Sequence[Regulation]:
        """Those that are not over, the oldest first."""
        query = select(regulations).where(regulations.c.status.in_(UNFINISHED))
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(regulations.c.created_at, regulations.c.id))
            return [_regulation(row) for row in rows]

    def subjects(self, regulation: Regulation) -> Sequence[SubjectId]:
        """Whom it is about, as far as that is still known."""
        query = select(regulated.c.id).where(regulated.c.regulation == regulation.id, regulated.c.id.is_not(None))
        with reading(self._engine) as connection:
            return [
                SubjectId(regulation.subject_type, id_) for id_ in connection.scalars(query.order_by(regulated.c.id))
            ]

    def about(self, subjects: Sequence[SubjectId]) -> Sequence[Regulation]:
        """The regulations about one of these, the newest first: also of those who are known by a digest only."""
        digests = [self.digests.of(one) for one in subjects]
        mine = select(regulated.c.regulation).where(regulated.c.digest.in_(digests))
        query = select(regulations).where(regulations.c.id.in_(mine)).order_by(regulations.c.created_at.desc())
        with reading(self._engine) as connection:
            return [_regulation(row) for row in connection.execute(query)]

    def told(self, regulation_id: str) -> Sequence[Told]:
        """What destinations said, by their ids."""
        query = select(told).where(told.c.regulation == regulation_id).order_by(told.c.destination)
        with reading(self._engine) as connection:
            return [_told(row) for row in connection.execute(query)]

    def suppressed(self, limit: int, *, after: int = 0) -> Sequence[Suppressed]:
        """Who is suppressed, the newest first, from the one that `after` others come before."""
        query = select(suppressions).order_by(suppressions.c.at.desc(), suppressions.c.digest)
        with reading(self._engine) as connection:
            return [_suppressed(row) for row in connection.execute(query.limit(limit).offset(after))]

    def suppression(self, subject: SubjectId) -> Suppressed | None:
        """How somebody is suppressed; None who is not."""
        query = select(suppressions).where(suppressions.c.digest == self.digests.of(subject))
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        return _suppressed(row) if row is not None else None

    def any_suppressed(self, subjects: Iterable[SubjectId]) -> bool:
        """Whether one of them is suppressed."""
        digests = [self.digests.of(one) for one in subjects]
        with reading(self._engine) as connection:
            chunks = (digests[start : start + _AT_ONCE] for start in range(0, len(digests), _AT_ONCE))
            found = (select(suppressions.c.digest).where(suppressions.c.digest.in_(some)).limit(1) for some in chunks)
            return any(connection.execute(one).first() is not None for one in found)

    def suppressed_digests(self) -> Mapping[SubjectType, frozenset[bytes]]:
        """Everyone who is suppressed, by the kind of id."""
        found: dict[str, list[bytes]] = {}
        with reading(self._engine) as connection:
            for type_, digest in connection.execute(select(suppressions.c.type, suppressions.c.digest)):
                found.setdefault(type_, []).append(digest)
        return {SubjectType(type_): frozenset(digests) for type_, digests in found.items()}


def new_regulation_id() -> str:
    return f"reg_{secrets.token_hex(8)}"


def _unsuppress(connection: Connection, digests: Sequence[bytes]) -> None:
    for start in range(0, len(digests), _AT_ONCE):
        connection.execute(delete(suppressions).where(suppressions.c.digest.in_(digests[start : start + _AT_ONCE])))


def _happening(action: str, regulation: Regulation) -> Happening:
    # Never the ids: the trail outlives them.
    about: dict[str, Any] = {
        "type": regulation.type,
        "subject_type": regulation.subject_type,
        "people": regulation.people,
    }
    if regulation.type.deletes and not regulation.is_open:
        about |= {"status": regulation.status, "events_erased": regulation.erased}
    return Happening(action, "regulation", regulation.id, None, about)


def _row(regulation: Regulation) -> dict[str, Any]:
    return msgspec.structs.asdict(regulation)


def _progress(regulation: Regulation) -> dict[str, Any]:
    """What changes of it as it goes on. Not why: somebody may be taken out of that meanwhile."""
    row = _row(regulation)
    return {
        name: row[name] for name in ("status", "finished_at", "started_from", "position", "until", "erased", "is_swept")
    }


def _regulation(row: Row[Any]) -> Regulation:
    fields = dict(row._mapping)
    fields["type"] = RegulationType(fields["type"])
    fields["subject_type"] = SubjectType(fields["subject_type"])
    fields["status"] = RegulationStatus(fields["status"])
    return Regulation(**fields)


def _told(row: Row[Any]) -> Told:
    fields = dict(row._mapping)
    del fields["regulation"]
    return Told(**{**fields, "status": RegulationStatus(fields["status"])})


def _suppressed(row: Row[Any]) -> Suppressed:
    return Suppressed(row.digest, SubjectType(row.type), row.id, row.regulation, row.at)
