"""The servers that the contract suites run against."""

from __future__ import annotations

from tests.aws_servers import aws_server
from tests.graph_servers import gremlin_server, neo4j_server
from tests.servers import mongodb

__all__ = ["aws_server", "gremlin_server", "mongodb", "neo4j_server"]
