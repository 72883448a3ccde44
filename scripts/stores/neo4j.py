"""Neo4j Community, embedded by a small Java program that opens Bolt."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from scripts.stores.server import RECIPES, LocalServer, need, run

#: First bytes of a Bolt connection: the magic number and one version, 5.0.
_GREETING = bytes.fromhex("6060b017 00000005 00000000 00000000 00000000".replace(" ", ""))


class Neo4jServer(LocalServer):
    """Neo4j without authentication on loopback, its data in `place`."""

    name: ClassVar[str] = "neo4j"
    recipe: ClassVar[tuple[str, ...]] = ("neo4j/pom.xml", "neo4j/Server.java")
    patience_s: ClassVar[float] = 90.0

    def lacking(self) -> None:
        """See `LocalServer.lacking`."""
        need("javac", package="openjdk-17-jdk-headless")
        need("mvn", package="maven")

    def compile(self, into: Path) -> None:
        """Fetch the libraries, about 116 MB, and compile the program."""
        for name in self.recipe:
            shutil.copy(RECIPES / name, into)
        libraries(into)
        run(["javac", "-cp", "lib/*", "-d", ".", "Server.java"], cwd=into)

    def command(self) -> list[str]:
        """See `LocalServer.command`."""
        libraries_of = f"{self.built}:{self.built / 'lib'}/*"
        place = str(self.place / "data")
        return ["java", "-Xmx512m", "-XX:+UseSerialGC", "-cp", libraries_of, "Server", place, str(self.port)]

    def ready(self) -> bool:
        """Whether it agrees on a version of Bolt."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as wire:
                wire.sendall(_GREETING)
                return len(wire.recv(4)) == 4
        except OSError:
            return False

    def settings(self) -> Mapping[str, str]:
        """See `LocalServer.settings`."""
        return {"ECHO_GRAPH_URL": f"bolt://127.0.0.1:{self.port}"}


def libraries(into: Path) -> None:
    """Fetch what the `pom.xml` of a folder names into its `lib`."""
    options = ["-q", "-B", "-DoutputDirectory=lib", "-DincludeScope=runtime"]
    run(["mvn", *options, "dependency:copy-dependencies"], cwd=into)
