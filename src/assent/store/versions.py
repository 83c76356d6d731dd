"""Versions: the numbered snapshots of a workspace."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Engine, func, insert, select
from sqlalchemy.exc import IntegrityError

from assent.domain.errors import Conflict, NotFound
from assent.domain.trail import Happening
from assent.domain.workspace import Version, Workspace
from assent.store.database import reading
from assent.store.tables import versions
from assent.store.trail import record

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Workspace).decode


class Versions:
    """All versions of the workspace; the one with the highest number is in force."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def current_number(self) -> int:
        """The number of the version in force; 0 before the first."""
        with reading(self._engine) as connection:
            return connection.scalar(select(func.coalesce(func.max(versions.c.number), 0))) or 0

    def current(self) -> Version:
        """The version in force; raises NotFound before the first."""
        return self.get(self.current_number())

    def get(self, number: int) -> Version:
        """Raises NotFound."""
        with reading(self._engine) as connection:
            row = connection.execute(select(versions).where(versions.c.number == number)).one_or_none()
        if row is None:
            raise NotFound(f"there is no version `{number}` of the workspace")
        return Version(row.number, _decode(row.workspace), row.at, row.author, row.comment)

    def numbers(self) -> Sequence[int]:
        """All numbers, newest first."""
        with reading(self._engine) as connection:
            return connection.scalars(select(versions.c.number).order_by(versions.c.number.desc())).all()

    def save(
        self,
        workspace: Workspace,
        *,
        after: int,
        at: int,
        author: str,
        comment: str = "",
        happenings: Iterable[Happening] = (),
    ) -> Version:
        """Put `workspace` into force as version `after` + 1; `happenings` go on record in the same transaction.

        Raises Conflict when `after` is no longer the version in force.
        """
        version = Version(after + 1, workspace, at, author, comment)
        row = {"number": after + 1, "at": at, "author": author, "comment": comment, "workspace": _encode(workspace)}
        try:
            with self._engine.begin() as connection:
                newest = connection.scalar(select(func.max(versions.c.number))) or 0
                if newest != after:
                    raise _overtaken(newest, after)
                connection.execute(insert(versions).values(row))
                record(connection, happenings, at=at, author=author, version=version.number, comment=comment)
        except IntegrityError:  # PostgreSQL lets two look at once, and then only one write
            raise _overtaken(self.current_number(), after) from None
        return version


def _overtaken(newest: int, after: int) -> Conflict:
    return Conflict(f"the workspace is at version {newest} by now, not {after}: look at what changed first")
