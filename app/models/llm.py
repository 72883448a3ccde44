"""What was asked of vendors and what it cost: never what was said."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, Index, Integer, Numeric, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, Id, Timestamp, UserId


class LlmCall(Base):
    """One call: entered with its worst case before it is made, corrected to what it cost when it ended."""

    __tablename__ = "llm_calls"
    __table_args__ = (
        Index(None, "user_id", "asked_at"),
        Index(None, "run_id"),
        Index(None, "package_id"),
        Index(None, "step_id"),
        Index(None, "batch_id"),
    )

    call_id: Mapped[Id] = mapped_column(primary_key=True)
    #: What was spent stays spent when package, run and step are erased.
    package_id: Mapped[UUID | None] = mapped_column(
        PG_UUID(as_uuid=True), ForeignKey("packages.package_id", ondelete="SET NULL")
    )
    run_id: Mapped[Id]
    step_id: Mapped[Id]
    user_id: Mapped[UserId]
    vendor: Mapped[str] = mapped_column(String(32))
    #: As answered; as asked where there is no answer.
    model: Mapped[str] = mapped_column(String(96))
    #: Id and version.
    prompt: Mapped[str] = mapped_column(String(64))
    window: Mapped[int] = mapped_column(Integer)
    #: 0, or 1 for the repair of an answer in the wrong shape.
    attempt: Mapped[int] = mapped_column(SmallInteger)
    #: `Request.key`, by which its recording is found; empty for calls of before there was this column.
    question: Mapped[str] = mapped_column(String(64), server_default="")
    #: "open" while it is made, "batched" while it is part of a batch, "not_taken" where the vendor refused that batch,
    #: "answered", or the `VendorErrorKind`.
    outcome: Mapped[str] = mapped_column(String(24))
    input_tokens: Mapped[int] = mapped_column(Integer, server_default="0")
    output_tokens: Mapped[int] = mapped_column(Integer, server_default="0")
    cache_write_tokens: Mapped[int] = mapped_column(Integer, server_default="0")
    cache_read_tokens: Mapped[int] = mapped_column(Integer, server_default="0")
    #: US dollars, exactly; of an open call, the most that it can cost.
    cost: Mapped[Decimal] = mapped_column(Numeric(16, 8))
    #: Quotations in the answer, and those that are not in the person's text; null where none were judged.
    quotes: Mapped[int | None] = mapped_column(Integer)
    fabricated: Mapped[int | None] = mapped_column(Integer)
    milliseconds: Mapped[int | None] = mapped_column(Integer)
    #: The vendor's.
    request_id: Mapped[str] = mapped_column(String(128), server_default="")
    #: Whether it was part of a batch, at the price of batches.
    bulk: Mapped[bool] = mapped_column(Boolean, server_default="false")
    #: Of one that travelled so, the batch; it outlives the batch's row.
    batch_id: Mapped[UUID | None] = mapped_column(PG_UUID(as_uuid=True))
    asked_at: Mapped[CreatedAt]


class LlmBreaker(Base):
    """Whether a vendor is asked at all with a key, for all workers."""

    __tablename__ = "llm_breakers"

    vendor: Mapped[str] = mapped_column(String(32), primary_key=True)
    #: The beginning of its SHA-256.
    key_digest: Mapped[str] = mapped_column(String(16), primary_key=True)
    #: In a row.
    failures: Mapped[int] = mapped_column(Integer, server_default="0")
    #: Nobody asks before; null while all is well.
    open_until: Mapped[Timestamp | None]
    #: When a failure last opened it. Calls that began before tell nothing new.
    opened_at: Mapped[Timestamp | None]


class LlmBatch(Base):
    """A batch at a vendor; the row goes when the vendor's copy does."""

    __tablename__ = "llm_batches"

    batch_id: Mapped[Id] = mapped_column(primary_key=True)
    vendor: Mapped[str] = mapped_column(String(32))
    #: The vendor's id; empty until it is known.
    vendor_id: Mapped[str] = mapped_column(String(128), server_default="")
    #: "creating" before the vendor is asked, "open" while it works, "cancelling" when nobody wants an answer any more,
    #: "settled" when all is entered and only the vendor's copy is left.
    state: Mapped[str] = mapped_column(String(16))
    #: Questions in it.
    questions: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[CreatedAt]
    #: When to look at it next.
    poll_at: Mapped[Timestamp]


class LlmBatchItem(Base):
    """A question of a bulk run that has no answer yet. Its words are in the package's vault alone."""

    __tablename__ = "llm_batch_items"
    __table_args__ = (
        UniqueConstraint("step_id", "key"),
        Index(None, "package_id"),
        Index(None, "batch_id"),
        Index("ix_llm_batch_items_waiting", "created_at", postgresql_where=text("state = 'waiting'")),
    )

    item_id: Mapped[Id] = mapped_column(primary_key=True)
    package_id: Mapped[Id] = mapped_column(ForeignKey("packages.package_id", ondelete="CASCADE"))
    run_id: Mapped[Id]
    step_id: Mapped[Id] = mapped_column(ForeignKey("steps.step_id", ondelete="CASCADE"))
    user_id: Mapped[UserId]
    #: `Request.key`.
    key: Mapped[str] = mapped_column(String(64))
    #: Bytes of the question.
    size: Mapped[int] = mapped_column(Integer)
    #: "waiting" for a batch, "sent" with one, "failed" for good.
    state: Mapped[str] = mapped_column(String(16))
    #: Batches that it was in without an answer.
    tries: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    batch_id: Mapped[UUID | None] = mapped_column(
        PG_UUID(as_uuid=True), ForeignKey("llm_batches.batch_id", ondelete="SET NULL")
    )
    #: Of the ledger; its hexadecimal form is the vendor's `custom_id`.
    call_id: Mapped[UUID | None] = mapped_column(PG_UUID(as_uuid=True))
    #: Why it failed; of one that waits, why the batch that it was in was refused.
    reason: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    #: In no batch before this time.
    not_before: Mapped[Timestamp | None]
    created_at: Mapped[CreatedAt]
