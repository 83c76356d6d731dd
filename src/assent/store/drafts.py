"""Drafts at rest."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from assent.domain.decision import Reason
from assent.domain.draft import Draft
from assent.domain.errors import Conflict, NotFound
from assent.domain.trail import Happening
from assent.domain.workspace import Workspace
from assent.engine.shadow import Direction
from assent.store.database import reading
from assent.store.tables import drafts, shadow_counters
from assent.store.trail import record

_MOST_COUNTS: Final = 10_000

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Workspace).decode


class ShadowCount(NamedTuple):
    """How many events a shadow would newly deliver to a destination, or newly withhold, for one reason; in one `minute`
    (UTC epoch), or in all that are known."""

    destination: str
    direction: Direction
    reason: Reason
    events: int
    minute: int | None = None


class Drafts:
    """All drafts; what people do to them goes on record in the same transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, name: str, base: int, workspace: Workspace, *, author: str, at: int) -> Draft:
        draft = Draft(f"drf_{secrets.token_hex(8)}", name, base, workspace, author, at, at)
        with self._engine.begin() as connection:
            connection.execute(insert(drafts).values(**_row(draft)))
            _record(connection, "Draft Created", draft, author, at)
        return draft

    def get(self, draft_id: str) -> Draft:
        """Raises NotFound."""
        with reading(self._engine) as connection:
            return _find(connection, draft_id)

    def all(self) -> Sequence[Draft]:
        """The one that was changed last first."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(drafts).order_by(drafts.c.updated_at.desc(), drafts.c.id))
            return [_draft(row) for row in rows]

    def names(self) -> Mapping[str, str]:
        """What all drafts are called, by id; the one that was changed last first."""
        with reading(self._engine) as connection:
            rows = connection.execute(
                select(drafts.c.id, drafts.c.name).order_by(drafts.c.updated_at.desc(), drafts.c.id)
            )
            return {row.id: row.name for row in rows}

    def save(self, draft: Draft, workspace: Workspace, *, base: int, author: str, at: int) -> Draft:
        """Change what the draft says. Raises NotFound; Conflict when somebody else changed it since it was read."""
        changed = msgspec.structs.replace(
            draft, workspace=workspace, base=base, updated_at=at, revision=draft.revision + 1
        )
        with self._engine.begin() as connection:
            if _find(connection, draft.id).revision != draft.revision:
                raise Conflict(f"somebody else changed the draft `{draft.name}` meanwhile: look at it again first")
            values = {name: value for name, value in _row(changed).items() if name != "shadow"}
            connection.execute(update(drafts).where(drafts.c.id == draft.id).values(**values))
            _record(connection, "Draft Changed", changed, author, at)
        return changed

    def delete(self, draft_id: str, *, author: str, at: int, applied: int | None = None) -> None:
        """It was given up, or put into force as version `applied`. Raises NotFound."""
        with self._engine.begin() as connection:
            draft = _find(connection, draft_id)
            connection.execute(delete(drafts).where(drafts.c.id == draft_id))
            connection.execute(delete(shadow_counters).where(shadow_counters.c.draft == draft_id))
            action = "Draft Deleted" if applied is None else "Draft Applied"
            _record(connection, action, draft, author, at, version=applied)

    def shadow(self) -> Draft | None:
        """The draft that decides beside the version in force."""
        with reading(self._engine) as connection:
            row = connection.execute(select(drafts).where(drafts.c.shadow)).first()
            return _draft(row) if row is not None else None

    def set_shadow(self, draft_id: str, on: bool, *, author: str, at: int) -> Draft:
        """Have it be the shadow, in place of any other, or not any more. Raises NotFound."""
        with self._engine.begin() as connection:
            draft = _find(connection, draft_id)
            if draft.shadow != on:
                connection.execute(update(drafts).where(drafts.c.shadow).values(shadow=False))
                connection.execute(update(drafts).where(drafts.c.id == draft_id).values(shadow=on))
                _record(connection, "Shadow Started" if on else "Shadow Ended", draft, author, at)
        return msgspec.structs.replace(draft, shadow=on)

    def shadow_counts(self, draft: Draft, *, by_minute: bool = False) -> Sequence[ShadowCount]:
        """What it would have done otherwise as it is now, while it was the shadow; the newest minutes first."""
        table = shadow_counters.c
        keys = [table.destination, table.direction, table.reason, *([table.minute] if by_minute else [])]
        query = (
            select(*keys, func.sum(table.events).label("events"))
            .where(table.draft == draft.id, table.revision == draft.revision)
            .group_by(*keys)
            .order_by(*([table.minute.desc()] if by_minute else []), table.destination, table.direction, table.reason)
            .limit(_MOST_COUNTS)
        )
        with reading(self._engine) as connection:
            return [_shadow_count(dict(row._mapping)) for row in connection.execute(query)]


def _shadow_count(found: dict[str, Any]) -> ShadowCount:
    return ShadowCount(**{**found, "reason": Reason(found["reason"]), "events": int(found["events"])})


def _record(
    connection: Connection, action: str, draft: Draft, author: str, at: int, version: int | None = None
) -> None:
    about = {"name": draft.name, "base": draft.base}
    record(connection, [Happening(action, "draft", draft.id, None, about)], at=at, author=author, version=version)


def _find(connection: Connection, draft_id: str) -> Draft:
    row = connection.execute(select(drafts).where(drafts.c.id == draft_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no draft `{draft_id}`: it was deleted, or put into force")
    return _draft(row)


def _row(draft: Draft) -> dict[str, Any]:
    return {**msgspec.structs.asdict(draft), "workspace": _encode(draft.workspace)}


def _draft(row: Row[Any]) -> Draft:
    return Draft(**{**row._mapping, "workspace": _decode(row.workspace)})
