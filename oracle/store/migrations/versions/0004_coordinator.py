"""What the listener has seen of a coordinator."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Blocks followed, and requests made on chain."""
    op.create_table(
        "followed_blocks",
        sa.Column("deployment_id", sa.String(64), nullable=False),
        sa.Column("contract", sa.String(42), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(66), nullable=False),
        sa.PrimaryKeyConstraint("deployment_id", "contract", "number", name="pk_followed_blocks"),
    )
    op.create_table(
        "asked_inferences",
        sa.Column("deployment_id", sa.String(64), nullable=False),
        sa.Column("contract", sa.String(42), nullable=False),
        sa.Column("onchain_id", sa.BigInteger, nullable=False),
        sa.Column("block_hash", sa.String(66), nullable=False),
        sa.Column("block_number", sa.BigInteger, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("request_id", sa.String(64), nullable=True),
        sa.Column("seen_at", sa.Float, nullable=False),
        sa.Column("look_at", sa.Float, nullable=False),
        sa.Column("detail", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("deployment_id", "contract", "onchain_id", "block_hash", name="pk_asked_inferences"),
    )
    op.create_index("ix_asked_inferences_open", "asked_inferences", ["deployment_id", "contract", "state", "look_at"])
