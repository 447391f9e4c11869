"""A database of its own for each test, of each kind that ships."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from oracle.store.db import create_tables, open_engine, sqlite_url


@pytest.fixture(params=["sqlite", "postgresql"])
def any_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without tables."""
    if request.param == "sqlite":
        url = sqlite_url(tmp_path / "store" / "test.db")
    else:
        url = request.getfixturevalue("postgres").database()
    engine = open_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(any_engine: Engine) -> Engine:
    """A database with its tables."""
    create_tables(any_engine)
    return any_engine
