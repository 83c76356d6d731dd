"""Importing and exporting consent: rows that are right go on record once, rows that are not come back with reasons."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from assent.app.cli.data_directory import stores_of
from assent.app.services.ledger_import import Imported, import_rows, read_mapping, read_rows, rows_of, write_rejected
from assent.app.services.receipt_export import exported
from assent.app.wiring import Stores
from assent.domain.errors import InvalidInput
from assent.domain.receipt import Preference, Subject

ASSENT = str(Path(sys.executable).with_name("assent"))
NOON = 1_767_268_800_000
MAPPING = {"id": "userId", "ads": "category:ads", "when": "occurredAt"}
TABLE = b"id,ads,when\nann,yes,2026-01-01T10:00:00Z\nben,no,1767261600\ncleo,maybe,\n,yes,\ndora,no\n"


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    with stores_of(tmp_path) as stores:
        yield stores


def imported(stores: Stores, text: bytes, ending: str = ".csv", *, dry_run: bool = False) -> Imported:
    return import_rows(stores, read_rows(BytesIO(text), ending), MAPPING, source="crm", at=NOON, dry_run=dry_run)


def test_rows_go_on_record_or_come_back_with_a_reason(stores: Stores) -> None:
    done = imported(stores, TABLE)
    assert (done.written, done.known, done.refused) == (2, 0, 3)
    assert [(one.row, one.why.split(":")[0][:30]) for one in done.rejected] == [
        (3, "`ads`"),
        (4, "a choice needs a `userId` or a"),
        (5, "it has 2 values, and there are"),
    ]
    ann, ben = stores.ledger.profile(Subject("ann")), stores.ledger.profile(Subject("ben"))
    assert ann is not None
    assert ben is not None
    assert (ann.preferences(), ben.preferences()) == ({"ads": Preference.GRANTED}, {"ads": Preference.DENIED})
    assert {one.said.occurred_at for one in stores.ledger.receipts(5)} == {1_767_261_600_000}


def test_the_same_file_again_changes_nothing(stores: Stores) -> None:
    imported(stores, TABLE)
    again = imported(stores, TABLE)
    assert (again.written, again.known) == (0, 2)
    assert stores.ledger.state().number == 2


def test_a_dry_run_writes_nothing(stores: Stores) -> None:
    assert imported(stores, TABLE, dry_run=True).written == 2
    assert stores.ledger.state().number == 0


def test_json_lines_are_read_too_and_other_files_are_not(stores: Stores) -> None:
    lines = b'{"id": "ann", "ads": true}\n\nnonsense\n[]\n'
    done = imported(stores, lines, ".jsonl")
    assert (done.written, [one.row for one in done.rejected]) == (1, [2, 3])
    with pytest.raises(InvalidInput, match="xlsx"):
        imported(stores, b"", ".xlsx")


def parquet_file(path: Path, rows: int = 4) -> Path:
    columns = {
        "id": pyarrow.array(["ann", None, "cleo", "dora"] * (rows // 4)),
        "ads": pyarrow.array(["yes", "no", "maybe", "no"] * (rows // 4)).dictionary_encode(),
        "when": pyarrow.array([datetime(2026, 1, 1, 10)] * rows, pyarrow.timestamp("us")),
        "score": pyarrow.array([Decimal("0.5")] * rows),
        "photo": pyarrow.array([b"\x00\xff"] * rows),
    }
    parquet.write_table(pyarrow.table(columns), path)
    return path


def test_parquet_is_read_with_its_own_types(stores: Stores, tmp_path: Path) -> None:
    path = parquet_file(tmp_path / "choices.parquet")
    told: list[int] = []
    done = import_rows(stores, rows_of(path, told.append), MAPPING, source="crm", at=NOON)
    assert (done.written, [one.row for one in done.rejected]) == (2, [2, 3])
    assert told == [path.stat().st_size]
    dora, ann = stores.ledger.receipts(5)
    assert (ann.said.subject, ann.said.preferences) == (Subject("ann"), {"ads": Preference.GRANTED})
    assert (dora.said.subject, dora.said.preferences) == (Subject("dora"), {"ads": Preference.DENIED})
    assert ann.said.occurred_at == 1_767_261_600_000
    assert json.loads(ann.said.evidence)["score"] == "0.5"

    write_rejected(tmp_path / "rejected.jsonl", done.rejected)
    refused = json.loads((tmp_path / "rejected.jsonl").read_text().splitlines()[1])
    assert (refused["row"], refused["said"]["id"], refused["said"]["photo"]) == (3, "cleo", "AP8=")


def test_parquet_is_read_in_parts(tmp_path: Path) -> None:
    path = parquet_file(tmp_path / "choices.parquet", rows=12_000)
    told: list[int] = []
    assert len(list(rows_of(path, told.append))) == 12_000
    assert len(told) == 3
    assert told[-1] == path.stat().st_size


def test_what_is_no_parquet_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "choices.parquet"
    path.write_bytes(TABLE)
    with pytest.raises(InvalidInput, match="cannot be read as Parquet"):
        list(rows_of(path))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InvalidInput, match=r"assent\[parquet\]"):
        list(rows_of(path))


@pytest.mark.parametrize("text", ["ads", "ads=", "=userId", "ads=colour", "ads=category:"])
def test_a_mapping_names_a_column_and_a_field(text: str) -> None:
    with pytest.raises(InvalidInput, match="COLUMN=FIELD"):
        read_mapping([text])


def test_a_spreadsheet_runs_nothing_that_a_stranger_chose(stores: Stores) -> None:
    imported(stores, b"id,ads,when\n=cmd(),yes,\n")
    _head, row = "".join(exported(stores, "csv")).splitlines()
    assert ",'=cmd()," in row


def test_the_command_line_says_what_it_did(tmp_path: Path) -> None:
    with stores_of(tmp_path / "data"):
        pass
    (tmp_path / "choices.csv").write_bytes(TABLE)

    def ledger(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [ASSENT, "ledger", arguments[0], "--data", str(tmp_path / "data"), *arguments[1:]]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    maps = [text for column, field in MAPPING.items() for text in ("--map", f"{column}={field}")]
    done = ledger("import", str(tmp_path / "choices.csv"), *maps, "--rejected", str(tmp_path / "rejected.jsonl"))
    assert (done.returncode, done.stdout) == (1, "2 receipts written, 0 rows known already, 3 rejected.\n")
    assert json.loads((tmp_path / "rejected.jsonl").read_text().splitlines()[0])["said"]["id"] == "cleo"
    assert ledger("verify").stdout == "The chain holds: 2 receipts.\n"
    assert "ads  granted" in ledger("show", "ann").stdout
    assert "2 people" in ledger("rebuild").stdout
    assert ledger("show", "nobody").returncode == 1
    assert len(ledger("export", "--format", "iso-27560").stdout.splitlines()) == 2
