"""The persona knowledge graph: a port and its implementations."""

from __future__ import annotations

from app.errors import Misconfigured
from app.pkg.graph import Edge, Graph, Node, Property
from app.pkg.port import GraphStore
from app.pkg.postgres import PostgresGraphStore
from config.settings import settings

__all__ = ["Edge", "Graph", "GraphStore", "Node", "Property", "graph_store"]


def graph_store() -> GraphStore:
    """The store that `ECHO_GRAPH_URL` names.

    Raises:
        Misconfigured: there is no such store.
    """
    url = settings().graph_url.get_secret_value()
    if not url:
        return PostgresGraphStore()
    scheme = url.partition("://")[0]
    raise Misconfigured(f"ECHO_GRAPH_URL: no graph store is named {scheme!r}; leave it empty for PostgreSQL")
