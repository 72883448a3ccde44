"""What every graph store does. A new one (Cypher) is one more entry of `STORES`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.pkg import Edge, Graph, GraphStore, Node, graph_store
from app.vocabulary import EdgeType, NodeLabel

#: Name of the store to the fixture of the server it needs and the call that makes it.
STORES: dict[str, tuple[str, Callable[[], GraphStore]]] = {"postgres": ("postgres", graph_store)}


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest) -> GraphStore:
    server, make = STORES[request.param]
    request.getfixturevalue(server)
    made = make()
    made.prepare()
    return made


@pytest.fixture
def user() -> str:
    return f"user-{uuid4().hex}"


USER = Node("user", NodeLabel.USER, {"userID": "anna"})
CHESS = Node(
    "trait:1",
    NodeLabel.TRAIT,
    {"traitName": "Plays chess", "traitCategory": "Interest", "confidenceScore": 0.75, "settled": True},
)
PRINTER = Node("trait:2", NodeLabel.TRAIT, {"traitName": "Works as a printer", "traitCategory": "Skill"})
CONCEPT = Node("concept:chess", NodeLabel.CONCEPT, {"name": "Chess"})
LETTER = Node("source:1", NodeLabel.SOURCE, {"packageID": "1"})
PERSONA = Graph(
    (USER, CHESS, PRINTER, CONCEPT, LETTER),
    (
        Edge("user", EdgeType.HAS_TRAIT, "trait:1"),
        Edge("user", EdgeType.HAS_CANDIDATE_TRAIT, "trait:2", {"since": "2031"}),
        Edge("user", EdgeType.DISCUSSED_CONCEPT, "concept:chess"),
        Edge("trait:1", EdgeType.ASSOCIATED_WITH_CONCEPT, "concept:chess"),
        Edge("trait:1", EdgeType.MANIFESTED_AS_EVIDENCE, "source:1", {"evidenceIDs": ["a", "b"]}),
        Edge("trait:2", EdgeType.MANIFESTED_AS_EVIDENCE, "source:1", {"evidenceIDs": ["c"]}),
    ),
)


def ids(graph: Graph) -> set[str]:
    return {node.id for node in graph.nodes}


def test_a_graph_comes_back_as_it_was(store: GraphStore, user: str) -> None:
    assert store.replace(user, PERSONA) == 11
    assert store.read(user, depth=5).as_json() == PERSONA.as_json()
    assert store.digest(user) == PERSONA.digest()


def test_there_is_no_graph_before_there_is_one(store: GraphStore, user: str) -> None:
    assert store.read(user) == Graph()
    assert store.digest(user) == Graph().digest()
    assert store.delete_user(user) == 0


def test_replacing_by_the_same_changes_nothing(store: GraphStore, user: str) -> None:
    store.replace(user, PERSONA)
    assert store.replace(user, Graph(PERSONA.nodes[::-1], PERSONA.edges[::-1])) == 0
    assert store.digest(user) == PERSONA.digest()


def test_only_the_difference_is_written(store: GraphStore, user: str) -> None:
    store.replace(user, PERSONA)
    renamed = Node("trait:2", NodeLabel.TRAIT, {"traitName": "A printer", "traitCategory": "Skill"})
    kept = tuple(edge for edge in PERSONA.edges if edge.type is not EdgeType.DISCUSSED_CONCEPT)
    changed = Graph((USER, CHESS, renamed, CONCEPT, LETTER), kept)
    assert store.replace(user, changed) == 2
    assert store.digest(user) == changed.digest()


def test_a_node_may_become_something_else(store: GraphStore, user: str) -> None:
    store.replace(user, Graph((Node("x", NodeLabel.SKILL, {"name": "chess"}),)))
    store.replace(user, Graph((Node("x", NodeLabel.INTEREST, {"name": "chess"}),)))
    assert store.digest(user) == Graph((Node("x", NodeLabel.INTEREST, {"name": "chess"}),)).digest()


def test_replacing_by_nothing_leaves_nothing(store: GraphStore, user: str) -> None:
    store.replace(user, PERSONA)
    assert store.replace(user, Graph()) == 11
    assert store.digest(user) == Graph().digest()


def test_nobody_elses_graph_is_touched(store: GraphStore, user: str) -> None:
    other = f"{user}-other"
    store.replace(user, PERSONA)
    store.replace(other, Graph((USER,)))
    assert store.replace(user, Graph()) == 11
    assert store.digest(other) == Graph((USER,)).digest()
    store.replace(user, PERSONA)
    assert store.delete_user(other) == 1
    assert store.digest(user) == PERSONA.digest()


def test_deleting_takes_all_of_a_person(store: GraphStore, user: str) -> None:
    store.replace(user, PERSONA)
    assert store.delete_user(user) == 11
    assert store.read(user) == Graph()


def test_without_a_question_the_walk_starts_at_the_user(store: GraphStore, user: str) -> None:
    store.replace(user, PERSONA)
    assert ids(store.read(user, depth=0)) == {"user"}
    assert ids(store.read(user, depth=1)) == {"user", "trait:1", "trait:2", "concept:chess"}
    assert store.read(user).digest() == PERSONA.digest()


def test_around_a_concept_whatever_its_case(store: GraphStore, user: str) -> None:
    store.replace(user, PERSONA)
    near = store.read(user, concept="CHESS", depth=1)
    assert ids(near) == {"concept:chess", "trait:1", "user"}
    assert {edge.key for edge in near.edges} == {
        ("user", "HAS_TRAIT", "trait:1"),
        ("user", "DISCUSSED_CONCEPT", "concept:chess"),
        ("trait:1", "ASSOCIATED_WITH_CONCEPT", "concept:chess"),
    }
    assert ids(store.read(user, concept="chess", depth=2)) == {"concept:chess", "trait:1", "user", "source:1"}
    assert store.read(user, concept="cello") == Graph()


def test_around_a_category_without_passing_through_the_user(store: GraphStore, user: str) -> None:
    store.replace(user, PERSONA)
    assert ids(store.read(user, category="Skill", depth=1)) == {"trait:2", "user", "source:1"}
    assert ids(store.read(user, category="Skill", depth=2)) == {"trait:2", "user", "source:1", "trait:1"}
    assert store.read(user, category="KnowledgeDomain") == Graph()


def test_near_a_concept_and_a_category_at_once(store: GraphStore, user: str) -> None:
    store.replace(user, PERSONA)
    assert ids(store.read(user, concept="chess", category="Skill", depth=1)) == {"user"}
    assert ids(store.read(user, concept="chess", category="Interest", depth=1)) == {"user", "trait:1", "concept:chess"}


def test_writers_at_once_leave_one_of_their_graphs_whole(store: GraphStore, user: str) -> None:
    graphs = [
        Graph(
            (USER, *(Node(f"trait:{n}-{i}", NodeLabel.TRAIT, {"n": n}) for i in range(10))),
            tuple(Edge("user", EdgeType.HAS_TRAIT, f"trait:{n}-{i}") for i in range(10)),
        )
        for n in range(6)
    ]
    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(store.replace, user, graph) for graph in graphs]
        # A reader never sees an edge without its nodes, or two graphs at once: `Graph` would refuse the one.
        seen = [store.read(user) for _ in range(20)]
        for write in writing:
            write.result()
    assert {len({node.properties.get("n") for node in graph.nodes} - {None}) for graph in seen} <= {0, 1}
    assert store.digest(user) in {graph.digest() for graph in graphs}


NAMES = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=10)
PROPERTIES = st.dictionaries(
    st.from_regex(r"[a-zA-Z]{1,8}", fullmatch=True),
    NAMES | st.booleans() | st.integers(-(2**31), 2**31) | st.floats(-1e6, 1e6) | st.lists(NAMES, max_size=3),
    max_size=3,
)


@st.composite
def any_graphs(draw: st.DrawFn) -> Graph:
    names = draw(st.lists(st.sampled_from(["user", "a", "b:1", "é", "concept:x y"]), unique=True))
    nodes = tuple(Node(name, draw(st.sampled_from(NodeLabel)), draw(PROPERTIES)) for name in names)
    keys = st.tuples(st.sampled_from(names), st.sampled_from(EdgeType), st.sampled_from(names))
    edges = draw(st.lists(keys, unique=True, max_size=6)) if names else []
    return Graph(nodes, tuple(Edge(source, kind, target, draw(PROPERTIES)) for source, kind, target in edges))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(any_graphs(), any_graphs())
def test_whatever_was_there_before_the_graph_is_the_new_one(
    store: GraphStore, user: str, before: Graph, after: Graph
) -> None:
    store.replace(user, before)
    store.replace(user, after)
    assert store.digest(user) == after.digest()
    assert store.replace(user, after) == 0
