"""The bundle's Cypher file makes the persona graph in a real Neo4j, whatever texts it holds."""

from __future__ import annotations

from uuid import uuid4

from neo4j import GraphDatabase

from app.pkg import Edge, Graph, Node
from app.services.bundle.graphs import cypher
from app.vocabulary import EdgeType, NodeLabel
from scripts.stores.server import LocalServer

TEXTS = [
    'It\'s \\u0041 "so" and \\\\u0041',
    "'}) MATCH (n) DETACH DELETE n //",
    "a\nb\r\tc\x01\x7f\u2028\u2029\\",
    "\\\u2028 \\' \\\\' `x` $x \U0001f600 ä",
    "// no comment /* nor this */ ; nor the end",
    "",
]


def test_neo4j_makes_the_same_graph_of_it_and_running_it_again_changes_nothing(neo4j_server: LocalServer) -> None:
    user = f"bundle-{uuid4().hex}"
    traits = [
        Node(f"trait:{number}", NodeLabel.TRAIT, {"traitName": said, "score": 0.5, "rating": 3, "ids": [said, "b"]})
        for number, said in enumerate(TEXTS)
    ]
    edges = [
        Edge("user", EdgeType.HAS_TRAIT, trait.id, {"status": str(trait.properties["traitName"])}) for trait in traits
    ]
    graph = Graph((Node("user", NodeLabel.USER, {"userID": user}), *traits), tuple(edges))
    address = neo4j_server.settings()["ECHO_GRAPH_URL"]
    with GraphDatabase.driver(address) as driver, driver.session() as session:
        try:
            for _ in range(2):
                for statement in "".join(cypher(graph, user)).split(";\n"):
                    if statement.strip():
                        session.run(statement).consume()
            found = session.run("MATCH (n {userID: $user}) RETURN labels(n) AS labels, properties(n) AS p", user=user)
            nodes = {row["p"]["id"]: (row["labels"], row["p"]) for row in found}
            assert nodes.keys() == {node.id for node in graph.nodes}
            for node in graph.nodes:
                assert nodes[node.id] == ([str(node.label)], {"userID": user, "id": node.id, **node.properties})
            drawn = session.run(
                "MATCH (a {userID: $user})-[r]->(b) RETURN a.id AS a, type(r) AS t, b.id AS b, r.status AS s", user=user
            )
            assert sorted(row.values() for row in drawn) == sorted(
                [edge.source, str(edge.type), edge.target, edge.properties["status"]] for edge in edges
            )
        finally:
            session.run("MATCH (n {userID: $user}) DETACH DELETE n", user=user).consume()
