"""What was asked of vendors and what it cost, breakers, and steps that wait for a vendor."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "llm_breakers",
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("key_digest", sa.String(length=16), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("open_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("vendor", "key_digest", name=op.f("pk_llm_breakers")),
    )
    op.create_table(
        "llm_calls",
        sa.Column("call_id", sa.UUID(), nullable=False),
        sa.Column("package_id", sa.UUID(), nullable=True),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("step_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("model", sa.String(length=96), nullable=False),
        sa.Column("prompt", sa.String(length=64), nullable=False),
        sa.Column("window", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=24), nullable=False),
        sa.Column("input_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("output_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cache_write_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cache_read_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cost", sa.Numeric(precision=16, scale=8), nullable=False),
        sa.Column("quotes", sa.Integer(), nullable=True),
        sa.Column("fabricated", sa.Integer(), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=True),
        sa.Column("request_id", sa.String(length=128), server_default="", nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["package_id"], ["packages.package_id"], name=op.f("fk_llm_calls_package_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_llm_calls")),
    )
    op.create_index(op.f("ix_llm_calls_package_id"), "llm_calls", ["package_id"], unique=False)
    op.create_index(op.f("ix_llm_calls_run_id"), "llm_calls", ["run_id"], unique=False)
    op.create_index(op.f("ix_llm_calls_step_id"), "llm_calls", ["step_id"], unique=False)
    op.create_index(op.f("ix_llm_calls_user_id_asked_at"), "llm_calls", ["user_id", "asked_at"], unique=False)
    op.add_column("steps", sa.Column("waits", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("steps", sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_steps_waiting",
        "steps",
        ["run_id"],
        unique=False,
        postgresql_where=sa.text("state = 'pending' AND not_before IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_steps_waiting", table_name="steps", postgresql_where=sa.text("state = 'pending' AND not_before IS NOT NULL")
    )
    op.drop_column("steps", "waiting_since")
    op.drop_column("steps", "waits")
    op.drop_index(op.f("ix_llm_calls_user_id_asked_at"), table_name="llm_calls")
    op.drop_index(op.f("ix_llm_calls_step_id"), table_name="llm_calls")
    op.drop_index(op.f("ix_llm_calls_run_id"), table_name="llm_calls")
    op.drop_index(op.f("ix_llm_calls_package_id"), table_name="llm_calls")
    op.drop_table("llm_calls")
    op.drop_table("llm_breakers")
