"""`plumbline db`: where the schema is, and to the newest."""

from __future__ import annotations

from pathlib import Path

from oracle.cli.database import schema, upgrade_schema
from oracle.settings import Settings
from oracle.store import migrating


def test_upgrade_schema__fresh_folder__is_the_newest(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    assert schema(settings)["current"] == ""
    assert upgrade_schema(settings)["before"] == ""
    assert schema(settings)["current"] == migrating.newest()


def test_schema__password_in_the_url__is_not_shown(postgres: object, tmp_path: Path) -> None:
    url = postgres.database().replace("plumbline@", "plumbline:hunter2@")  # type: ignore[attr-defined]
    assert "hunter2" not in str(schema(Settings(state_dir=tmp_path, database_url=url)))
