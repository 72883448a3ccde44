"""Erasures: what was asked for, how far it is, and the receipt. No personal content outlasts the receipt."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Index, LargeBinary, SmallInteger, String, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, Id, Json, Timestamp, UserId


class Erasure(Base):
    """One erasure of packages, or of all that is known of a person."""

    __tablename__ = "erasures"
    __table_args__ = (
        Index(None, "user_id", "requested_at"),
        Index("ix_erasures_open", "moved_at", postgresql_where=text("state <> 'done'")),
    )

    erasure_id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[UserId]
    #: ErasureScope: package, consent, user, retention, restore.
    scope: Mapped[str] = mapped_column(String(16))
    package_ids: Mapped[list[UUID]] = mapped_column(ARRAY(PG_UUID(as_uuid=True)))
    #: Runs of those packages, whose lanes must have come to rest.
    run_ids: Mapped[list[UUID]] = mapped_column(ARRAY(PG_UUID(as_uuid=True)))
    #: Whether settled traits that rest on nothing else stay, as the person's own.
    keep_settled: Mapped[bool] = mapped_column(Boolean, server_default="false")
    #: ErasureState: queued, running, done.
    state: Mapped[str] = mapped_column(String(16))
    #: Last stage that ended; the next attempt goes on after it.
    stage: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    #: Counts by store: {"store": {"before": n, "after": n}}.
    counts: Mapped[Json] = mapped_column(server_default="{}")
    #: What is searched for at the end, encrypted; gone with the receipt.
    canaries: Mapped[bytes | None] = mapped_column(LargeBinary)
    requested_at: Mapped[CreatedAt]
    moved_at: Mapped[Timestamp]
    finished_at: Mapped[Timestamp | None]
    #: Why the last attempt did not end; our own words.
    reason: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    #: As it was signed.
    receipt: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    #: Compact JWS over the receipt.
    signature: Mapped[str | None] = mapped_column(Text)
