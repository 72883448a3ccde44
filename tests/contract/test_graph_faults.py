"""Graph servers that are down, die and come back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import StoreUnavailable
from app.pkg import Edge, Graph, GraphStore, Node, graph_store
from app.pkg.bolt import BoltAddress, BoltDriver
from app.vocabulary import EdgeType, NodeLabel
from scripts.stores.neo4j import Neo4jServer
from scripts.stores.server import LocalServer, free_port
from tests.graph_servers import chosen, mortal

BEFORE = Graph((Node("user", NodeLabel.USER, {"name": "x"}), Node("a", NodeLabel.SKILL, {"n": 1})))
AFTER = Graph(
    (Node("user", NodeLabel.USER), Node("a", NodeLabel.SKILL, {"n": 2, "l": ["x", "y"]})),
    (Edge("user", EdgeType.POSSESSES_SKILL, "a", {"status": "active"}),),
)


@pytest.fixture(params=["bolt neo4j", "bolt py2neo", "ws neo4j"])
def nobody_there(request: pytest.FixtureRequest) -> Iterator[GraphStore]:
    scheme, driver = request.param.split()
    with chosen(None, ECHO_GRAPH_URL=f"{scheme}://me:hidden@127.0.0.1:{free_port()}", ECHO_GRAPH_DRIVER=driver):
        yield graph_store()


def test_a_server_that_is_down_is_named_in_time_and_its_password_is_not(nobody_there: GraphStore) -> None:
    begun = time.monotonic()
    with pytest.raises(StoreUnavailable, match="ECHO_GRAPH_URL") as raised:
        nobody_there.replace("somebody", Graph((Node("x", NodeLabel.SKILL, {"name": "a secret"}),)))
    assert time.monotonic() - begun < 12
    told = f"{raised.value.message} {raised.value.details} {raised.value.__cause__}"
    assert "hidden" not in told
    assert "secret" not in told


def test_after_a_death_between_two_writes_the_next_ends_as_it_should(tmp_path: Path) -> None:
    drivers = ("neo4j", "py2neo")
    with mortal(Neo4jServer(tmp_path / "neo4j")) as neo4j:
        for driver in drivers:
            with chosen(neo4j.server, ECHO_GRAPH_DRIVER=driver):
                graph_store().prepare()
                graph_store().replace(driver, BEFORE)
        neo4j.kill()
        for driver in drivers:
            with chosen(neo4j.server, ECHO_GRAPH_DRIVER=driver), pytest.raises(StoreUnavailable):
                graph_store().replace(driver, AFTER)
        neo4j.restart()
        for driver in drivers:
            with chosen(neo4j.server, ECHO_GRAPH_DRIVER=driver):
                assert graph_store().digest(driver) == BEFORE.digest()
                assert graph_store().replace(driver, AFTER) == 3
                assert graph_store().digest(driver) == AFTER.digest()


def test_what_one_driver_wrote_the_other_reads(neo4j_server: LocalServer) -> None:
    for writer, reader in (("neo4j", "py2neo"), ("py2neo", "neo4j")):
        user = f"written-by-{writer}"
        with chosen(neo4j_server, ECHO_GRAPH_DRIVER=writer):
            graph_store().replace(user, AFTER)
        with chosen(neo4j_server, ECHO_GRAPH_DRIVER=reader):
            assert graph_store().digest(user) == AFTER.digest()
            assert graph_store().replace(user, AFTER) == 0


def test_a_damaged_graph_is_shown_and_mended(neo4j_server: LocalServer) -> None:
    with chosen(neo4j_server):
        store = graph_store()
        store.replace("damaged", AFTER)
        outside = BoltDriver(BoltAddress(neo4j_server.settings()["ECHO_GRAPH_URL"], "", "", None))
        outside.transact(lambda run: run("MATCH (n {userID: 'damaged', id: 'a'}) SET n.n = 7", {}), write=True)
        assert store.digest("damaged") != AFTER.digest()
        assert store.replace("damaged", AFTER) == 1
        assert store.digest("damaged") == AFTER.digest()
