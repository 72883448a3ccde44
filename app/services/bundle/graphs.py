"""`graph.graphml` and `graph.cypher`: the persona graph for other programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

from app.pkg import Edge, Graph, Node, Property

#: What XML 1.0 cannot hold.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_Kind = Literal["boolean", "long", "double", "string"]


def graphml(graph: Graph) -> Iterator[str]:
    """GraphML (graphml.graphdrawing.org); lists are JSON texts, since it has none.

    A property has a key for each kind of value that it takes, as GraphML wants one type for a key.
    """
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
    found: set[tuple[str, str, _Kind]] = {("node", "label", "string"), ("edge", "type", "string")}
    for domain, parts in (("node", graph.nodes), ("edge", graph.edges)):
        found.update((domain, name, _kind(value)) for part in parts for name, value in part.properties.items())
    keys = {key: f"k{number}" for number, key in enumerate(sorted(found))}
    for (domain, name, kind), key in keys.items():
        yield f'<key id="{key}" for="{domain}" attr.name={_attribute(name)} attr.type="{kind}"/>\n'
    yield '<graph id="persona" edgedefault="directed">\n'
    for node in sorted(graph.nodes, key=lambda node: node.id):
        data = _data("node", {"label": str(node.label), **node.properties}, keys)
        yield f"<node id={_attribute(node.id)}>{data}</node>\n"
    for number, edge in enumerate(sorted(graph.edges, key=lambda edge: edge.key)):
        data = _data("edge", {"type": str(edge.type), **edge.properties}, keys)
        ends = f"source={_attribute(edge.source)} target={_attribute(edge.target)}"
        yield f'<edge id="e{number}" {ends}>{data}</edge>\n'
    yield "</graph>\n</graphml>\n"


def _kind(value: Property) -> _Kind:
    match value:
        case bool():
            return "boolean"
        case int():
            return "long"
        case float():
            return "double"
        case _:
            return "string"


def _data(domain: str, properties: Mapping[str, Property], keys: Mapping[tuple[str, str, _Kind], str]) -> str:
    return "".join(
        f'<data key="{keys[domain, name, _kind(value)]}">{escape(_xml(value))}</data>'
        for name, value in sorted(properties.items())
    )


def _xml(value: Property) -> str:
    return _NOT_XML.sub("\ufffd", value) if isinstance(value, str) else json.dumps(value)


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", text))


def cypher(graph: Graph, user_id: str) -> Iterator[str]:
    """Statements that make the graph in Neo4j and whatever else reads openCypher; run twice, they change nothing."""
    yield "// The persona graph. Run it with: cypher-shell --file graph.cypher\n"
    labels = {node.id: str(node.label) for node in graph.nodes}
    for node in sorted(graph.nodes, key=lambda node: node.id):
        yield f"MERGE (n{_node(user_id, node.id, labels)}) SET n += {_map(_of_node(node))};\n"
    for edge in sorted(graph.edges, key=lambda edge: edge.key):
        yield (
            f"MATCH (a{_node(user_id, edge.source, labels)}), (b{_node(user_id, edge.target, labels)}) "
            f"MERGE (a)-[r:{edge.type}]->(b) SET r += {_map(_of_edge(edge))};\n"
        )


def _of_node(node: Node) -> Mapping[str, Property]:
    """A property may not take the place of the id that the edges are drawn by."""
    return {name: value for name, value in node.properties.items() if name not in {"id", "userID"}}


def _of_edge(edge: Edge) -> Mapping[str, Property]:
    return edge.properties


def _node(user_id: str, node_id: str, labels: Mapping[str, str]) -> str:
    return f":{labels[node_id]} {_map({'userID': user_id, 'id': node_id})}"


def _map(properties: Mapping[str, Property]) -> str:
    return "{" + ", ".join(f"{_name(name)}: {literal(value)}" for name, value in properties.items()) + "}"


def _name(name: str) -> str:
    if not _IDENTIFIER.fullmatch(name):
        raise ValueError("a property's name is letters, digits and underscores")
    return name


def literal(value: Property) -> str:
    """A value as Cypher writes it; no text can leave its quotation marks."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case list():
            return f"[{', '.join(literal(item) for item in value)}]"
        case str():
            return _quoted(value)


_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def _quoted(text: str) -> str:
    parts, before = [], ""
    for char in text:
        escaped = _escaped(char)
        # Some readers look for `\\uXXXX` before they look for strings: a backslash of the text must not begin one.
        if before == "\\" and escaped.startswith(("u", "\\u")):
            parts.append("' + '")
        parts.append(escaped)
        before = char
    return "'" + "".join(parts) + "'"


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    code = ord(char)
    if code == 0 or 0xD800 <= code < 0xE000:
        return "\ufffd"
    return f"\\u{code:04x}" if code < 0x20 or 0x7F <= code < 0xA0 or code in {0x2028, 0x2029} else char
