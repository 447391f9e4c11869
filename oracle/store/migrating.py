"""Brings a database's schema up to this version's, by alembic's revisions in oracle.store.migrations.

Safe for any number of processes that start at once: one migrates, the others wait. A database that was made before
there were migrations is taken as revision 0001, which is what it holds.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import resources
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy.engine import Connection, Engine

import oracle.store
from oracle.errors import ConfigurationError
from oracle.store.db import metadata

BEFORE_MIGRATIONS: Final = "0001"
_OLD_TABLES: Final = frozenset({"requests", "request_events", "outbox", "proofs"})
# Any number, the same in every process: the name of PostgreSQL's advisory lock
_LOCK: Final = 0x706C756D62


@cache
def all_tables() -> sa.MetaData:
    """The metadata once every module of oracle.store has put its tables there."""
    for module in pkgutil.iter_modules(oracle.store.__path__):
        if not module.ispkg:
            importlib.import_module(f"oracle.store.{module.name}")
    return metadata


def newest() -> str:
    """The revision that this version of the service works with."""
    return str(scripts().get_current_head())


def current(engine: Engine) -> str:
    """The database's revision; empty before its first migration. Raises sqlalchemy's DBAPIError."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def upgrade(engine: Engine) -> tuple[str, str]:
    """The database's revisions before and after it was brought up to `newest`, all of it or nothing.

    Raises ConfigurationError for a database of a newer version of the service; sqlalchemy's DBAPIError.
    """
    logging.getLogger("alembic").setLevel(logging.WARNING)  # not its plugins and dialects, at each start
    if current(engine) == newest():  # without the lock: nobody takes a revision back
        return newest(), newest()
    with _locked(engine) as connection:
        before = MigrationContext.configure(connection).get_current_revision() or ""
        if before != newest():
            _run(connection, before)
    return before, newest()


def _run(connection: Connection, before: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    try:
        if not before and set(sa.inspect(connection).get_table_names()) >= _OLD_TABLES:
            command.stamp(config, BEFORE_MIGRATIONS)
        command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigurationError(
            f"the database is at revision {before!r}, which this version of plumbline does not know: {error}",
            remedy="install the version that migrated it, or a newer one; or restore the backup from before",
        ) from None


@contextmanager
def _locked(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other process migrates beside; what it did is undone when it fails."""
    with engine.connect() as connection, connection.begin():
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        elif engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        yield connection


@cache
def scripts() -> ScriptDirectory:
    """The revisions."""
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("oracle.store.migrations")).replace("%", "%%"))
    return config
