"""What a person's texts are about, by package, and how that hangs together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "concepts",
        sa.Column("package_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("package_id", "name", name=op.f("pk_concepts")),
    )
    op.create_index(op.f("ix_concepts_user_id"), "concepts", ["user_id"], unique=False)
    op.create_table(
        "concept_relations",
        sa.Column("package_id", sa.UUID(), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("relation", sa.String(length=24), nullable=False),
        sa.Column("target", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("package_id", "source", "relation", "target", name=op.f("pk_concept_relations")),
    )
    op.create_index(op.f("ix_concept_relations_user_id"), "concept_relations", ["user_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_concept_relations_user_id"), table_name="concept_relations")
    op.drop_table("concept_relations")
    op.drop_index(op.f("ix_concepts_user_id"), table_name="concepts")
    op.drop_table("concepts")
