"""Runs and steps: the truth about every analysis. A message is a hint, the row decides."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, ForeignKey, Identity, Index, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, Id, Timestamp, UserId


class Run(Base):
    """One analysis of one package."""

    __tablename__ = "runs"
    __table_args__ = (
        Index("ix_runs_open", "user_id", "sequence", postgresql_where=text("state IN ('queued', 'running')")),
        Index(None, "package_id", "sequence"),
        Index(None, "user_id", "sequence"),
    )

    run_id: Mapped[Id] = mapped_column(primary_key=True)
    #: Grows with every run; later analyses overwrite earlier ones, never the other way round.
    sequence: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    package_id: Mapped[Id] = mapped_column(ForeignKey("packages.package_id", ondelete="CASCADE"))
    user_id: Mapped[UserId]
    consent_token_id: Mapped[Id]
    #: RunStatus.
    state: Mapped[str] = mapped_column(String(16))
    #: Phase.
    phase: Mapped[str] = mapped_column(String(16))
    reason: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[CreatedAt]
    #: When it was last handed to the broker; null while it waits for its turn.
    dispatched_at: Mapped[Timestamp | None]
    dispatches: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    #: When anything of it last moved.
    moved_at: Mapped[Timestamp]
    finished_at: Mapped[Timestamp | None]
    cancel_requested: Mapped[bool] = mapped_column(Boolean, server_default="false")
    #: Whether vendors are asked in batches, at half the price and within a day.
    bulk: Mapped[bool] = mapped_column(Boolean, server_default="false")


class Step(Base):
    """One analyzer within one run."""

    __tablename__ = "steps"
    __table_args__ = (
        UniqueConstraint("run_id", "analyzer"),
        Index(None, "package_id"),
        Index("ix_steps_waiting", "run_id", postgresql_where=text("state = 'pending' AND not_before IS NOT NULL")),
    )

    step_id: Mapped[Id] = mapped_column(primary_key=True)
    run_id: Mapped[Id] = mapped_column(ForeignKey("runs.run_id", ondelete="CASCADE"))
    package_id: Mapped[Id]
    user_id: Mapped[UserId]
    analyzer: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(32))
    #: Phase.
    phase: Mapped[str] = mapped_column(String(16))
    #: Queue.
    queue: Mapped[str] = mapped_column(String(16))
    #: Modality.
    modality: Mapped[str] = mapped_column(String(16))
    #: The header task it travels in.
    lane: Mapped[str] = mapped_column(String(80))
    #: Consent scope.
    scope: Mapped[str] = mapped_column(String(128))
    #: StepStatus.
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    #: Fence: whoever holds the newest token may write the result.
    token: Mapped[UUID | None] = mapped_column(PG_UUID(as_uuid=True))
    #: Not to be begun before this time; delays live here and never in a message.
    not_before: Mapped[Timestamp | None]
    #: Times that a vendor could not answer; not attempts, since no worker died of it.
    waits: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    #: When it was first put off.
    waiting_since: Mapped[Timestamp | None]
    reason: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    processing_time_ms: Mapped[int | None]
    feature_set_id: Mapped[UUID | None] = mapped_column(PG_UUID(as_uuid=True))
    started_at: Mapped[Timestamp | None]
    finished_at: Mapped[Timestamp | None]
