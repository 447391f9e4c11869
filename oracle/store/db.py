"""The database: tables, and an engine tuned for the kind of database behind the URL."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine

from oracle.errors import ConfigurationError, DatabaseUnavailable, StorageFull
from oracle.settings import Settings

DATABASE_NAME: Final = "plumbline.db"
BUSY_TIMEOUT_MS: Final = 30_000
# Of one process on PostgreSQL at most: two engines, ours and the workflows', with SQLAlchemy's pools of 5 and 10 more
CONNECTIONS: Final = 2 * 15
# PostgreSQL, appendix A: too_many_connections, admin_shutdown, crash_shutdown, cannot_connect_now,
# idle_in_transaction_session_timeout, serialization_failure, deadlock_detected
_PASSING_STATES: Final = frozenset({"53300", "57P01", "57P02", "57P03", "25P03", "40001", "40P01"})

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    }
)

# One row for each accepted request: a feed's round, a price, or a proof that somebody asked for
requests = sa.Table(
    "requests",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("deployment_id", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("subject", sa.String(128), nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("body_hash", sa.String(64), nullable=False),
    sa.Column("idempotency_key", sa.String(255), nullable=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("step", sa.String(32), nullable=False, default=""),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.Column("finished_at", sa.Float, nullable=True),
    sa.Column("result", sa.JSON, nullable=True),
    sa.Column("cause", sa.JSON, nullable=True),
    sa.UniqueConstraint("deployment_id", "idempotency_key", name="uq_requests_idempotency_key"),
    sa.Index("ix_requests_subject", "deployment_id", "kind", "subject", "created_at"),
    sa.Index("ix_requests_state", "deployment_id", "state"),
)

# What happened to a request, in order; server-sent events are read from here, so they survive a restart
request_events = sa.Table(
    "request_events",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("request_id", sa.String(64), sa.ForeignKey("requests.id"), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("event", sa.String(32), nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Index("ix_request_events_request", "request_id", "seq"),
)

# Transactions, on disk before they are on the wire (oracle/domain/outbox.py)
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("namespace", sa.String(64), primary_key=True),
    sa.Column("chain", sa.String(100), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("sender", sa.String(42), nullable=False),
    sa.Column("to", sa.String(42), nullable=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("value", sa.String(80), nullable=False),
    sa.Column("gas", sa.BigInteger, nullable=False),
    sa.Column("nonce", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.JSON, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("tx_hash", sa.LargeBinary, nullable=True),
    sa.Column("block_number", sa.BigInteger, nullable=True),
    sa.Column("block_hash", sa.LargeBinary, nullable=True),
    sa.Column("revision", sa.Integer, nullable=False),
)
_PENDING: Final = outbox.c.state == "pending"
sa.Index(
    "uq_outbox_pending_nonce",
    outbox.c.namespace,
    outbox.c.chain,
    outbox.c.sender,
    outbox.c.nonce,
    unique=True,
    sqlite_where=_PENDING,
    postgresql_where=_PENDING,
)

# Where each proof lies in the artifact store, and what it is for
proofs = sa.Table(
    "proofs",
    metadata,
    sa.Column("content_hash", sa.String(64), primary_key=True),
    sa.Column("request_id", sa.String(64), sa.ForeignKey("requests.id"), primary_key=True),
    sa.Column("circuit_id", sa.String(128), nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Index("ix_proofs_request", "request_id"),
)


def database_url(settings: Settings) -> str:
    """The SQLAlchemy URL of the settings: theirs, or a SQLite file in state_dir."""
    return settings.database_url or sqlite_url(settings.state_dir / DATABASE_NAME)


def sqlite_url(path: Path) -> str:
    """The SQLAlchemy URL of a SQLite file."""
    return f"sqlite:///{path}"


def open_engine(url: str) -> Engine:
    """An engine for the URL; for SQLite its folder is made, and the file is in WAL mode with writers in turn.

    Raises ConfigurationError for a URL that is none, or whose database cannot be opened.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise ConfigurationError(
            f"the database URL cannot be read: {error}", remedy="set PLUMBLINE_DATABASE_URL"
        ) from None
    if parsed.get_backend_name() != "sqlite":
        return _create(parsed, pool_pre_ping=True)
    if parsed.database and parsed.database != ":memory:":
        make_folder(Path(parsed.database).parent)
    engine = _create(parsed)
    event.listen(engine, "connect", _configure_sqlite)
    return engine


def _create(url: sa.URL, **options: Any) -> Engine:
    try:
        return sa.create_engine(url, **options)
    except (sa.exc.ArgumentError, ModuleNotFoundError) as error:
        raise ConfigurationError(f"no driver for the database {url.drivername}: {error}") from None


def _configure_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = "IMMEDIATE"
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def create_tables(engine: Engine) -> None:
    """Brings the tables up to this version. Raises ConfigurationError when the database does not answer, or is none."""
    from oracle.store import migrating  # noqa: PLC0415  it needs this module's metadata

    try:
        migrating.upgrade(engine)
    except sa.exc.DBAPIError as error:
        raise database_error(error) from error


def database_error(error: sa.exc.DBAPIError) -> ConfigurationError | StorageFull:
    """What a failed statement means for whoever runs the service."""
    text = str(error.orig)
    if "disk is full" in text or "No space left" in text:
        return StorageFull(f"the database's disk is full: {text}", remedy="free space; nothing was half-written")
    return ConfigurationError(
        f"the database cannot be used: {text}", remedy="see PLUMBLINE_DATABASE_URL and the file's rights"
    )


def outage(error: BaseException) -> DatabaseUnavailable | None:
    """The error as an outage, where the same statement is worth repeating; None where it is the statement's own fault.

    A commit whose answer was lost counts too: whoever repeats must find out that it was done.
    """
    if isinstance(error, sa.exc.TimeoutError):  # no connection of the pool came free
        return DatabaseUnavailable(f"the database's connections are all in use: {error}")
    if not isinstance(error, sa.exc.DBAPIError):
        return None
    cause = error.orig
    if error.connection_invalidated or _passes(cause):
        return DatabaseUnavailable(f"the database does not answer: {str(cause).strip()}")
    return None


def _passes(cause: BaseException | None) -> bool:
    """Whether a driver's error passes by itself."""
    text, code = str(cause), getattr(cause, "sqlstate", None) or ""
    if isinstance(cause, sqlite3.OperationalError):
        return "locked" in text or "busy" in text
    if code:  # broken connections, too many of them, a restart, a deadlock or a serialisation conflict
        return code[:2] == "08" or code in _PASSING_STATES
    return type(cause).__name__ in {"OperationalError", "InterfaceError", "ConnectionTimeout"}


def make_folder(folder: Path) -> None:
    """Makes a folder and its parents. Raises ConfigurationError where that is not allowed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"the folder {folder} cannot be made: {error.strerror}") from None
