"""Graph servers for tests: started once, found by `ECHO_GRAPH_URL` only where a test says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.settings import settings
from scripts.stores.gremlin import GremlinServer
from scripts.stores.neo4j import Neo4jServer
from scripts.stores.server import LocalServer, stop
from tests.servers import built


@contextmanager
def chosen(server: LocalServer | None, **more: str) -> Iterator[None]:
    """This server is the graph store; None is PostgreSQL."""
    variables = {**(server.settings() if server is not None else {"ECHO_GRAPH_URL": ""}), **more}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        settings.cache_clear()
        yield
    settings.cache_clear()


class Restartable:
    """A server that a test kills and starts again on the same port, with the same data."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.pid = server.start()

    def kill(self) -> None:
        """As `kill -9` does."""
        stop(self.pid, patience_s=0)

    def restart(self) -> None:
        """Where it was."""
        self.pid = self.server.start()


@contextmanager
def mortal(server: LocalServer) -> Iterator[Restartable]:
    """A server of one test's own, to be killed."""
    running = Restartable(built(server))
    try:
        yield running
    finally:
        running.kill()


@pytest.fixture(scope="session")
def neo4j_server(place: Path) -> Iterator[LocalServer]:
    """Neo4j on loopback."""
    server = built(Neo4jServer(place / "neo4j"))
    with server.running():
        yield server


@pytest.fixture(scope="session")
def gremlin_server(place: Path) -> Iterator[LocalServer]:
    """A Gremlin Server on loopback."""
    server = built(GremlinServer(place / "gremlin"))
    with server.running():
        yield server
