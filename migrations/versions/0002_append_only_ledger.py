"""The consent ledger refuses change; features name their analyzer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Documents stored before this revision carry their analyzer in no other column; "" marks them.
    op.add_column("raw_features", sa.Column("analyzer", sa.String(length=64), nullable=False, server_default=""))
    op.alter_column("raw_features", "analyzer", server_default=None)
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
        END
        $$
        """
    )
    # Per statement: an UPDATE or DELETE is refused even where it would touch no row, and TRUNCATE has no rows.
    op.execute(
        """
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consent_ledger
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
        """
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER append_only ON consent_ledger")
    op.execute("DROP FUNCTION refuse_change()")
    op.drop_column("raw_features", "analyzer")
