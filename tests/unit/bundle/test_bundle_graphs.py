"""Graph formats hold any text, and no text gets out of its quotation marks."""

from __future__ import annotations

import ast
import io
import re

import networkx as nx  # type: ignore[import-untyped]  # it has no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pkg import Edge, Graph, Node
from app.services.bundle.graphs import cypher, graphml, literal
from app.vocabulary import EdgeType, NodeLabel

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.from_regex(r"[\\'u0041\n]{0,12}")
#: A string of Cypher: no quotation mark that is not escaped, no line break, no lone backslash.
STRING = re.compile(r"'(?:[^'\\\n\r\u2028\u2029]|\\(?:['\\nrtbf]|u[0-9a-f]{4}))*'")


def graph(value: str) -> Graph:
    user = Node("user", NodeLabel.USER, {"userID": "ann"})
    trait = Node("trait:1", NodeLabel.TRAIT, {"traitName": value, "rating": 4, "score": 0.5, "own": True, "ids": ["a"]})
    return Graph((user, trait), (Edge("user", EdgeType.HAS_TRAIT, "trait:1", {"status": value}),))


@given(TEXTS)
def test_a_text_never_leaves_its_quotation_marks(value: str) -> None:
    written = literal(value)
    parts = [part.group() for part in STRING.finditer(written)]
    assert " + ".join(parts) == written
    read = "".join(ast.literal_eval(f"{part[0]}{part[1:-1]}{part[-1]}") for part in parts)
    assert read == value.replace("\x00", "\ufffd")


@given(TEXTS)
def test_no_backslash_of_a_text_begins_an_escape(value: str) -> None:
    """Some readers replace `\\uXXXX` before they read strings: it may stand for itself alone."""
    assert not re.search(r"\\\\u", literal(value))


@pytest.mark.parametrize(
    ("value", "written"),
    [(True, "true"), (False, "false"), (3, "3"), (0.25, "0.25"), (["a", "b'"], "['a', 'b\\'']"), ([], "[]")],
)
def test_other_values_are_written_as_cypher_has_them(value: object, written: str) -> None:
    assert literal(value) == written  # type: ignore[arg-type]


def test_a_property_whose_name_is_no_name_is_refused() -> None:
    node = Node("user", NodeLabel.USER, {"a: 1}) DETACH DELETE n //": 1})
    with pytest.raises(ValueError, match="name"):
        list(cypher(Graph((node,)), "ann"))


def test_a_statement_finds_its_node_by_label_and_id() -> None:
    node, other, edge = "".join(cypher(graph("x"), "ann")).splitlines()[1:]
    assert node.startswith("MERGE (n:Trait {userID: 'ann', id: 'trait:1'}) SET n += {traitName: 'x', ")
    assert other.startswith("MERGE (n:User {userID: 'ann', id: 'user'})")
    assert edge.endswith("MERGE (a)-[r:HAS_TRAIT]->(b) SET r += {status: 'x'};")


@given(TEXTS)
def test_networkx_reads_what_we_write(value: str) -> None:
    read = nx.read_graphml(io.BytesIO("".join(graphml(graph(value))).encode()))
    kept = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", value)
    # XML has one line end, and readers make it so.
    plain = kept.replace("\r\n", "\n").replace("\r", "\n")
    trait = read.nodes["trait:1"]
    assert (trait.get("traitName") or "").replace("\r\n", "\n").replace("\r", "\n") == plain
    assert (trait["rating"], trait["score"], trait["own"], trait["ids"]) == (4, 0.5, True, '["a"]')
    assert read.edges["user", "trait:1"]["type"] == "HAS_TRAIT"
