"""What a person's texts are about, by package, and how that hangs together."""

from __future__ import annotations

from sqlalchemy import Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, UserId


class Concept(Base):
    """A concept that a package's own words show in several places."""

    __tablename__ = "concepts"
    __table_args__ = (Index(None, "user_id"),)

    package_id: Mapped[Id] = mapped_column(primary_key=True)
    #: A term, folded as in trait keys.
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    user_id: Mapped[UserId]
    #: Paragraphs or messages that show it.
    places: Mapped[int] = mapped_column(Integer)


class ConceptRelation(Base):
    """How a package's text relates two of its concepts."""

    __tablename__ = "concept_relations"
    __table_args__ = (Index(None, "user_id"),)

    package_id: Mapped[Id] = mapped_column(primary_key=True)
    #: Names of `concepts` of the same package.
    source: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: RelationKind.
    relation: Mapped[str] = mapped_column(String(24), primary_key=True)
    target: Mapped[str] = mapped_column(String(255), primary_key=True)
    user_id: Mapped[UserId]
