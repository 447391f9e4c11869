"""The order book's log, its settled fills, and where each series stands on chain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Three new tables."""
    op.create_table(
        "book_entries",
        sa.Column("book", sa.String(160), nullable=False),
        sa.Column("series_id", sa.String(80), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("taken_at", sa.BigInteger, nullable=False),
        sa.Column("is_cancel", sa.Boolean, nullable=False),
        sa.Column("order", sa.JSON, nullable=False),
        sa.Column("order_key", sa.String(130), nullable=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("book", "series_id", "position", name="pk_book_entries"),
        sa.UniqueConstraint("book", "order_key", name="uq_book_entries_order_key"),
    )
    op.create_index("ix_book_entries_digest", "book_entries", ["book", "digest"])
    op.create_table(
        "book_fills",
        sa.Column("seq", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("book", sa.String(160), nullable=False),
        sa.Column("series_id", sa.String(80), nullable=False),
        sa.Column("taker_index", sa.BigInteger, nullable=False),
        sa.Column("maker_index", sa.BigInteger, nullable=False),
        sa.Column("fill", sa.JSON, nullable=False),
        sa.Column("tx_hash", sa.String(66), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_book_fills"),
        sa.UniqueConstraint("book", "series_id", "taker_index", "maker_index", name="uq_book_fills_indices"),
    )
    op.create_table(
        "book_settled",
        sa.Column("book", sa.String(160), nullable=False),
        sa.Column("series_id", sa.String(80), nullable=False),
        sa.Column("settled", sa.BigInteger, nullable=False),
        sa.Column("bids", sa.JSON, nullable=False),
        sa.Column("asks", sa.JSON, nullable=False),
        sa.Column("block", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("book", "series_id", name="pk_book_settled"),
    )
