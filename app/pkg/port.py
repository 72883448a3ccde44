"""The port of the graph store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Connection

from app.pkg.graph import Graph


class GraphStore(Protocol):
    """Where persona knowledge graphs are kept; `tests/contract/test_graph_store.py` says what each store must do.

    `connection` is the caller's PostgreSQL transaction: a store within PostgreSQL takes part in it, others ignore it.
    Every method raises `StoreUnavailable` where the store does not answer.
    """

    def prepare(self) -> None:
        """Make what the store needs (constraints, indexes); harmless when repeated."""

    def replace(self, user_id: str, graph: Graph, connection: Connection | None = None) -> int:
        """Make this person's graph equal to `graph`, writing only what differs; nobody else's is touched.

        Returns:
            Nodes and edges that were written or removed; 0 where it was equal already.
        """

    def read(
        self,
        user_id: str,
        *,
        concept: str | None = None,
        category: str | None = None,
        depth: int = 2,
        connection: Connection | None = None,
    ) -> Graph:
        """The part of the person's graph that `Graph.selected` describes; empty where there is none."""

    def delete_user(self, user_id: str, connection: Connection | None = None) -> int:
        """Remove the person's graph; how many nodes and edges there were."""

    def digest(self, user_id: str, connection: Connection | None = None) -> str:
        """`Graph.digest` of the person's whole graph."""

    def search(self, user_id: str, needles: Sequence[str], connection: Connection | None = None) -> int:
        """Nodes and edges of the person whose id, or any property, contains any of the texts."""

    def count(self, user_id: str, connection: Connection | None = None) -> int:
        """Nodes and edges of the person."""
