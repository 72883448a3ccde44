"""The persona knowledge graph in PostgreSQL, and the outbox that feeds any graph store."""

from __future__ import annotations

from sqlalchemy import BigInteger, Identity, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, Json, Timestamp, UserId


class GraphNode(Base):
    """A node; its id is unique within the person's graph."""

    __tablename__ = "graph_nodes"

    user_id: Mapped[UserId] = mapped_column(primary_key=True)
    node_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: NodeLabel.
    label: Mapped[str] = mapped_column(String(32))
    properties: Mapped[Json]


class GraphEdge(Base):
    """An edge within one person's graph."""

    __tablename__ = "graph_edges"
    __table_args__ = (Index(None, "user_id", "target"),)

    user_id: Mapped[UserId] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: EdgeType.
    type: Mapped[str] = mapped_column(String(40), primary_key=True)
    target: Mapped[str] = mapped_column(String(255), primary_key=True)
    properties: Mapped[Json]


class GraphOutbox(Base):
    """A person whose graph must be projected again, written in the transaction that changed them."""

    __tablename__ = "graph_outbox"
    __table_args__ = (
        Index("ix_graph_outbox_open", "user_id", "entry_id", postgresql_where=text("applied_at IS NULL")),
    )

    entry_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[UserId]
    #: "decision", "merge" or "styles".
    cause: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[CreatedAt]
    applied_at: Mapped[Timestamp | None]
