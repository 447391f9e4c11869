"""Migrations: to the schema that the code names, from nothing and from before, by many at once, never back."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import Engine

from oracle.errors import ConfigurationError
from oracle.store import migrating
from oracle.store.db import open_engine, outbox, proofs, request_events, requests
from tests.support.postgres import PostgresServer

OLD = (requests, request_events, outbox, proofs)


def differences(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), migrating.all_tables()))


def test_upgrade__empty_database__has_the_schema_of_the_code(any_engine: Engine) -> None:
    assert migrating.upgrade(any_engine) == ("", migrating.newest())
    assert differences(any_engine) == []
    assert migrating.upgrade(any_engine) == (migrating.newest(), migrating.newest())


def test_upgrade__database_from_before_migrations__keeps_its_rows(any_engine: Engine) -> None:
    migrating.all_tables().create_all(any_engine, tables=OLD)
    row = {"id": "a", "deployment_id": "d", "kind": "proof", "subject": "s", "body": {}, "body_hash": "h"}
    with any_engine.begin() as connection:
        connection.execute(sa.insert(requests).values(**row, state="accepted", created_at=1.0, updated_at=1.0))
    migrating.upgrade(any_engine)
    with any_engine.connect() as connection:
        assert connection.execute(sa.select(requests.c.id)).scalar_one() == "a"
    assert differences(any_engine) == []


def test_upgrade__many_at_once__one_migrates(postgres: PostgresServer) -> None:
    url, results = postgres.database(), []

    def upgrade() -> None:
        engine = open_engine(url)
        results.append(migrating.upgrade(engine))
        engine.dispose()

    threads = [threading.Thread(target=upgrade) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 6
    assert {after for _, after in results} == {migrating.newest()}


def test_upgrade__database_of_a_newer_version__refused_and_untouched(any_engine: Engine) -> None:
    migrating.upgrade(any_engine)
    with any_engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="9999"):
        migrating.upgrade(any_engine)
    assert migrating.current(any_engine) == "9999"


def test_newest__revisions__are_one_line() -> None:
    revisions = list(migrating.scripts().walk_revisions())
    assert [revision.down_revision for revision in revisions][-1] is None
    assert len(revisions) == len({revision.down_revision for revision in revisions})
