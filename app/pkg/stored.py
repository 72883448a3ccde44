"""How properties are kept by stores that have keys of their own on every node, and not every kind of value.

A person's User node has a property `userID`, and every stored node has our `userID` and `id`: a given property of one
of our names, or with one of our prefixes, is stored with `own_` before it. A list that the store cannot hold (Neptune
keeps a set of values, Gremlin stores differ, Neo4j wants one type in a list) and a whole number beyond 64 bits become
JSON text under `json_` and the name: the order, the types and the empty list survive in every store.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.pkg.graph import Property

#: Keys that every stored node or edge may have besides its properties.
OURS = frozenset({"userID", "id", "digest"})
_OWN, _JSON = "own_", "json_"


def stored(properties: Mapping[str, Property], *, lists: bool) -> dict[str, Any]:
    """What is given to the store.

    Args:
        properties: of a node or an edge.
        lists: whether the store holds lists of one type.
    """
    kept: dict[str, Any] = {}
    for name, value in properties.items():
        key = _OWN + name if name in OURS or name.startswith((_OWN, _JSON)) else name
        if _native(value, lists=lists):
            kept[key] = value
        else:
            kept[_JSON + key] = json.dumps(value)
    return kept


def restored(kept: Mapping[str, Any]) -> dict[str, Property]:
    """The properties that `stored` was given; ours are left out."""
    properties = {}
    for key, value in kept.items():
        if key in OURS:
            continue
        name, held = (key[len(_JSON) :], json.loads(value)) if key.startswith(_JSON) else (key, value)
        properties[name.removeprefix(_OWN)] = held
    return properties


def _native(value: Property, *, lists: bool) -> bool:
    if isinstance(value, list):
        return lists and len({type(item) for item in value}) <= 1 and all(_native(item, lists=lists) for item in value)
    return not isinstance(value, int) or -(2**63) <= value < 2**63
