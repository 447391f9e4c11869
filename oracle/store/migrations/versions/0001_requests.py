"""Requests with their events, the outbox of transactions, and where proofs lie."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_PENDING = sa.text("state = 'pending'")


def upgrade() -> None:
    """The tables as they were before there were migrations."""
    op.create_table(
        "requests",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("deployment_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("body_hash", sa.String(64), nullable=False),
        sa.Column("idempotency_key", sa.String(255), nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("step", sa.String(32), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.Column("finished_at", sa.Float, nullable=True),
        sa.Column("result", sa.JSON, nullable=True),
        sa.Column("cause", sa.JSON, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_requests"),
        sa.UniqueConstraint("deployment_id", "idempotency_key", name="uq_requests_idempotency_key"),
    )
    op.create_index("ix_requests_subject", "requests", ["deployment_id", "kind", "subject", "created_at"])
    op.create_index("ix_requests_state", "requests", ["deployment_id", "state"])
    op.create_table(
        "request_events",
        sa.Column("seq", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_request_events"),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name="fk_request_events_request_id_requests"),
    )
    op.create_index("ix_request_events_request", "request_events", ["request_id", "seq"])
    op.create_table(
        "outbox",
        sa.Column("namespace", sa.String(64), nullable=False),
        sa.Column("chain", sa.String(100), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
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
        sa.PrimaryKeyConstraint("namespace", "chain", "key", name="pk_outbox"),
    )
    op.create_index(
        "uq_outbox_pending_nonce",
        "outbox",
        ["namespace", "chain", "sender", "nonce"],
        unique=True,
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    )
    op.create_table(
        "proofs",
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("circuit_id", sa.String(128), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("content_hash", "request_id", name="pk_proofs"),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name="fk_proofs_request_id_requests"),
    )
    op.create_index("ix_proofs_request", "proofs", ["request_id"])
