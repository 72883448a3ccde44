"""The persona knowledge graph in a store that speaks Cypher over Bolt: Neo4j, and Neptune's openCypher.

Each node of a person is a `:Persona` with its NodeLabel, `userID` and `id` (unique together); each person with a graph
has one `:PersonaGraph` besides. Writers take that node's lock by setting its `digest`, so that two of them never mix.
Readers compare the digest with what they read: Neo4j reads what is committed, not a snapshot, and a reader between two
statements may see parts of two graphs. Labels and types come from enums alone; all else are parameters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from app.errors import StoreUnavailable
from app.pkg.difference import Difference, difference
from app.pkg.graph import Edge, Graph, Node
from app.pkg.settled import SettledGraphStore
from app.pkg.stored import restored, stored
from app.vocabulary import EdgeType, NodeLabel

T = TypeVar("T")
#: Runs a statement within a transaction: statement and parameters to rows.
Run = Callable[[str, Mapping[str, Any]], list[dict[str, Any]]]

#: Rows of one UNWIND.
BATCH = 500

_NODE = "(n:Persona {userID: $user, id: row.id})"
_ENDS = "MATCH (a:Persona {userID: $user, id: row.source}) MATCH (b:Persona {userID: $user, id: row.target})"

HOLD = "MERGE (g:PersonaGraph {userID: $user}) SET g.digest = $digest"
DIGEST = "MATCH (g:PersonaGraph {userID: $user}) RETURN g.digest AS digest"
NODES = "MATCH (n:Persona {userID: $user}) RETURN labels(n) AS labels, properties(n) AS properties"
EDGES = (
    "MATCH (a:Persona {userID: $user})-[r]->(b:Persona {userID: $user})"
    " RETURN a.id AS source, type(r) AS type, b.id AS target, properties(r) AS properties"
)
COUNT_NODES = "MATCH (n:Persona {userID: $user}) RETURN count(n) AS number"
COUNT_EDGES = "MATCH (n:Persona {userID: $user})-[r]->(m:Persona {userID: $user}) RETURN count(r) AS number"
DELETE_NODES = f"UNWIND $rows AS row MATCH {_NODE} DETACH DELETE n"
DELETE_ALL = "MATCH (n:Persona {userID: $user}) DETACH DELETE n"
RELEASE = "MATCH (g:PersonaGraph {userID: $user}) DELETE g"
#: `+=` with nulls for what is no longer there: Neptune documents it, and not `=` with a map.
WRITE_NODES = {
    label: f"UNWIND $rows AS row MERGE (n:Persona:{label} {{userID: $user, id: row.id}}) SET n += row.properties"
    for label in NodeLabel
}
WRITE_EDGES = {
    kind: f"UNWIND $rows AS row {_ENDS} MERGE (a)-[r:{kind}]->(b) SET r += row.properties" for kind in EdgeType
}
DELETE_EDGES = {
    kind: (
        "UNWIND $rows AS row MATCH (a:Persona {userID: $user, id: row.source})"
        f"-[r:{kind}]->(b:Persona {{userID: $user, id: row.target}}) DELETE r"
    )
    for kind in EdgeType
}
#: What Neo4j is given once; Neptune has neither constraints nor indexes to make.
SCHEMA = (
    "CREATE CONSTRAINT persona_node IF NOT EXISTS FOR (n:Persona) REQUIRE (n.userID, n.id) IS UNIQUE",
    "CREATE CONSTRAINT persona_graph IF NOT EXISTS FOR (g:PersonaGraph) REQUIRE g.userID IS UNIQUE",
    "CREATE INDEX persona_user IF NOT EXISTS FOR (n:Persona) ON (n.userID)",
)


def statements() -> list[str]:
    """Every statement that the store can send, `SCHEMA` apart."""
    fixed = (HOLD, DIGEST, NODES, EDGES, COUNT_NODES, COUNT_EDGES, DELETE_NODES, DELETE_ALL, RELEASE)
    return [*fixed, *WRITE_NODES.values(), *WRITE_EDGES.values(), *DELETE_EDGES.values()]


class CypherDriver(Protocol):
    """What speaks Bolt for us."""

    def transact(self, work: Callable[[Run], T], *, write: bool) -> T:
        """Do the work in one transaction, again where the server asks for it, and commit.

        Raises:
            StoreUnavailable: the server does not answer or refuses.
        """


class CypherGraphStore(SettledGraphStore):
    """`GraphStore` over Bolt.

    Args:
        driver: what speaks Bolt.
        lists: whether the server holds lists as properties.
        schema: statements of `prepare`.
    """

    def __init__(self, driver: CypherDriver, *, lists: bool = True, schema: Sequence[str] = SCHEMA) -> None:
        self._driver = driver
        self._lists = lists
        self._schema = schema

    def prepare(self) -> None:
        """See `GraphStore.prepare`; each statement is a transaction of its own, as Neo4j asks for."""
        for statement in self._schema:

            def make(run: Run, statement: str = statement) -> None:
                run(statement, {})

            self._driver.transact(make, write=True)

    def replace(self, user_id: str, graph: Graph, connection: Connection | None = None) -> int:
        """See `GraphStore.replace`; a fixed number of statements per 500 nodes or edges of a kind."""
        del connection

        def work(run: Run) -> int:
            run(HOLD, {"user": user_id, "digest": graph.digest()})
            change = difference(_whole(run, user_id), graph)
            self._write(run, user_id, change)
            if not graph.nodes:
                run(RELEASE, {"user": user_id})
            return change.size

        return self._driver.transact(work, write=True)

    def delete_user(self, user_id: str, connection: Connection | None = None) -> int:
        """See `GraphStore.delete_user`."""
        del connection

        def work(run: Run) -> int:
            run(HOLD, {"user": user_id, "digest": ""})
            number = _count(run, user_id)
            run(DELETE_ALL, {"user": user_id})
            run(RELEASE, {"user": user_id})
            return number

        return self._driver.transact(work, write=True)

    def count(self, user_id: str, connection: Connection | None = None) -> int:
        """See `GraphStore.count`."""
        del connection
        return self._driver.transact(lambda run: _count(run, user_id), write=False)

    def _look(self, user_id: str) -> tuple[Sequence[str], Graph | None]:
        try:
            return self._driver.transact(lambda run: _look(run, user_id), write=False)
        except StoreUnavailable as error:
            # What one statement found was deleted before it had read it out.
            if "EntityNotFound" not in str(error.details.get("error")):
                raise
            return (), None

    def _write(self, run: Run, user_id: str, change: Difference) -> None:
        lost = ((edge.type, {"source": edge.source, "target": edge.target}) for edge in change.gone_edges)
        for kind, edges in _by_kind(lost):
            _unwind(run, DELETE_EDGES[kind], user_id, edges)
        _unwind(run, DELETE_NODES, user_id, [{"id": node_id} for node_id in change.gone_nodes])
        for label, nodes in _by_kind(
            (node.label, {"id": node.id, "properties": self._properties(node, before)}) for node, before in change.nodes
        ):
            _unwind(run, WRITE_NODES[label], user_id, nodes)
        for kind, edges in _by_kind(
            (
                edge.type,
                {"source": edge.source, "target": edge.target, "properties": self._properties(edge, before)},
            )
            for edge, before in change.edges
        ):
            _unwind(run, WRITE_EDGES[kind], user_id, edges)

    def _properties(self, part: Node | Edge, before: Node | Edge | None) -> dict[str, Any]:
        """What `SET +=` is given: nulls take away what was there and is no more."""
        old = stored(before.properties, lists=self._lists) if before is not None else {}
        return dict.fromkeys(old) | stored(part.properties, lists=self._lists)


def _look(run: Run, user_id: str) -> tuple[Sequence[str], Graph | None]:
    digests = [row["digest"] for row in run(DIGEST, {"user": user_id}) if row["digest"]]
    try:
        return digests, _whole(run, user_id)
    except (ValueError, KeyError):
        return digests, None


def _whole(run: Run, user_id: str) -> Graph:
    nodes, edges = run(NODES, {"user": user_id}), run(EDGES, {"user": user_id})
    return Graph(
        tuple(Node(row["properties"]["id"], _label(row["labels"]), restored(row["properties"])) for row in nodes),
        tuple(Edge(row["source"], EdgeType(row["type"]), row["target"], restored(row["properties"])) for row in edges),
    )


def _label(labels: Iterable[str]) -> NodeLabel:
    [label] = set(labels) - {"Persona"}
    return NodeLabel(label)


def _count(run: Run, user_id: str) -> int:
    return sum(int(row["number"]) for query in (COUNT_NODES, COUNT_EDGES) for row in run(query, {"user": user_id}))


K = TypeVar("K", NodeLabel, EdgeType)


def _by_kind(rows: Iterable[tuple[K, dict[str, Any]]]) -> Iterator[tuple[K, list[dict[str, Any]]]]:
    grouped: dict[K, list[dict[str, Any]]] = defaultdict(list)
    for kind, row in rows:
        grouped[kind].append(row)
    return iter(sorted(grouped.items()))


def _unwind(run: Run, statement: str, user_id: str, rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), BATCH):
        run(statement, {"user": user_id, "rows": rows[start : start + BATCH]})
