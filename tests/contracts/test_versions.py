"""The contract of versions: numbered, immutable, and never two with one number."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from databases import DATABASES
from sqlalchemy import Engine, insert, inspect, select, text

from assent.domain.errors import Conflict, NotFound
from assent.domain.workspace import Category, Consent, Destination, RuleOverrides, Source, Version, Workspace
from assent.store.database import NEWEST_SCHEMA, open_database
from assent.store.tables import counters, day_counters, hour_counters, metadata
from assent.store.versions import Versions

SHOP = Workspace(
    "Shop",
    Consent("strict", RuleOverrides(no_consent="deliver"), (Category("C0002", "Werbung ✓", False, ("ads",)),)),
    (Source("web", "key", enabled=False),),
    (Destination("ads", "Ads", connector="webhook", settings={"url": "http://x", "headers": {"a": "$stored:b"}}),),
)


@pytest.fixture(params=DATABASES)
def open_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Engine]]:
    engines: list[Engine] = []

    def open_one() -> Engine:
        engines.append(open_database(DATABASES[request.param](tmp_path)))
        return engines[-1]

    yield open_one
    for engine in engines:
        engine.dispose()


@pytest.fixture
def versions(open_engine: Callable[[], Engine]) -> Versions:
    return Versions(open_engine())


def test_before_the_first_there_is_none(versions: Versions) -> None:
    assert versions.current_number() == 0
    assert list(versions.numbers()) == []
    with pytest.raises(NotFound):
        versions.current()


def test_a_version_comes_back_as_it_was_saved(versions: Versions, open_engine: Callable[[], Engine]) -> None:
    saved = versions.save(SHOP, after=0, at=1_767_268_800_000, author="ann", comment="first ✓")
    assert saved == Version(1, SHOP, 1_767_268_800_000, "ann", "first ✓")
    assert versions.current() == versions.get(1) == Versions(open_engine()).current() == saved


def test_the_newest_is_in_force_and_the_others_stay_as_they_were(versions: Versions) -> None:
    for number in range(3):
        versions.save(Workspace(f"number {number}"), after=number, at=number, author="ann")
    assert versions.current_number() == 3
    assert list(versions.numbers()) == [3, 2, 1]
    assert [versions.get(number).workspace.workspace for number in (1, 2, 3)] == ["number 0", "number 1", "number 2"]
    with pytest.raises(NotFound, match="`4`"):
        versions.get(4)


@pytest.mark.parametrize("after", [0, 2, 7])
def test_who_did_not_see_the_newest_is_told(versions: Versions, after: int) -> None:
    versions.save(SHOP, after=0, at=0, author="ann")
    with pytest.raises(Conflict, match="version 1 by now"):
        versions.save(Workspace("other"), after=after, at=0, author="bob")
    assert versions.current().workspace == SHOP


def test_of_many_at_once_one_wins(versions: Versions, open_engine: Callable[[], Engine]) -> None:
    def save(own: Versions) -> bool:
        try:
            own.save(Workspace("mine"), after=0, at=0, author="ann")
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(save, [Versions(open_engine()) for _ in range(4)]))
    assert sorted(won) == [False, False, False, True]
    assert list(versions.numbers()) == [1]


def test_the_migrations_make_the_tables_that_the_code_uses(open_engine: Callable[[], Engine]) -> None:
    inspector = inspect(open_engine())
    assert set(inspector.get_table_names()) == {*metadata.tables, "alembic_version"}
    for name, table in metadata.tables.items():
        found = {column["name"]: column["nullable"] for column in inspector.get_columns(name)}
        assert found == {column.name: column.nullable for column in table.columns}
        assert {one["name"] for one in inspector.get_indexes(name)} >= {one.name for one in table.indexes}
        assert inspector.get_pk_constraint(name)["constrained_columns"] == [one.name for one in table.primary_key]


def test_counters_of_before_are_added_up_by_the_hour_and_the_day(open_engine: Callable[[], Engine]) -> None:
    minutes = [("crm", 60, 3), ("crm", 119, 4), ("crm", 120, 5), ("ads", 61, 6), ("crm", 24 * 60, 7)]
    of_holds = ("held_stretches", "rereads", "jobs", "drafts", "shadow_counters")
    of_people = ("regulations", "regulated", "told", "suppressions")
    since_then = (*of_holds, *of_people, "hour_counters", "day_counters", "event_day_counters")
    with open_engine().begin() as connection:
        for since in since_then:
            connection.execute(text(f"DROP TABLE {since}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
        for destination, minute, events in minutes:
            row = {"destination": destination, "minute": minute, "source": "web", "state": "delivered"}
            connection.execute(insert(counters).values(**row, reason="consented", events=events))
    with open_engine().connect() as connection:
        columns = (hour_counters.c.destination, hour_counters.c.hour, hour_counters.c.events)
        found = [tuple(row) for row in connection.execute(select(*columns))]
        columns = (day_counters.c.destination, day_counters.c.day, day_counters.c.events)
        by_day = [tuple(row) for row in connection.execute(select(*columns))]
    assert sorted(found) == [("ads", 1, 6), ("crm", 1, 7), ("crm", 2, 5), ("crm", 24, 7)]
    assert sorted(by_day) == [("ads", 0, 6), ("crm", 0, 12), ("crm", 1, 7)]


def test_the_newest_schema_is_that_of_the_last_migration(open_engine: Callable[[], Engine]) -> None:
    """The code names it, so that a start needs no look at the migrations."""
    with open_engine().connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == NEWEST_SCHEMA


def test_a_database_of_an_older_schema_is_brought_up_to_the_newest(open_engine: Callable[[], Engine]) -> None:
    with open_engine().begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        for table in metadata.tables:
            connection.execute(text(f"DROP TABLE {table}"))
    assert set(inspect(open_engine()).get_table_names()) == {*metadata.tables, "alembic_version"}
