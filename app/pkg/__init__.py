"""The persona knowledge graph: a port and its implementations."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qs, urlsplit

from app.errors import Misconfigured
from app.pkg.graph import Edge, Graph, Node, Property
from app.pkg.port import GraphStore
from app.pkg.postgres import PostgresGraphStore
from config.settings import settings

__all__ = ["Edge", "Graph", "GraphStore", "Node", "Property", "graph_store"]

_BOLT = {f"{scheme}{security}" for scheme in ("bolt", "neo4j") for security in ("", "+s", "+ssc")}


def graph_store() -> GraphStore:
    """The store that `ECHO_GRAPH_URL` names; drivers are imported only where they are used.

    Raises:
        Misconfigured: there is no such store.
    """
    url = settings().graph_url.get_secret_value()
    if not url:
        return PostgresGraphStore()
    parts = urlsplit(url)
    if parts.scheme in _BOLT:
        return _bolt(parts)
    if parts.scheme == "neptune":
        return _neptune(parts)
    if parts.scheme in {"ws", "wss"}:
        from app.pkg.gremlin import GremlinGraphStore  # noqa: PLC0415 - only where this store is used

        return GremlinGraphStore(parts._replace(query="").geturl(), _region(parts))
    raise Misconfigured(
        f"ECHO_GRAPH_URL: no graph store is named {parts.scheme!r}; leave it empty for PostgreSQL, or name"
        " bolt://, neo4j://, neptune:// or wss://…/gremlin"
    )


def _bolt(parts: SplitResult) -> GraphStore:
    from app.pkg.bolt import BoltDriver, address  # noqa: PLC0415 - only where this store is used
    from app.pkg.cypher import CypherGraphStore  # noqa: PLC0415 - only where this store is used

    if settings().graph_driver == "py2neo":
        from app.pkg.py2neo_bolt import Py2neoDriver  # noqa: PLC0415 - only where this store is used

        return CypherGraphStore(Py2neoDriver(address(parts)))
    return CypherGraphStore(BoltDriver(address(parts)))


def _neptune(parts: SplitResult) -> GraphStore:
    from app.pkg.bolt import BoltDriver, address  # noqa: PLC0415 - only where this store is used
    from app.pkg.cypher import CypherGraphStore  # noqa: PLC0415 - only where this store is used

    region = _region(parts)
    if region is None:
        raise Misconfigured("ECHO_GRAPH_URL: say where Neptune is, as in neptune://host:8182?region=eu-central-1")
    where = address(parts._replace(scheme="bolt+s", query="", netloc=parts.netloc.rpartition("@")[2]))
    return CypherGraphStore(BoltDriver(where, region), lists=False, schema=())


def _region(parts: SplitResult) -> str | None:
    return parse_qs(parts.query).get("region", [None])[0]
