"""The contract of secrets: sealed at rest, the same value under the same reference, nothing told by it."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import DATABASES
from sqlalchemy import Engine

from assent.domain.errors import NotFound
from assent.store.database import open_database
from assent.store.secrets import REFERENCE_PREFIX, Secrets, load_key

SECRET = "whsec_s3cr3t-value"


@pytest.fixture(params=DATABASES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(DATABASES[request.param](tmp_path))
    yield engine
    engine.dispose()


@pytest.fixture
def secrets(engine: Engine, tmp_path: Path) -> Secrets:
    return Secrets(engine, load_key(tmp_path / "secret.key"))


@pytest.mark.parametrize("value", [SECRET, "", "żółć 🦊 \x00", "$stored:already?", "x" * 100_000])
def test_a_secret_comes_back_as_it_was_kept(secrets: Secrets, value: str) -> None:
    reference = secrets.keep(value)
    assert reference.startswith(REFERENCE_PREFIX)
    assert secrets.reveal(reference) == value


def test_the_same_value_has_the_same_reference_and_another_value_another(secrets: Secrets) -> None:
    assert secrets.keep(SECRET) == secrets.keep(SECRET) == secrets.reference(SECRET)
    assert secrets.keep(SECRET + " ") != secrets.keep(SECRET)


def test_a_reference_alone_keeps_nothing(secrets: Secrets) -> None:
    with pytest.raises(NotFound):
        secrets.reveal(secrets.reference(SECRET))


def test_a_reference_says_nothing_without_the_key(engine: Engine, secrets: Secrets, tmp_path: Path) -> None:
    other = Secrets(engine, load_key(tmp_path / "other.key"))
    assert other.reference(SECRET) != secrets.reference(SECRET)
    with pytest.raises(NotFound, match="another key"):
        other.reveal(secrets.keep(SECRET))


def test_no_secret_is_readable_in_the_files(engine: Engine, secrets: Secrets, tmp_path: Path) -> None:
    secrets.keep(SECRET)
    engine.dispose()
    for file in tmp_path.iterdir():
        assert SECRET.encode() not in file.read_bytes()


def test_the_key_is_its_owners_alone_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    key = load_key(path)
    assert load_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["secret.key"]


def test_processes_that_start_at_once_agree_on_the_key(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from assent.store.secrets import load_key; "
    script += "sys.stdin.readline(); sys.stdout.buffer.write(load_key(Path(sys.argv[1])))"
    command = [sys.executable, "-c", script, str(tmp_path / "secret.key")]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(3)]
    keys = {process.communicate(b"go\n")[0] for process in processes}
    assert keys == {load_key(tmp_path / "secret.key")}
