"""Candidates, their evidence, and the person's decisions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Float, ForeignKey, Identity, Index, SmallInteger, String, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, Json, Timestamp, UserId


class ExtractedTraitCandidate(Base):
    """A proposed trait of one person, whatever number of packages it rests on."""

    __tablename__ = "candidates"
    __table_args__ = (Index(None, "user_id", "confidence_score"), Index(None, "user_id", "status"))

    #: UUIDv5 of user and trait key.
    candidate_id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[UserId]
    #: `Signal.key`.
    trait_key: Mapped[str] = mapped_column(String(255))
    trait_name: Mapped[str] = mapped_column(Text)
    trait_description: Mapped[str] = mapped_column(Text)
    trait_category: Mapped[str] = mapped_column(String(32))
    claim_kind: Mapped[str] = mapped_column(String(16))
    #: `shown` of `confidence`, for sorting.
    confidence_score: Mapped[float] = mapped_column(Float)
    #: {support, ceiling, trackRecord, shown, explain[]}.
    confidence: Mapped[Json]
    #: Order within the person's list, higher first.
    rank: Mapped[float] = mapped_column(Float)
    #: Of the strongest packages, as are the feature sets.
    originating_models: Mapped[list[str]] = mapped_column(ARRAY(Text))
    feature_set_ids: Mapped[list[UUID]] = mapped_column(ARRAY(PG_UUID(as_uuid=True)))
    #: CandidateStatus.
    status: Mapped[str] = mapped_column(String(32))
    #: `Totals` by claim kind over all `candidate_contributions`, of which `confidence` reads the strongest only.
    totals: Mapped[Json] = mapped_column(server_default="{}")
    #: Set where new counter-evidence arrived after the person's decision.
    new_evidence_against: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[Timestamp]
    updated_at: Mapped[Timestamp]


class CandidateContribution(Base):
    """What one package contributes to a candidate, so that it can be combined with others and taken out again."""

    __tablename__ = "candidate_contributions"
    __table_args__ = (Index(None, "candidate_id", "weight", "package_id"), Index(None, "package_id"))

    candidate_id: Mapped[Id] = mapped_column(
        ForeignKey("candidates.candidate_id", ondelete="CASCADE"), primary_key=True
    )
    package_id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[UserId]
    #: `Contribution.as_json`: figures and our own words.
    contribution: Mapped[Json]
    #: `Contribution.weight`: the strongest are read first.
    weight: Mapped[float] = mapped_column(Float)


class EvidenceSnippet(Base):
    """Locator and digest of one passage; the passage itself is cut from the text layer when it is shown."""

    __tablename__ = "evidence"
    __table_args__ = (Index(None, "candidate_id", "counter", "position", "evidence_id"), Index(None, "package_id"))

    #: UUIDv5 of candidate, package, layer and range.
    evidence_id: Mapped[Id] = mapped_column(primary_key=True)
    candidate_id: Mapped[Id] = mapped_column(ForeignKey("candidates.candidate_id", ondelete="CASCADE"))
    user_id: Mapped[UserId]
    package_id: Mapped[Id]
    #: True where it speaks against the candidate.
    counter: Mapped[bool]
    #: Order of showing.
    position: Mapped[int] = mapped_column(SmallInteger)
    #: "text_quote", "audio_segment" or "image_region".
    type: Mapped[str] = mapped_column(String(32))
    text_layer_id: Mapped[UUID | None] = mapped_column(PG_UUID(as_uuid=True))
    #: charStart, charEnd, textLayer, startTime, endTime, page, box: those that apply.
    locator: Mapped[Json]
    #: Of the passage; empty for recordings without a transcript.
    sha256: Mapped[str] = mapped_column(String(64))
    #: A word of ours on what is heard or seen there.
    label: Mapped[str] = mapped_column(String(64))
    #: How it was proven: "exact" or "whitespace".
    verified_by: Mapped[str] = mapped_column(String(16))


class UserRefinedTrait(Base):
    """One decision of the person. Append-only."""

    __tablename__ = "decisions"
    __table_args__ = (Index(None, "user_id", "sequence"), Index(None, "original_candidate_id"))

    refinement_action_id: Mapped[Id] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    user_id: Mapped[UserId]
    trait_id_in_pkg: Mapped[UUID | None] = mapped_column(PG_UUID(as_uuid=True))
    original_candidate_id: Mapped[UUID | None] = mapped_column(PG_UUID(as_uuid=True))
    #: UserDecision.
    user_decision: Mapped[str] = mapped_column(String(32))
    refined_trait_name: Mapped[str | None] = mapped_column(Text)
    refined_trait_description: Mapped[str | None] = mapped_column(Text)
    refined_trait_category: Mapped[str | None] = mapped_column(String(32))
    #: 1 to 5.
    user_confidence_rating: Mapped[int | None] = mapped_column(SmallInteger)
    customization_notes: Mapped[str | None] = mapped_column(Text)
    rejection_reason: Mapped[str | None] = mapped_column(Text)
    linked_evidence_override: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    #: The decision that this one takes back; undoing is itself a decision.
    undoes: Mapped[UUID | None] = mapped_column(PG_UUID(as_uuid=True))
    action_timestamp: Mapped[Timestamp]


class SettledTrait(Base):
    """What the person settled on: the current reading of the decision log."""

    __tablename__ = "settled_traits"
    __table_args__ = (Index(None, "user_id"),)

    trait_id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[UserId]
    candidate_id: Mapped[UUID | None] = mapped_column(PG_UUID(as_uuid=True), unique=True)
    trait_name: Mapped[str] = mapped_column(Text)
    trait_description: Mapped[str] = mapped_column(Text)
    trait_category: Mapped[str] = mapped_column(String(32))
    #: TraitOrigin.
    origin: Mapped[str] = mapped_column(String(32))
    #: TraitStatus.
    status: Mapped[str] = mapped_column(String(32))
    user_confidence_rating: Mapped[int | None] = mapped_column(SmallInteger)
    customization_notes: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Timestamp]
    updated_at: Mapped[Timestamp]


class CommunicationStyles(Base):
    """Style preferences that the person set."""

    __tablename__ = "communication_styles"

    user_id: Mapped[UserId] = mapped_column(primary_key=True)
    preferences: Mapped[Json]
    updated_at: Mapped[Timestamp]
