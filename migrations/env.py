"""Alembic's environment: the schema of `app.models` on `ECHO_DATABASE_URL`."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

from app.database import engine
from app.models import Base

#: Any constant: two releases at the same time must take turns.
LOCK = 7_240_115

with engine().connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        context.run_migrations()
    connection.commit()
