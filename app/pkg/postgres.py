"""The persona knowledge graph in PostgreSQL, the store that needs nothing else.

One person's graph is hundreds of nodes, not millions: it is read whole by one statement and searched in memory.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, null, or_, select, text, tuple_, union_all
from sqlalchemy.dialects.postgresql import insert

from app.database import within
from app.models import GraphEdge, GraphNode
from app.pkg.difference import Difference, difference, mentions
from app.pkg.graph import Edge, Graph, Node
from app.vocabulary import EdgeType, NodeLabel

_NODES = GraphNode.__table__.c
_EDGES = GraphEdge.__table__.c


class PostgresGraphStore:
    """`GraphStore` over the tables `graph_nodes` and `graph_edges`."""

    def prepare(self) -> None:
        """Nothing to do: migrations make the tables and their indexes."""

    def replace(self, user_id: str, graph: Graph, connection: Connection | None = None) -> int:
        """See `GraphStore.replace`; seven statements at most, and two where nothing differs."""
        with within(connection) as held:
            held.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"graph:{user_id}"})
            old = _whole(held, user_id)
            change = difference(old, graph)
            _replace_nodes(held, user_id, change)
            _replace_edges(held, user_id, change)
            return change.size

    def read(
        self,
        user_id: str,
        *,
        concept: str | None = None,
        category: str | None = None,
        depth: int = 2,
        connection: Connection | None = None,
    ) -> Graph:
        """See `GraphStore.read`."""
        with within(connection) as held:
            whole = _whole(held, user_id)
        return whole.selected(concept=concept, category=category, depth=depth)

    def delete_user(self, user_id: str, connection: Connection | None = None) -> int:
        """See `GraphStore.delete_user`."""
        with within(connection) as held:
            edges = held.execute(delete(GraphEdge).where(_EDGES.user_id == user_id)).rowcount
            nodes = held.execute(delete(GraphNode).where(_NODES.user_id == user_id)).rowcount
        return edges + nodes

    def digest(self, user_id: str, connection: Connection | None = None) -> str:
        """See `GraphStore.digest`."""
        with within(connection) as held:
            return _whole(held, user_id).digest()

    def search(self, user_id: str, needles: Sequence[str], connection: Connection | None = None) -> int:
        """See `GraphStore.search`."""
        with within(connection) as held:
            return mentions(_whole(held, user_id), needles)

    def count(self, user_id: str, connection: Connection | None = None) -> int:
        """See `GraphStore.count`."""
        with within(connection) as held:
            return sum(
                held.execute(select(func.count()).where(column == user_id)).scalar_one()
                for column in (_NODES.user_id, _EDGES.user_id)
            )


def _whole(connection: Connection, user_id: str) -> Graph:
    """The person's graph in one statement, and thus in one snapshot: never an edge without its nodes."""
    rows = connection.execute(
        union_all(
            select(
                _NODES.node_id.label("source"), _NODES.label.label("kind"), null().label("target"), _NODES.properties
            ).where(_NODES.user_id == user_id),
            select(_EDGES.source, _EDGES.type, _EDGES.target, _EDGES.properties).where(_EDGES.user_id == user_id),
        )
    ).all()
    return Graph(
        tuple(Node(row.source, NodeLabel(row.kind), row.properties) for row in rows if row.target is None),
        tuple(
            Edge(row.source, EdgeType(row.kind), row.target, row.properties) for row in rows if row.target is not None
        ),
    )


def _replace_nodes(connection: Connection, user_id: str, change: Difference) -> None:
    if change.gone_nodes:
        connection.execute(delete(GraphNode).where(_NODES.user_id == user_id, _NODES.node_id.in_(change.gone_nodes)))
        ends = or_(_EDGES.source.in_(change.gone_nodes), _EDGES.target.in_(change.gone_nodes))
        connection.execute(delete(GraphEdge).where(_EDGES.user_id == user_id, ends))
    if change.nodes:
        statement = insert(GraphNode)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["user_id", "node_id"],
                set_={"label": statement.excluded.label, "properties": statement.excluded.properties},
            ),
            [
                {
                    "user_id": user_id,
                    "node_id": node.id,
                    "label": str(node.label),
                    "properties": dict(node.properties),
                }
                for node, _ in change.nodes
            ],
        )


def _replace_edges(connection: Connection, user_id: str, change: Difference) -> None:
    if change.gone_edges:
        key = tuple_(_EDGES.source, _EDGES.type, _EDGES.target)
        gone = [edge.key for edge in change.gone_edges]
        connection.execute(delete(GraphEdge).where(_EDGES.user_id == user_id, key.in_(gone)))
    if change.edges:
        statement = insert(GraphEdge)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["user_id", "source", "type", "target"],
                set_={"properties": statement.excluded.properties},
            ),
            [
                {
                    "user_id": user_id,
                    "source": edge.source,
                    "type": str(edge.type),
                    "target": edge.target,
                    "properties": dict(edge.properties),
                }
                for edge, _ in change.edges
            ],
        )
