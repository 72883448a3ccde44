"""The persona knowledge graph in a store that speaks Gremlin over WebSocket: Neptune, and TinkerPop's own server.

A vertex has the NodeLabel as label and `userID` and `id` among its properties; a person with a graph has one vertex
`PersonaGraph` besides, whose `digest` writers set first, so that two of them collide, and readers compare (see
`app.pkg.cypher`). Lists are JSON text: Neptune's multiple values are a set, without order and without repetition.

Each transaction has a connection of its own, as gremlinpython makes one for each session anyhow: nothing is kept that
a fork could share, that a restarted server breaks, or whose signature grows old.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import uuid4

from aiohttp import ClientError
from gremlin_python.process.graph_traversal import GraphTraversalSource, __
from gremlin_python.process.traversal import Cardinality
from gremlin_python.process.traversal import T as Token
from gremlin_python.statics import long
from sqlalchemy import Connection

from app.errors import EchoError, StoreUnavailable
from app.pkg.difference import Difference, difference
from app.pkg.graph import Edge, Graph, Node, Property
from app.pkg.gremlin_session import GremlinSession, Refused
from app.pkg.settled import SettledGraphStore
from app.pkg.stored import restored, stored
from app.vocabulary import EdgeType, NodeLabel

T = TypeVar("T")
K = TypeVar("K")

#: Seconds for a connection, for an answer, and in all for a transaction that collides with others.
CONNECT_S, ANSWER_S, RETRY_S = 3.0, 30.0, 10.0
#: Vertices or edges of one request, as Neptune recommends.
BATCH = 50
#: How servers call two transactions in each other's way.
_COLLISIONS = ("TransactionException", "ConcurrentModificationException", "ConstraintViolationException")
_ANCHOR = "PersonaGraph"


class GremlinGraphStore(SettledGraphStore):
    """`GraphStore` over Gremlin.

    Args:
        url: `ws://` or `wss://` address.
        region: of Neptune with IAM; None where the server asks for nothing.
    """

    def __init__(self, url: str, region: str | None = None) -> None:
        self._url = url
        self._region = region

    def prepare(self) -> None:
        """Nothing to do: Neptune indexes every property, and Gremlin has no words for constraints."""

    def replace(self, user_id: str, graph: Graph, connection: Connection | None = None) -> int:
        """See `GraphStore.replace`; a request per 50 vertices or edges."""
        del connection

        def work(g: GraphTraversalSource) -> int:
            _hold(g, user_id, graph.digest())
            rows = _rows(g, user_id)
            change = difference(_whole(rows), graph)
            _write(g, user_id, change, rows)
            if not graph.nodes:
                g.V().has("userID", user_id).drop().iterate()
            return change.size

        return self._transact(work)

    def delete_user(self, user_id: str, connection: Connection | None = None) -> int:
        """See `GraphStore.delete_user`."""
        del connection

        def work(g: GraphTraversalSource) -> int:
            number = _count(g, user_id)
            g.V().has("userID", user_id).drop().iterate()
            return number

        return self._transact(work)

    def count(self, user_id: str, connection: Connection | None = None) -> int:
        """See `GraphStore.count`."""
        del connection
        return self._transact(lambda g: _count(g, user_id))

    def _look(self, user_id: str) -> tuple[Sequence[str], Graph | None]:
        rows = self._transact(lambda g: _rows(g, user_id))
        digests = [row["properties"].get("digest", "") for row in rows if row["label"] == _ANCHOR]
        try:
            return digests, _whole(rows)
        except (ValueError, KeyError):
            return digests, None

    def _transact(self, work: Callable[[GraphTraversalSource], T]) -> T:
        """Do the work in one transaction, again where it collided with another, and commit.

        Raises:
            StoreUnavailable: the server does not answer or refuses.
        """
        end = time.monotonic() + RETRY_S
        while True:
            try:
                with self._transaction() as g:
                    return work(g)
            except EchoError:
                raise
            except Exception as error:
                text = getattr(error, "text", None)
                if not _from_outside(error):
                    raise
                if not any(name in str(text) for name in _COLLISIONS) or time.monotonic() > end:
                    # The server's own words may hold a value of somebody's: only the kind of error goes on.
                    raise _unavailable(error) from None
            time.sleep(random.uniform(0.02, 0.2))  # noqa: S311 - keeps two writers apart

    @contextmanager
    def _transaction(self) -> Iterator[GraphTraversalSource]:
        headers: dict[str, str] = {}
        if self._region is not None:
            from app.pkg.neptune import signed_headers  # noqa: PLC0415 - botocore only where IAM is

            headers = signed_headers(f"https://{self._url.partition('://')[2]}", self._region)
        session = GremlinSession(self._url, headers, connect_s=CONNECT_S, answer_s=ANSWER_S)
        try:
            yield session.source()
            session.commit()
        finally:
            session.close()


def _from_outside(error: Exception) -> bool:
    """Whether it came from the network or the server, and not from a mistake of ours."""
    return isinstance(error, OSError | TimeoutError | RuntimeError | ClientError | Refused)


def _unavailable(error: Exception) -> StoreUnavailable:
    name = type(error).__name__
    return StoreUnavailable(
        f"The graph store does not answer or refuses ({name}): is the server of ECHO_GRAPH_URL up, and may we use it?",
        error=name,
    )


def _hold(g: GraphTraversalSource, user_id: str, digest: str) -> None:
    """Write on the person's own vertex: of two who do, one collides and tries again."""
    made = __.add_v(_ANCHOR).property("userID", user_id)
    held = g.V().has_label(_ANCHOR).has("userID", user_id).fold().coalesce(__.unfold(), made)
    held.property(Cardinality.single, "digest", digest).iterate()


def _rows(g: GraphTraversalSource, user_id: str) -> list[dict[str, Any]]:
    """Every vertex of a person with the edges that leave it, by one traversal."""
    edge = (
        __.project("id", "type", "target", "properties")
        .by(Token.id)
        .by(Token.label)
        .by(__.in_v().values("id"))
        .by(__.value_map())
    )
    found = (
        g.V()
        .has("userID", user_id)
        .project("id", "label", "properties", "edges")
        .by(Token.id)
        .by(Token.label)
        .by(__.value_map().by(__.unfold()))
        .by(__.out_e().flat_map(edge).fold())
        .to_list()
    )
    return list(found)


def _whole(rows: Sequence[dict[str, Any]]) -> Graph:
    nodes = _persona(rows)
    return Graph(
        tuple(Node(row["properties"]["id"], NodeLabel(row["label"]), restored(row["properties"])) for row in nodes),
        tuple(
            Edge(row["properties"]["id"], EdgeType(edge["type"]), edge["target"], restored(edge["properties"]))
            for row in nodes
            for edge in row["edges"]
        ),
    )


def _persona(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["label"] != _ANCHOR]


def _edge_ids(rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str, str], Any]:
    return {
        (row["properties"]["id"], edge["type"], edge["target"]): edge["id"]
        for row in _persona(rows)
        for edge in row["edges"]
    }


def _write(g: GraphTraversalSource, user_id: str, change: Difference, old: Sequence[dict[str, Any]]) -> None:
    """Removals, then vertices, then edges. An edge that changes is made again; a vertex keeps its edges."""
    edge_ids = _edge_ids(old)
    held = {row["properties"]["id"]: row["id"] for row in _persona(old)}
    # Ids that were never used: TinkerPop may take a vertex that comes back under its old id for a conflict, for ever.
    vertices = held | {node.id: uuid4().hex for node, before in change.nodes if before is None}
    again = [edge for edge, before in change.edges if before is not None]
    for lost in _batches([*change.gone_edges, *again]):
        # By way of their vertices: TinkerPop's transactions forget an edge that is dropped by its id alone.
        sources = {held[edge.source] for edge in lost}
        g.V(*sources).out_e().has_id(*(edge_ids[edge.key] for edge in lost)).drop().iterate()
    for gone in _batches([held[node_id] for node_id in change.gone_nodes]):
        g.V(*gone).drop().iterate()
    for nodes in _batches(change.nodes):
        _put_vertices(g, user_id, vertices, nodes)
    for edges in _batches([edge for edge, _ in change.edges]):
        _put_edges(g, vertices, edges)


def _stored(properties: Mapping[str, Property]) -> dict[str, Any]:
    """Whole numbers as 64 bits: gremlinpython would write each as 32, and fail on a larger one."""
    kept = stored(properties, lists=False)
    return {key: long(value) if type(value) is int else value for key, value in kept.items()}


def _put_vertices(
    g: GraphTraversalSource, user_id: str, vertices: Mapping[str, str], nodes: Sequence[tuple[Node, Node | None]]
) -> None:
    """One request: the traversal goes from vertex to vertex."""
    walk = g
    for node, before in nodes:
        vertex, properties = vertices[node.id], _stored(node.properties)
        if before is None:
            walk = walk.add_v(str(node.label)).property(Token.id, vertex)
            properties |= {"userID": user_id, "id": node.id}
        else:
            walk = walk.V(vertex)
            gone = _stored(before.properties).keys() - properties.keys()
            walk = walk.side_effect(__.properties(*gone).drop()) if gone else walk
        for key, value in properties.items():
            walk = walk.property(Cardinality.single, key, value)
    walk.iterate()


def _put_edges(g: GraphTraversalSource, vertices: Mapping[str, str], edges: Sequence[Edge]) -> None:
    walk = g
    for edge in edges:
        walk = walk.V(vertices[edge.source]).add_e(str(edge.type)).to(__.V(vertices[edge.target]))
        for key, value in _stored(edge.properties).items():
            walk = walk.property(key, value)
    walk.iterate()


def _count(g: GraphTraversalSource, user_id: str) -> int:
    found = g.V().has("userID", user_id).not_(__.has_label(_ANCHOR)).union(__.constant(1), __.out_e().constant(1))
    return int(found.count().next())


def _batches(parts: Sequence[K]) -> Iterator[Sequence[K]]:
    return (parts[start : start + BATCH] for start in range(0, len(parts), BATCH))
