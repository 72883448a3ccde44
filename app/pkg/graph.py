"""One person's knowledge graph as a value.

Properties are what every graph store can hold: texts, numbers, truth values, and flat lists of those; what is unknown
is left out. Labels and types come from closed sets, so that no text of anybody's ever becomes part of a query.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.vocabulary import EdgeType, NodeLabel

Scalar = str | int | float | bool
Property = Scalar | list[str] | list[int] | list[float]


@dataclass(frozen=True, slots=True)
class Node:
    """A node.

    Attributes:
        id: unique within the person's graph, 255 characters at most.
        label: what it is.
        properties: flat; see the module.
    """

    id: str
    label: NodeLabel
    properties: Mapping[str, Property] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge; there is one at most of a type between two nodes.

    Attributes:
        source: id of the node it leaves.
        type: what it says.
        target: id of the node it enters.
        properties: flat; see the module.
    """

    source: str
    type: EdgeType
    target: str
    properties: Mapping[str, Property] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it this edge."""
        return self.source, str(self.type), self.target


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes and edges; each edge joins two of the nodes.

    Raises:
        ValueError: a node or edge is there twice, an edge joins nothing, or a property is not flat.
    """

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()

    def __post_init__(self) -> None:
        ids = {node.id for node in self.nodes}
        if len(ids) != len(self.nodes) or len({edge.key for edge in self.edges}) != len(self.edges):
            raise ValueError("a node or an edge is in the graph twice")
        if any(edge.source not in ids or edge.target not in ids for edge in self.edges):
            raise ValueError("an edge joins a node that is not in the graph")
        properties = [part.properties for part in self.nodes] + [part.properties for part in self.edges]
        if not all(_flat(value) for held in properties for value in held.values()):
            raise ValueError("a property is no text, number, truth value or flat list of those")

    def as_json(self) -> dict[str, list[dict[str, Any]]]:
        """The shape of GET /persona/graph, in an order that does not depend on the store."""
        return {
            "nodes": [
                {"id": node.id, "label": str(node.label), "properties": dict(node.properties)}
                for node in sorted(self.nodes, key=lambda node: node.id)
            ],
            "edges": [
                {
                    "source": edge.source,
                    "type": str(edge.type),
                    "target": edge.target,
                    "properties": dict(edge.properties),
                }
                for edge in sorted(self.edges, key=lambda edge: edge.key)
            ],
        }

    def digest(self) -> str:
        """SHA-256 over all of it; equal graphs have equal digests in whatever store they were."""
        canonical = json.dumps(_numbers(self.as_json()), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def selected(self, *, concept: str | None = None, category: str | None = None, depth: int = 2) -> Graph:
        """The part around what is asked for.

        A path may end at the User node but not pass through it, where everything is near everything.

        Args:
            concept: start at the Concept of this name (case does not matter).
            category: start at the traits of this category; with `concept`, what is near both.
            depth: steps from there, in either direction of an edge; from the User where nothing is asked for.
        """
        starts = []
        if concept is not None:
            name = concept.casefold()
            starts.append(
                [
                    node.id
                    for node in self.nodes
                    if node.label is NodeLabel.CONCEPT and str(node.properties.get("name", "")).casefold() == name
                ]
            )
        if category is not None:
            starts.append([node.id for node in self.nodes if node.properties.get("traitCategory") == category])
        if not starts:
            starts.append([node.id for node in self.nodes if node.label is NodeLabel.USER])
        kept = set.intersection(*(self._within(start, depth) for start in starts))
        return Graph(
            tuple(node for node in self.nodes if node.id in kept),
            tuple(edge for edge in self.edges if edge.source in kept and edge.target in kept),
        )

    def _within(self, starts: Iterable[str], depth: int) -> set[str]:
        neighbours: dict[str, set[str]] = defaultdict(set)
        for edge in self.edges:
            neighbours[edge.source].add(edge.target)
            neighbours[edge.target].add(edge.source)
        hubs = {node.id for node in self.nodes if node.label is NodeLabel.USER}
        reached = set(starts)
        frontier = set(reached)
        for _ in range(depth):
            frontier = {other for node in frontier for other in neighbours[node]} - reached
            reached |= frontier
            frontier -= hubs
        return reached


def _flat(value: object) -> bool:
    return isinstance(value, Scalar) or (isinstance(value, list) and all(isinstance(item, Scalar) for item in value))


def _numbers(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The same JSON with whole floats as integers: stores differ in which of the two they give back."""
    match value:
        case dict():
            return {key: _numbers(item) for key, item in value.items()}
        case list():
            return [_numbers(item) for item in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value
