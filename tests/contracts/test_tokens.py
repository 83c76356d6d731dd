"""The contract of tokens: shown once, kept as a digest, and each speaks for one role."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import DATABASES
from sqlalchemy import Engine

from assent.domain.errors import NotFound
from assent.domain.user import Role
from assent.store.database import open_database
from assent.store.tokens import Tokens
from assent.store.trail import Trail


@pytest.fixture(params=DATABASES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(DATABASES[request.param](tmp_path))
    yield engine
    engine.dispose()


def made(tokens: Tokens, name: str = "deploy", role: Role = "owner") -> str:
    return tokens.create(name, role, at=0, author="ann@example.com").text


def test_a_token_speaks_for_whom_it_was_made(engine: Engine) -> None:
    tokens = Tokens(engine)
    owner, member = made(tokens, "deploy", "owner"), made(tokens, "grafana", "member")
    found = tokens.check(owner)
    assert found is not None
    assert (found.name, found.role) == ("deploy", "owner")
    other = Tokens(engine).check(member)
    assert other is not None
    assert (other.name, other.role) == ("grafana", "member")
    assert found.id != other.id


def test_an_unknown_token_speaks_for_nobody(engine: Engine) -> None:
    tokens = Tokens(engine)
    text = made(tokens)
    for wrong in ("", "assent_", text[:-1], text + "x", text.upper(), "żółć"):
        assert tokens.check(wrong) is None


def test_tokens_of_one_name_are_different(engine: Engine) -> None:
    tokens = Tokens(engine)
    assert len({made(tokens) for _ in range(20)}) == 20


def test_a_token_is_nowhere_in_the_files(engine: Engine, tmp_path: Path) -> None:
    text = made(Tokens(engine))
    engine.dispose()
    for file in tmp_path.iterdir():
        assert text.removeprefix("assent_").encode() not in file.read_bytes()


def test_all_tokens_are_listed_without_their_texts(engine: Engine) -> None:
    tokens = Tokens(engine)
    assert tokens.all() == []
    later = tokens.create("grafana", "member", at=2, author="ann@example.com").token
    first = tokens.create("deploy", "owner", at=1, author="ann@example.com").token
    assert tokens.all() == [first, later]


def test_a_revoked_token_speaks_for_nobody_and_others_go_on(engine: Engine) -> None:
    tokens = Tokens(engine)
    (token, text), other = tokens.create("deploy", "owner", at=1, author="ann@example.com"), made(tokens)
    assert tokens.revoke(token.id, at=2, author="bob@example.com") == token
    assert tokens.check(text) is None
    assert tokens.check(other) is not None
    with pytest.raises(NotFound):
        tokens.revoke(token.id, at=3, author="bob@example.com")


def test_making_and_revoking_is_on_the_trail(engine: Engine) -> None:
    tokens = Tokens(engine)
    token, text = tokens.create("deploy", "owner", at=1, author="ann@example.com")
    tokens.revoke(token.id, at=2, author="bob@example.com")
    revoked, created = Trail(engine).entries(10)
    assert (created.at, created.author, created.happening.action) == (1, "ann@example.com", "Token Created")
    assert (revoked.at, revoked.author, revoked.happening.action) == (2, "bob@example.com", "Token Revoked")
    assert created.happening.after == revoked.happening.before == {"name": "deploy", "role": "owner"}
    assert text not in repr([created, revoked])
