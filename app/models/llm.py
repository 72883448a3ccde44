"""What was asked of vendors and what it cost: never what was said."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, Numeric, SmallInteger, String
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
    #: "open" while it is made, "answered", or the `VendorErrorKind`.
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
