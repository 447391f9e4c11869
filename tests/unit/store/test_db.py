"""Opening the database."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from oracle.errors import ConfigurationError, StorageFull
from oracle.settings import Settings
from oracle.store.db import create_tables, database_error, database_url, open_engine, outage, sqlite_url


def test_open_engine__sqlite__is_durable_and_lets_readers_in(tmp_path: Path) -> None:
    engine = open_engine(sqlite_url(tmp_path / "store" / "test.db"))
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_create_tables__again__changes_nothing(engine: Engine) -> None:
    create_tables(engine)
    assert set(sa.inspect(engine).get_table_names()) >= {"requests", "request_events", "outbox", "proofs"}


def test_create_tables__file_that_is_no_database__says_so(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("this is not a database, it is a text of more than sixteen bytes" * 20)
    engine = open_engine(sqlite_url(path))
    with pytest.raises(ConfigurationError, match="not a database"):
        create_tables(engine)
    engine.dispose()


@pytest.mark.parametrize("url", ["nonsense", "", "mysql+nodriver://host/db", "unknowndb://host/db"])
def test_open_engine__url_that_is_none__says_so(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_engine(url)


def test_open_engine__folder_is_a_file__says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be made"):
        open_engine(sqlite_url(tmp_path / "file" / "x" / "test.db"))


def test_database_error__disk_full__is_storage_full() -> None:
    error = sa.exc.OperationalError("INSERT", {}, Exception("database or disk is full"))
    assert isinstance(database_error(error), StorageFull)


def test_database_url__settings__theirs_or_a_file(tmp_path: Path) -> None:
    assert database_url(Settings(state_dir=tmp_path)) == f"sqlite:///{tmp_path}/plumbline.db"
    assert database_url(Settings(database_url="postgresql+psycopg://h/d")) == "postgresql+psycopg://h/d"


@pytest.mark.parametrize(
    ("cause", "passes"),
    [
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.CrashShutdown(), True),
        (psycopg.errors.CannotConnectNow(), True),
        (psycopg.errors.TooManyConnections(), True),
        (psycopg.errors.SerializationFailure(), True),
        (psycopg.OperationalError("server closed the connection unexpectedly"), True),
        (psycopg.errors.DiskFull(), False),
        (psycopg.errors.QueryCanceled(), False),
        (psycopg.errors.InvalidPassword(), False),
        (psycopg.errors.UniqueViolation(), False),
        (sqlite3.OperationalError("database is locked"), True),
        (sqlite3.OperationalError("no such table: requests"), False),
        (sqlite3.OperationalError("database or disk is full"), False),
    ],
)
def test_outage__driver_error__is_one_when_it_passes_by_itself(cause: Exception, passes: bool) -> None:
    assert (outage(sa.exc.DBAPIError("SELECT 1", {}, cause)) is not None) is passes


def test_outage__pool_is_empty__is_one() -> None:
    assert outage(sa.exc.TimeoutError("QueuePool limit reached")) is not None
    assert outage(ValueError("a fault")) is None
