"""Opening the store's database: SQLite or PostgreSQL by URL, brought up to the newest schema."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ClauseElement

NEWEST_SCHEMA = "0009"
"""The revision of the newest migration."""

_OVERWRITES_SINCE = "0008"
"""Databases of before do not overwrite what is deleted, so that it may still lie where nothing is."""

_READS_ONLY = "reads_only"
_MIGRATIONS = Path(__file__).parent / "migrations"


def open_database(url: str) -> Engine:
    """The engine of `url` (`sqlite:///path`, `postgresql+psycopg://...`), its schema migrated to the newest."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin)
    with engine.begin() as connection:
        before = _schema(connection)
        if before != NEWEST_SCHEMA:
            _migrate(connection)
    if before is not None and before < _OVERWRITES_SINCE and engine.dialect.name == "sqlite":
        _on_its_own(engine, "VACUUM")
    return engine


def purge(engine: Engine) -> bool:
    """Have nothing of what was deleted anywhere on disk; whether that is so. Somebody who reads may be in the way."""
    if engine.dialect.name != "sqlite":
        return True  # PostgreSQL keeps no pages of ours: its own vacuum sees to it
    busy, *_ = _on_its_own(engine, "PRAGMA wal_checkpoint(TRUNCATE)")
    return not busy


def rewrite(engine: Engine) -> None:
    """Write the database anew, without what SQLite leaves of moved rows in the gaps of its pages. Takes a while, in
    which nobody else can write."""
    if engine.dialect.name == "sqlite":
        _on_its_own(engine, "VACUUM")


def _on_its_own(engine: Engine, statement: str) -> Any:
    """Run a statement that no transaction may hold, on a connection that begins none; its first row."""
    with closing(engine.raw_connection()) as connection:
        return connection.driver_connection.execute(statement).fetchone()  # type: ignore[union-attr]


def _schema(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _migrate(connection: Connection) -> None:
    # Imported only where there is something to do: Alembic takes as long to import as all the rest of a start.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # `secure_delete`: what is overwritten or deleted is zeroed on disk, so that nobody who is forgotten stays behind.
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 10000", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A transaction that writes after it began by reading cannot wait for another writer, it fails: so each that may
    # write takes the lock at once.
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(_READS_ONLY) else "BEGIN IMMEDIATE")


def reading(engine: Engine) -> Connection:
    """A connection that only reads, as of one moment; nobody who writes waits for it, nor it for them."""
    return engine.connect().execution_options(**{_READS_ONLY: True})


def upsert(dialect: str, table: Table) -> Any:
    """An INSERT into `table` that can say what to do on a conflict, in a connection's dialect."""
    return (postgresql if dialect == "postgresql" else sqlite).insert(table)


def execute_many(connection: Connection, statement: ClauseElement, rows: Sequence[Mapping[str, Any]]) -> None:
    """Run an INSERT for each of these rows, which have all its columns.

    Past what SQLAlchemy does for each value, which for bytes takes longer than SQLite itself.
    """
    compiled = statement.compile(dialect=connection.dialect)
    names = getattr(compiled, "positiontup", None)
    values: Any = list(map(itemgetter(*names), rows)) if names else rows
    connection.exec_driver_sql(str(compiled), values)
