"""Who read a person's data: ids and purposes, shown to that person."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, String
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, UserId


class AccessLogEntry(Base):
    """One reading of a person's data. Append-only."""

    __tablename__ = "access_log"
    __table_args__ = (Index(None, "user_id", "entry_id"),)

    entry_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    #: Whose data.
    user_id: Mapped[UserId]
    #: Who read: a token's `sub`, "worker:<queue>" or "operator".
    actor: Mapped[str] = mapped_column(String(160))
    #: What was done: AccessAction.
    action: Mapped[str] = mapped_column(String(32))
    #: Why: an analyzer lane, or the route.
    purpose: Mapped[str] = mapped_column(String(160))
    package_id: Mapped[UUID | None] = mapped_column(PG_UUID(as_uuid=True))
    recorded_at: Mapped[CreatedAt]
