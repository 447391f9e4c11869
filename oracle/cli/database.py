"""What `plumbline db` does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from oracle.settings import Settings
from oracle.store import db, migrating


def schema(settings: Settings) -> dict[str, str]:
    """The database, its revision ("" before the first), and the newest."""
    with _opened(settings) as engine:
        return {"database": _shown(engine), "current": migrating.current(engine), "newest": migrating.newest()}


def upgrade_schema(settings: Settings) -> dict[str, str]:
    """The database, and its revisions before and now."""
    with _opened(settings) as engine:
        before, now = migrating.upgrade(engine)
        return {"database": _shown(engine), "before": before, "current": now}


@contextmanager
def _opened(settings: Settings) -> Iterator[Engine]:
    engine = db.open_engine(db.database_url(settings))
    try:
        yield engine
    except sa.exc.DBAPIError as error:
        raise db.database_error(error) from error
    finally:
        engine.dispose()


def _shown(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=True)
