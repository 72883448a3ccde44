"""RawAnalysisFeatures in PostgreSQL, the default raw feature store."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, Json, Timestamp, UserId


class RawAnalysisFeatures(Base):
    """One document per (package, analyzer, version): counts, scores and locators, never passages."""

    __tablename__ = "raw_features"
    __table_args__ = (Index(None, "source_package_id"), Index(None, "user_id", "timestamp"))

    #: UUIDv5 of package, analyzer and version.
    feature_set_id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[UserId]
    source_package_id: Mapped[Id]
    modality: Mapped[str] = mapped_column(String(24))
    #: Catalog name of the analyzer.
    analyzer: Mapped[str] = mapped_column(String(64))
    model_name_or_type: Mapped[str] = mapped_column(String(255))
    #: Version of the analyzer.
    model_version: Mapped[str] = mapped_column(String(64))
    extracted_features: Mapped[Json]
    timestamp: Mapped[Timestamp]
    processing_time_ms: Mapped[int]
    status: Mapped[str] = mapped_column(String(24))
    error_details: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    #: Run sequence and attempt; a document is only replaced by one with the same or a higher fence.
    fence: Mapped[int] = mapped_column(BigInteger)
