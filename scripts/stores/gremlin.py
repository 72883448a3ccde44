"""A Gremlin Server over a graph in memory: what stands in for Neptune's Gremlin endpoint."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from scripts.stores.neo4j import libraries
from scripts.stores.server import RECIPES, LocalServer, need


class GremlinServer(LocalServer):
    """Gremlin Server with transactions on loopback; what it holds is gone when it stops."""

    name: ClassVar[str] = "gremlin"
    recipe: ClassVar[tuple[str, ...]] = (
        "gremlin/pom.xml",
        "gremlin/server.yaml",
        "gremlin/graph.properties",
        "gremlin/g.groovy",
    )
    patience_s: ClassVar[float] = 90.0

    def lacking(self) -> None:
        """See `LocalServer.lacking`."""
        need("java", package="openjdk-17-jre-headless")
        need("mvn", package="maven")

    def compile(self, into: Path) -> None:
        """Fetch the libraries, about 29 MB."""
        for name in self.recipe:
            shutil.copy(RECIPES / name, into)
        libraries(into)

    def prepare(self) -> None:
        """Put its configuration, with our port, into its place."""
        for name in ("graph.properties", "g.groovy"):
            shutil.copy(self.built / name, self.place)
        template = (self.built / "server.yaml").read_text()
        (self.place / "server.yaml").write_text(template.replace("PORT\n", f"{self.port}\n"))

    def command(self) -> list[str]:
        """See `LocalServer.command`."""
        main = "org.apache.tinkerpop.gremlin.server.GremlinServer"
        return ["java", "-Xmx512m", "-XX:+UseSerialGC", "-cp", f"{self.built / 'lib'}/*", main, "server.yaml"]

    def ready(self) -> bool:
        """Whether it shakes hands."""
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13"
        request = f"GET /gremlin HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}\r\n\r\n"
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as wire:
                wire.sendall(request.encode())
                return b" 101 " in wire.recv(64)
        except OSError:
            return False

    def settings(self) -> Mapping[str, str]:
        """See `LocalServer.settings`."""
        return {"ECHO_GRAPH_URL": f"ws://127.0.0.1:{self.port}/gremlin"}
