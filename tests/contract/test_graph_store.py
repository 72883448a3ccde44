"""What every graph store does. A new one is one more entry of `STORES`."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.pkg import Edge, Graph, GraphStore, Node, graph_store
from app.vocabulary import EdgeType, NodeLabel
from scripts.stores.server import LocalServer
from tests.graph_servers import chosen

#: Name of the store to the fixture of the server it needs, and what else is set.
STORES: dict[str, tuple[str, dict[str, str]]] = {
    "gremlin": ("gremlin_server", {}),
    "neo4j": ("neo4j_server", {"ECHO_GRAPH_DRIVER": "neo4j"}),
    "postgres": ("postgres", {}),
    "py2neo": ("neo4j_server", {"ECHO_GRAPH_DRIVER": "py2neo"}),
}


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest) -> Iterator[GraphStore]:
    name, variables = STORES[request.param]
    server = request.getfixturevalue(name)
    with chosen(server if isinstance(server, LocalServer) else None, **variables):
        made = graph_store()
        made.prepare()
        yield made


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


def test_what_a_person_has_is_counted_and_found(store: GraphStore, user: str) -> None:
    other = f"{user}-other"
    store.replace(user, PERSONA)
    store.replace(other, Graph((USER,)))
    assert (store.count(user), store.count(other), store.count(f"{user}-nobody")) == (11, 1, 0)
    # An id, a property, an item of a list, a number; the concept and its two edges have it in their ids.
    assert store.search(user, ["Works as a"]) == 1
    assert store.search(user, ["0.75"]) == 1
    assert store.search(user, ["concept:chess"]) == 3
    assert store.search(user, ["nowhere", "2031", "Works as a"]) == 2
    assert store.search(user, ["nowhere"]) == store.search(user, []) == store.search(other, ["chess"]) == 0
    assert store.delete_user(user) == 11
    assert (store.count(user), store.search(user, ["chess"]), store.count(other)) == (0, 0, 1)


def test_lists_keep_order_and_repetitions_and_may_be_empty(store: GraphStore, user: str) -> None:
    held = Node("user", NodeLabel.USER, {"twice": ["b", "a", "b"], "none": [], "numbers": [1, 2.5, 3], "yes": True})
    store.replace(user, Graph((held,)))
    [back] = store.read(user).nodes
    assert dict(back.properties) == dict(held.properties)
    assert store.digest(user) == Graph((held,)).digest()
    assert store.search(user, ["b"]) == 1


def test_whole_numbers_of_any_size_are_kept(store: GraphStore, user: str) -> None:
    sizes = {f"n{bits}": 2**bits for bits in (30, 31, 32, 62, 63, 64, 80)} | {"low": -(2**31) - 1, "lower": -(2**70)}
    graph = Graph((Node("user", NodeLabel.USER, sizes),))
    store.replace(user, graph)
    assert store.digest(user) == graph.digest()
    assert store.replace(user, graph) == 0


def test_names_of_the_stores_own_keys_are_free_to_use(store: GraphStore, user: str) -> None:
    taken = {"userID": "u", "id": "i", "digest": "d", "label": "l", "own_id": "o", "json_id": "j", "type": "t"}
    graph = Graph(
        (Node("user", NodeLabel.USER, taken), Node("x", NodeLabel.SKILL, {"id": ["a"]})),
        (Edge("user", EdgeType.POSSESSES_SKILL, "x", taken),),
    )
    store.replace(user, graph)
    assert store.digest(user) == graph.digest()
    assert store.replace(user, graph) == 0


def test_what_a_node_no_longer_has_is_gone(store: GraphStore, user: str) -> None:
    store.replace(user, Graph((Node("x", NodeLabel.SKILL, {"a": 1, "b": [1], "c": "x"}),)))
    fewer = Graph((Node("x", NodeLabel.SKILL, {"a": True, "b": "text"}),))
    assert store.replace(user, fewer) == 1
    assert store.digest(user) == fewer.digest()


def test_edges_come_along_when_a_node_becomes_something_else(store: GraphStore, user: str) -> None:
    store.replace(user, PERSONA)
    other = Node("trait:1", NodeLabel.CONCEPT, CHESS.properties)
    changed = Graph((USER, other, PRINTER, CONCEPT, LETTER), PERSONA.edges)
    assert store.replace(user, changed) == 1
    assert store.digest(user) == changed.digest()


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


GAMES = Node("concept:board games", NodeLabel.CONCEPT, {"name": "board games"})
PATIENCE = Node("concept:patience", NodeLabel.CONCEPT, {"name": "patience"})
HONEY = Node("concept:honey", NodeLabel.CONCEPT, {"name": "honey"})
RELATED = Graph(
    (USER, CONCEPT, GAMES, PATIENCE, HONEY),
    (
        *(Edge("user", EdgeType.DISCUSSED_CONCEPT, one.id, {"places": 3}) for one in (CONCEPT, GAMES, PATIENCE, HONEY)),
        Edge("concept:chess", EdgeType.IS_A_TYPE_OF, "concept:board games", {"packages": 2}),
        Edge("concept:chess", EdgeType.ASSOCIATED_WITH_CONCEPT, "concept:board games", {"packages": 1}),
        Edge("concept:board games", EdgeType.ASSOCIATED_WITH_CONCEPT, "concept:patience", {"packages": 1}),
    ),
)


def test_concepts_relate_to_each_other_in_more_than_one_way(store: GraphStore, user: str) -> None:
    assert store.replace(user, RELATED) == 12
    assert store.read(user, depth=1).as_json() == RELATED.as_json()
    assert store.digest(user) == RELATED.digest()
    assert ids(store.read(user, concept="Patience", depth=2)) == {
        "concept:patience", "concept:board games", "concept:chess", "user",
    }  # fmt: skip
    assert ids(store.read(user, concept="chess", depth=1)) == {"concept:chess", "concept:board games", "user"}
    turned = Edge("concept:board games", EdgeType.IS_A_TYPE_OF, "concept:chess", {"packages": 3})
    other = Graph(RELATED.nodes, (*(edge for edge in RELATED.edges if edge.type is not turned.type), turned))
    assert store.replace(user, other) == 2
    assert store.digest(user) == other.digest()


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
    # The first graph of a person has no rival: projections hold a lock of PostgreSQL besides.
    store.replace(user, Graph((USER,)))
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


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(any_graphs(), any_graphs())
def test_whatever_was_there_before_the_graph_is_the_new_one(
    store: GraphStore, user: str, before: Graph, after: Graph
) -> None:
    store.replace(user, before)
    store.replace(user, after)
    assert store.digest(user) == after.digest()
    assert store.replace(user, after) == 0
