"""What has to be written so that one graph becomes another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.pkg.graph import Edge, Graph, Node, Property


@dataclass(frozen=True, slots=True)
class Difference:
    """Removals first, then nodes, then edges.

    Attributes:
        gone_nodes: ids; whatever edges such a node has go with it.
        gone_edges: between nodes that stay.
        nodes: each with what it was, None where it is to be made.
        edges: each with what it was, None where it is to be made.
        size: nodes and edges that differ. What is made again only because its node is does not count.
    """

    gone_nodes: tuple[str, ...]
    gone_edges: tuple[Edge, ...]
    nodes: tuple[tuple[Node, Node | None], ...]
    edges: tuple[tuple[Edge, Edge | None], ...]
    size: int


def difference(old: Graph, new: Graph) -> Difference:
    """From `old` to `new`.

    A node whose label changes is removed and made again, with all of its edges: not every store can take a label away.
    """
    nodes_before = {node.id: node for node in old.nodes}
    edges_before = {edge.key: edge for edge in old.edges}
    nodes = [(node, nodes_before.pop(node.id, None)) for node in new.nodes]
    edges = [(edge, edges_before.pop(edge.key, None)) for edge in new.edges]
    made_again = {node.id for node, before in nodes if before is not None and before.label is not node.label}
    lost = made_again | nodes_before.keys()
    nodes_differ = [(node, before) for node, before in nodes if not _same_node(node, before)]
    edges_differ = [(edge, before) for edge, before in edges if before is None or not same(edge, before)]
    again = [
        (edge, None)
        for edge, before in edges
        if before is not None and same(edge, before) and {edge.source, edge.target} & made_again
    ]
    return Difference(
        gone_nodes=tuple(sorted(lost)),
        gone_edges=tuple(edge for edge in edges_before.values() if not {edge.source, edge.target} & lost),
        nodes=tuple((node, None if node.id in made_again else before) for node, before in nodes_differ),
        edges=tuple(
            (edge, None if {edge.source, edge.target} & made_again else before) for edge, before in edges_differ
        )
        + tuple(again),
        size=len(nodes_before) + len(edges_before) + len(nodes_differ) + len(edges_differ),
    )


def same(one: Node | Edge, other: Node | Edge) -> bool:
    """Whether two have the same properties, as `Graph.digest` sees them: 1 is 1.0, but it is not True."""
    return one.properties.keys() == other.properties.keys() and all(
        _alike(value, other.properties[name]) for name, value in one.properties.items()
    )


def _same_node(node: Node, before: Node | None) -> bool:
    return before is not None and before.label is node.label and same(node, before)


def _alike(one: Property, other: Property) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def mentions(graph: Graph, needles: Sequence[str]) -> int:
    """Nodes and edges whose id or any property contains any of the texts."""
    texts = [
        *([node.id, *_texts(node.properties)] for node in graph.nodes),
        *([edge.source, edge.target, *_texts(edge.properties)] for edge in graph.edges),
    ]
    return sum(any(needle in held for held in part for needle in needles) for part in texts)


def _texts(properties: Mapping[str, Property]) -> list[str]:
    return [str(item) for value in properties.values() for item in (value if isinstance(value, list) else [value])]
