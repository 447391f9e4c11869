"""`plumbline doctor` on keys and database: against files, an Anvil and a PostgreSQL server that are really there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account
from pydantic import SecretStr

from oracle.chain.anvil import AnvilProcess
from oracle.cli.diagnosis.check import Check, Status
from oracle.cli.diagnosis.connections import check_chain, check_database
from oracle.cli.diagnosis.keys import check_keys
from oracle.settings import Settings
from oracle.store import migrating
from oracle.store.db import create_tables, open_engine, sqlite_url
from tests.support.market import settings_in
from tests.support.postgres import PostgresServer

PASSWORD = "a test's"


def of(found: list[Check], name: str) -> list[Status]:
    """How the checks of a name ended."""
    return [check.status for check in found if check.name == name]


@pytest.fixture(scope="module")
def rpc_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    process = AnvilProcess.start(settings_in(tmp_path_factory.mktemp("anvil")))
    yield process.rpc_url
    process.stop()


@pytest.mark.parametrize(("mode", "status"), [(0o600, Status.OK), (0o640, Status.BROKEN), (0o604, Status.BROKEN)])
def test_check_keys__file_of_some_mode__its_owner_alone_may_read(tmp_path: Path, mode: int, status: Status) -> None:
    keystore, password = tmp_path / "key.json", tmp_path / "password"
    account = Account.create()
    keystore.write_text(json.dumps(Account.encrypt(account.key, PASSWORD, kdf="pbkdf2", iterations=1)))
    password.write_text(PASSWORD)
    keystore.chmod(mode)
    password.chmod(0o600)
    found = list(check_keys(Settings(state_dir=tmp_path, keystore=keystore, keystore_password_file=password)))
    assert (of(found, "keystore"), of(found, "keystore password"), of(found, "key")) == (
        [status],
        [Status.OK],
        [Status.OK],
    )
    assert PASSWORD not in str(found)


def test_check_chain__keys_below_the_floor__broken_when_none_can_send(tmp_path: Path, rpc_url: str) -> None:
    settings = Settings(state_dir=tmp_path, rpc_url=rpc_url)
    poor = SecretStr("0x" + "5b" * 32)
    assert of(list(check_chain(settings)), "balance") == [Status.OK]
    one_poor = list(check_chain(settings.model_copy(update={"sender_keys": poor})))
    assert of(one_poor, "balance") == [Status.OK, Status.NOTE]
    all_poor = list(check_chain(settings.model_copy(update={"balance_floor_eth": 1e6})))
    assert of(all_poor, "balance") == [Status.BROKEN]
    unfunded = list(check_chain(settings.model_copy(update={"operator_key": poor, "balance_floor_eth": 0.0})))
    assert of(unfunded, "balance") == [Status.BROKEN]


def test_check_database__schema_of_some_revision__says_what_to_do(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    engine = open_engine(sqlite_url(tmp_path / "plumbline.db"))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE other_table (a INTEGER)")
    assert of(list(check_database(settings)), "schema") == [Status.NOTE]
    create_tables(engine)
    (schema,) = [check for check in check_database(settings) if check.name == "schema"]
    assert (schema.status, schema.detail) == (Status.OK, f"revision {migrating.newest()}")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'later'")
    engine.dispose()
    assert of(list(check_database(settings)), "schema") == [Status.BROKEN]


def test_check_database__postgresql__reachable_with_connections_left(postgres: PostgresServer, tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, database_url=postgres.database())
    found = list(check_database(settings))
    assert [(check.name, check.status) for check in found] == [
        ("database", Status.OK),
        ("schema", Status.NOTE),
        ("connections", Status.OK),
    ]
    gone = settings.model_copy(update={"database_url": postgres.url("nowhere")})
    assert [(check.name, check.status) for check in check_database(gone)] == [("database", Status.BROKEN)]
