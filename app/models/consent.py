"""The consent ledger."""

from __future__ import annotations

from sqlalchemy import BigInteger, Identity, Index, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, Timestamp, UserId


class ConsentLedgerEntry(Base):
    """One event of the append-only ledger: a grant, or the revocation of one. Never updated, never deleted.

    `hash` covers the entry and `previous_hash`, the person's preceding entry, so that a changed or missing row shows.
    """

    __tablename__ = "consent_ledger"
    __table_args__ = (
        UniqueConstraint("user_id", "sequence"),
        UniqueConstraint("consent_token_id", "event"),
        Index(None, "user_id", "consent_token_id"),
    )

    entry_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[UserId]
    #: 1, 2, 3 ... per person.
    sequence: Mapped[int]
    #: "grant" or "revoke".
    event: Mapped[str] = mapped_column(String(16))
    consent_token_id: Mapped[Id]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String(128)))
    purpose: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[Timestamp | None]
    recorded_at: Mapped[Timestamp]
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
