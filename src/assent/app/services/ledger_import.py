"""Consent that was recorded elsewhere: rows of a file become receipts, or are rejected with a reason."""

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, TypeAlias

import msgspec

from assent.app.services.ledger import Choice, is_suppressed, statement
from assent.app.wiring import Stores
from assent.domain.errors import AssentError, InvalidInput
from assent.domain.receipt import Method, Notice, Preference, Statement, Subject

Row: TypeAlias = Mapping[str, Any]

_AT_ONCE: Final = 5_000
_MOST_REPORTED: Final = 10_000
_CATEGORY: Final = "category:"
_FIELDS: Final = ("userId", "anonymousId", "occurredAt", "noticeVersion", "noticeLanguage", "jurisdiction")
_WORDS: Final = {
    **dict.fromkeys(("granted", "true", "yes", "1", "opted_in", "opt_in", "active"), Preference.GRANTED),
    **dict.fromkeys(("denied", "false", "no", "0", "opted_out", "opt_out", "withdrawn"), Preference.DENIED),
    **dict.fromkeys(("unknown", "pending"), Preference.UNKNOWN),
}
_MILLISECONDS: Final = 100_000_000_000
"""A number of this size or above is milliseconds since 1970, a smaller one seconds."""

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder().decode


class Rejected(NamedTuple):
    """A row that is not on record: which, counted from 1, why, and what it says."""

    row: int
    why: str
    said: Row


class Imported(NamedTuple):
    """What an import came to: receipts that were written, or would be; rows that were on record already; and rows that
    were rejected, of which the first are listed."""

    written: int
    known: int
    refused: int
    rejected: Sequence[Rejected]


def read_mapping(texts: Iterable[str]) -> dict[str, str]:
    """The fields by the columns that hold them, from texts `COLUMN=FIELD`. Raises InvalidInput."""
    mapping: dict[str, str] = {}
    for text in texts:
        column, _, field = text.rpartition("=")
        if not column or not (field in _FIELDS or field.removeprefix(_CATEGORY) not in ("", field)):
            raise InvalidInput(
                f"`{text}` maps no column: write `COLUMN=FIELD`, where a field is one of {', '.join(_FIELDS)} or "
                f"`{_CATEGORY}ID`"
            )
        mapping[column] = field
    return mapping


def import_rows(
    stores: Stores,
    rows: Iterable[Row | Rejected],
    mapping: Mapping[str, str],
    *,
    source: str,
    at: int,
    dry_run: bool = False,
) -> Imported:
    """Put the rows on record, some thousands in one transaction. The same rows again change nothing."""
    written = known = refused = 0
    reported: list[Rejected] = []
    chain = hashlib.sha256(_encode([source, dict(mapping)]))
    numbered = enumerate(rows, 1)
    is_anybody_suppressed = bool(stores.regulations.suppressed(1))
    while some := list(islice(numbered, _AT_ONCE)):
        statements: list[Statement] = []
        for number, row in some:
            made = _statement(number, row, mapping, source, at)
            if isinstance(made, Statement) and is_anybody_suppressed and is_suppressed(stores, made):
                made = Rejected(number, "this person is suppressed", {})
            if isinstance(made, Statement):
                chain.update(made.evidence)
                statements.append(made)
            else:
                refused += 1
                reported += [made] if len(reported) < _MOST_REPORTED else []
        if not statements:
            continue
        key = f"import {chain.hexdigest()}"
        if stores.ledger.is_used(key):
            known += len(statements)
            continue
        written += len(statements)
        if not dry_run:
            stores.ledger.add(statements, key=key, at=at)
    return Imported(written, known, refused, reported)


def _statement(number: int, row: Row | Rejected, mapping: Mapping[str, str], source: str, at: int) -> Any:
    if isinstance(row, Rejected):
        return row._replace(row=number)
    try:
        return statement(_choice(row, mapping), source=source, at=at, method=Method.IMPORT)
    except AssentError as error:
        return Rejected(number, error.message, row)


def _choice(row: Row, mapping: Mapping[str, str]) -> Choice:
    fields: dict[str, str] = {}
    preferences: dict[str, Preference] = {}
    for column, value in row.items():
        field = mapping.get(column, column)
        if value is None or value == "":
            continue
        if field.startswith(_CATEGORY):
            preferences[field.removeprefix(_CATEGORY)] = _preference(column, value)
        elif field in _FIELDS:
            fields[field] = str(value)
    return Choice(
        Subject(fields.get("userId"), fields.get("anonymousId")),
        preferences,
        _time(fields["occurredAt"]) if "occurredAt" in fields else None,
        notice=Notice(fields.get("noticeVersion"), fields.get("noticeLanguage"), fields.get("jurisdiction")),
        evidence=row,
    )


def _preference(column: str, value: Any) -> Preference:
    found = _WORDS.get(str(value).strip().lower())
    if found is None:
        raise InvalidInput(f"`{column}`: `{str(value)[:50]}` is no answer: write granted, denied or unknown")
    return found


def _time(text: str) -> int:
    try:
        number = float(text)
        return int(number if abs(number) >= _MILLISECONDS else number * 1000)
    except (ValueError, OverflowError):
        pass
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput(f"`{text[:50]}` is no time: write it like 2026-05-04T09:30:00Z, in UTC") from None
    return int((time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp() * 1000)


# ------------------------------------------------------------------------------------------------ files


def rows_of(path: Path, told: Callable[[int], None] = lambda _bytes: None) -> Iterator[Row | Rejected]:
    """The rows of a CSV, JSON lines or Parquet file, by the ending of its name. `told` hears how many bytes are read.

    Raises InvalidInput for another ending, and for Parquet without pyarrow.
    """
    if path.suffix == ".parquet":
        yield from _parquet_rows(path, told)
        return
    with path.open("rb") as stream:
        yield from read_rows(stream, path.suffix, told)


def read_rows(
    stream: BinaryIO, ending: str, told: Callable[[int], None] = lambda _bytes: None
) -> Iterator[Row | Rejected]:
    """The rows of CSV or JSON lines. Raises InvalidInput for another ending."""
    if ending == ".csv":
        yield from _csv_rows(stream, told)
    elif ending in (".jsonl", ".ndjson"):
        yield from _json_rows(stream, told)
    else:
        raise InvalidInput(f"`{ending}` is no kind of file that can be imported: .csv, .jsonl and .parquet are")


def _csv_rows(stream: BinaryIO, told: Callable[[int], None]) -> Iterator[Row | Rejected]:
    lines = io.TextIOWrapper(io.BufferedReader(_Told(stream, told)), encoding="utf-8-sig", errors="replace", newline="")
    reader = csv.reader(lines)
    columns = next(reader, [])
    for values in reader:
        row = dict(zip(columns, values, strict=False))
        if len(values) == len(columns):
            yield row
        elif values:
            yield Rejected(0, f"it has {len(values)} values, and there are {len(columns)} columns", row)


class _Told(io.RawIOBase):
    """A stream that tells how far it was read."""

    def __init__(self, stream: BinaryIO, told: Callable[[int], None]) -> None:
        self._stream = stream
        self._told = told
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        some = self._stream.read(len(buffer))
        buffer[: len(some)] = some
        self._read += len(some)
        self._told(self._read)
        return len(some)


def _json_rows(stream: BinaryIO, told: Callable[[int], None]) -> Iterator[Row | Rejected]:
    read = 0
    for number, line in enumerate(stream):
        read += len(line)
        if number % 1000 == 0:
            told(read)
        if not line.strip():
            continue
        try:
            row = _decode(line)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            yield Rejected(0, f"it is not JSON: {error}", {})
            continue
        yield row if isinstance(row, dict) else Rejected(0, "it is no JSON object", {"value": row})


def _parquet_rows(path: Path, told: Callable[[int], None]) -> Iterator[Row]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise InvalidInput(
            "reading Parquet takes pyarrow, which is not installed here: install `assent[parquet]`, or write the file "
            "as CSV"
        ) from None
    try:
        with parquet.ParquetFile(path) as file:
            done, total, size = 0, file.metadata.num_rows, path.stat().st_size
            for batch in file.iter_batches(_AT_ONCE):
                for row in batch.to_pylist():
                    yield {column: _plain(value) for column, value in row.items()}
                done += batch.num_rows
                told(size * done // total)
    except ArrowException as error:
        raise InvalidInput(f"`{path.name}` cannot be read as Parquet: {error}") from None


def _plain(value: Any) -> Any:
    """A value as JSON has it, to be mapped and kept as evidence."""
    if isinstance(value, datetime):
        return (value if value.tzinfo is not None else value.replace(tzinfo=UTC)).isoformat()
    return msgspec.to_builtins(value, enc_hook=str)


def write_rejected(path: Path, rejected: Sequence[Rejected]) -> None:
    """The rejected rows as JSON lines, each with its number and the reason."""
    lines = [_encode({"row": one.row, "why": one.why, "said": one.said}) for one in rejected]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
