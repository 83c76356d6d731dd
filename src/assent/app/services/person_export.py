"""Everything about one person as one archive: to answer somebody who asks what is known of them."""

import asyncio
import zipfile
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import msgspec

from assent.app.services.fates import Fates
from assent.app.services.receipt_export import exported
from assent.app.wiring import Stores
from assent.domain.decision import explain
from assent.domain.errors import InvalidInput, NotFound
from assent.domain.record import Record
from assent.domain.regulation import Regulation, SubjectId, SubjectType
from assent.domain.trail import Happening
from assent.domain.workspace import Workspace
from assent.engine.fate import Fate
from assent.engine.json import decode_leniently
from assent.engine.person import People
from assent.log.interface import Found
from assent.store.ledger import ReceiptFilter

_A_LOOK: Final = 1_000

_README: Final = """\
Everything that Assent holds about one person, as of {at}.

events.jsonl       One event a line, as it came in, with what became of it at every destination, and why.
receipts.jsonl     One entry of the consent ledger a line: what was chosen, when, how it is known, with the evidence.
regulations.jsonl  One request a line that this person be suppressed or deleted.

Times are in UTC. Each line is a JSON object.
"""

_encode = msgspec.json.Encoder().encode


def subjects_of(id_: str, subject_type: SubjectType | None = None) -> list[SubjectId]:
    """Whom an id means: without a type, whoever has it as either. Raises InvalidInput."""
    if not id_.strip():
        raise InvalidInput("an id is blank", field="subjectId")
    return [SubjectId(one, id_) for one in SubjectType if subject_type in (None, one)]


def record_export(stores: Stores, *, author: str, at: int) -> None:
    """Put on record that a person was exported; the trail does not say who, because it outlives a deletion."""
    stores.trail.add([Happening("Person Exported", "person", "export")], at=at, author=author)


class Readable(Protocol):
    """What an export needs of the log: also of one that another process writes."""

    @property
    def head(self) -> int: ...
    @property
    def start(self) -> int: ...
    async def read(self, offset: int, limit: int) -> Sequence[Record]: ...


async def export(
    stores: Stores, log: Readable, fates: Fates, subjects: Sequence[SubjectId], workspace: Workspace, *, at: int
) -> AsyncIterator[bytes]:
    """The bytes of a zip file, as they become known: whatever its size, it takes as much memory as a few events."""
    sink = _Sink()
    archive = zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED)
    readme = _README.format(at=_time(at))
    archive.writestr("README.txt", readme)
    with archive.open("events.jsonl", "w", force_zip64=True) as file:
        async for lines in _events(log, fates, People(subjects), workspace):
            await asyncio.to_thread(file.write, lines)
            if taken := sink.take():
                yield taken
    with archive.open("receipts.jsonl", "w", force_zip64=True) as file:
        for id_ in dict.fromkeys(one.id for one in subjects):
            for text in exported(stores, "jsonl", ReceiptFilter(id_)):
                await asyncio.to_thread(file.write, text.encode())
    asked_for = await asyncio.to_thread(stores.regulations.about, subjects)
    archive.writestr("regulations.jsonl", b"".join(_line(_regulation(one)) for one in asked_for))
    archive.close()
    yield sink.take()


async def _events(log: Readable, fates: Fates, people: People, workspace: Workspace) -> AsyncIterator[bytes]:
    offset, end = log.start, log.head
    while offset < end:
        try:
            records = await log.read(offset, min(_A_LOOK, end - offset))
        except NotFound:
            offset = max(offset + 1, log.start)  # trimmed meanwhile
            continue
        stretch = [Found(at, one) for at, one in enumerate(records, offset)]
        yield await asyncio.to_thread(_lines, stretch, fates, people, workspace)
        offset += len(records)


def _lines(stretch: Sequence[Found], fates: Fates, people: People, workspace: Workspace) -> bytes:
    theirs = [one for one in stretch if not one.record.is_erased and people.are_in(one.record.body)]
    if not theirs:
        return b""
    between = fates.between(theirs[0].offset, theirs[-1].offset + 1)
    return b"".join(_line(_event(one.record, between.of(one), workspace)) for one in theirs)


def _event(record: Record, fates: Sequence[Fate], workspace: Workspace) -> Mapping[str, Any]:
    return {
        "receivedAt": _time(record.received_at),
        "source": record.source,
        "type": record.type,
        "messageId": record.message_id,
        "ip": record.ip,
        "event": _read(record.body),
        "destinations": [_fate(one, workspace) for one in fates if one.state is not None],
    }


def _read(body: bytes) -> Any:
    """The event; None for one that is nested too deeply to be read."""
    try:
        return decode_leniently(body)
    except (InvalidInput, RecursionError):
        return None


def _fate(fate: Fate, workspace: Workspace) -> Mapping[str, Any]:
    destination = workspace.destination(fate.destination)
    said: dict[str, Any] = {
        "destination": fate.destination,
        "name": destination.title if destination is not None else fate.destination,
        "state": fate.state,
    }
    if fate.decision is not None:
        text = explain(fate.decision.verdict, fate.decision.reason)
        said |= {"reason": fate.decision.reason, "why": text.what_happened, "categories": fate.decision.categories}
    return said


def _regulation(one: Regulation) -> Mapping[str, Any]:
    return {
        "id": one.id,
        "regulationType": one.type,
        "subjectType": one.subject_type,
        "overallStatus": one.status,
        "createdAt": _time(one.created_at),
        "finishedAt": _time(one.finished_at) if one.finished_at is not None else None,
    }


def _line(value: Mapping[str, Any]) -> bytes:
    return _encode(value) + b"\n"


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Sink:
    """What an archive is written to, and its bytes are taken from as they come."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: bytes, /) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """Nothing is kept back."""

    def close(self) -> None:
        """It was never open."""

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
