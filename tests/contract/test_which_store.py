"""Stores are chosen by URL; a wrong one is named without its secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from app.errors import Misconfigured
from app.features import feature_store
from app.pkg import Edge, Graph, Node, graph_store
from app.vocabulary import EdgeType, NodeLabel
from config.settings import settings


@pytest.fixture
def fresh_settings() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch
    settings.cache_clear()


@pytest.mark.parametrize(("variable", "make"), [("ECHO_FEATURES_URL", feature_store), ("ECHO_GRAPH_URL", graph_store)])
def test_an_unknown_store_is_named_without_its_password(
    fresh_settings: pytest.MonkeyPatch, variable: str, make: Callable[[], object]
) -> None:
    fresh_settings.setenv(variable, "ledgerdb://user:hidden@host/base")
    settings.cache_clear()
    with pytest.raises(Misconfigured, match="ledgerdb") as refused:
        make()
    assert variable in refused.value.message
    assert "hidden" not in refused.value.message


NODE = Node("a", NodeLabel.SKILL)


@pytest.mark.parametrize(
    ("nodes", "edges"),
    [
        ((NODE, NODE), ()),
        ((NODE,), (Edge("a", EdgeType.IS_A_TYPE_OF, "b"),)),
        ((NODE,), (Edge("a", EdgeType.IS_A_TYPE_OF, "a"), Edge("a", EdgeType.IS_A_TYPE_OF, "a", {"x": 1}))),
        ((Node("a", NodeLabel.SKILL, {"x": {"deep": 1}}),), ()),  # type: ignore[dict-item]  # refused is the point
        ((Node("a", NodeLabel.SKILL, {"x": None}),), ()),  # type: ignore[dict-item]  # as above
        ((Node("a", NodeLabel.SKILL, {"x": [["deep"]]}),), ()),  # type: ignore[dict-item]  # as above
    ],
)
def test_a_graph_that_no_store_could_hold_is_refused(nodes: tuple[Node, ...], edges: tuple[Edge, ...]) -> None:
    with pytest.raises(ValueError, match=r"graph|property"):
        Graph(nodes, edges)


def test_the_digest_tells_graphs_apart_and_no_orders() -> None:
    one = Graph((NODE, Node("b", NodeLabel.SKILL, {"x": 1, "y": 2.0})))
    assert one.digest() == Graph((Node("b", NodeLabel.SKILL, {"y": 2, "x": 1.0}), NODE)).digest()
    assert one.digest() != Graph((NODE, Node("b", NodeLabel.SKILL, {"x": 1, "y": 3}))).digest()
    assert one.digest() != Graph((NODE, Node("b", NodeLabel.INTEREST, {"x": 1, "y": 2}))).digest()
