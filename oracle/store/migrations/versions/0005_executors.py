"""The processes that run workflows, and what is deployed for those without the state folder."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Heartbeats and deployments."""
    op.create_table(
        "executors",
        sa.Column("executor_id", sa.String(128), nullable=False),
        sa.Column("application_version", sa.String(128), nullable=False),
        sa.Column("started_at", sa.Float, nullable=False),
        sa.Column("heard_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("executor_id", name="pk_executors"),
    )
    op.create_table(
        "deployments",
        sa.Column("chain_key", sa.String(100), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("saved_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("chain_key", name="pk_deployments"),
    )
    op.create_index("ix_executors_version", "executors", ["application_version", "heard_at"])
