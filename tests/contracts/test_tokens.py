"""The contract of tokens: shown once, kept as a digest, and each speaks for one role."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import DATABASES
from sqlalchemy import Engine

from assent.store.database import open_database
from assent.store.tokens import Tokens


@pytest.fixture(params=DATABASES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(DATABASES[request.param](tmp_path))
    yield engine
    engine.dispose()


def test_a_token_speaks_for_whom_it_was_made(engine: Engine) -> None:
    tokens = Tokens(engine)
    owner, member = tokens.create("deploy", "owner", at=0), tokens.create("grafana", "member", at=0)
    found = tokens.check(owner)
    assert found is not None
    assert (found.name, found.role) == ("deploy", "owner")
    other = Tokens(engine).check(member)
    assert other is not None
    assert (other.name, other.role) == ("grafana", "member")
    assert found.id != other.id


def test_an_unknown_token_speaks_for_nobody(engine: Engine) -> None:
    tokens = Tokens(engine)
    made = tokens.create("deploy", "owner", at=0)
    for wrong in ("", "assent_", made[:-1], made + "x", made.upper(), "żółć"):
        assert tokens.check(wrong) is None


def test_tokens_of_one_name_are_different(engine: Engine) -> None:
    tokens = Tokens(engine)
    assert len({tokens.create("deploy", "owner", at=0) for _ in range(20)}) == 20


def test_a_token_is_nowhere_in_the_files(engine: Engine, tmp_path: Path) -> None:
    made = Tokens(engine).create("deploy", "owner", at=0)
    engine.dispose()
    for file in tmp_path.iterdir():
        assert made.removeprefix("assent_").encode() not in file.read_bytes()
