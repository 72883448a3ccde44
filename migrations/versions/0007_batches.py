"""Questions that travel to vendors in batches, and runs that ask so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "llm_batches",
        sa.Column("batch_id", sa.UUID(), nullable=False),
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("vendor_id", sa.String(length=128), server_default="", nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("questions", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("poll_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_llm_batches")),
    )
    op.create_table(
        "llm_batch_items",
        sa.Column("item_id", sa.UUID(), nullable=False),
        sa.Column("package_id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("step_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("batch_id", sa.UUID(), nullable=True),
        sa.Column("call_id", sa.UUID(), nullable=True),
        sa.Column("reason", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["llm_batches.batch_id"], name=op.f("fk_llm_batch_items_batch_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["package_id"], ["packages.package_id"], name=op.f("fk_llm_batch_items_package_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["step_id"], ["steps.step_id"], name=op.f("fk_llm_batch_items_step_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_llm_batch_items")),
        sa.UniqueConstraint("step_id", "key", name=op.f("uq_llm_batch_items_step_id_key")),
    )
    op.create_index(op.f("ix_llm_batch_items_batch_id"), "llm_batch_items", ["batch_id"], unique=False)
    op.create_index(op.f("ix_llm_batch_items_package_id"), "llm_batch_items", ["package_id"], unique=False)
    op.create_index(
        "ix_llm_batch_items_waiting",
        "llm_batch_items",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.add_column("llm_calls", sa.Column("bulk", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("llm_calls", sa.Column("batch_id", sa.UUID(), nullable=True))
    op.add_column("llm_calls", sa.Column("question", sa.String(length=64), server_default="", nullable=False))
    op.create_index(op.f("ix_llm_calls_batch_id"), "llm_calls", ["batch_id"], unique=False)
    op.add_column("llm_breakers", sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("runs", sa.Column("bulk", sa.Boolean(), server_default="false", nullable=False))


def downgrade() -> None:
    op.drop_column("runs", "bulk")
    op.drop_column("llm_breakers", "opened_at")
    op.drop_index(op.f("ix_llm_calls_batch_id"), table_name="llm_calls")
    op.drop_column("llm_calls", "question")
    op.drop_column("llm_calls", "batch_id")
    op.drop_column("llm_calls", "bulk")
    op.drop_index(
        "ix_llm_batch_items_waiting", table_name="llm_batch_items", postgresql_where=sa.text("state = 'waiting'")
    )
    op.drop_index(op.f("ix_llm_batch_items_package_id"), table_name="llm_batch_items")
    op.drop_index(op.f("ix_llm_batch_items_batch_id"), table_name="llm_batch_items")
    op.drop_table("llm_batch_items")
    op.drop_table("llm_batches")
