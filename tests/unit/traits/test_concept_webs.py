"""Concepts of packages, and the web that they make together."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import networkx as nx  # type: ignore[import-untyped]  # it has no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.layers import Segment, TextLayer
from app.traits.concepts import Concepts, Web, concept_key, is_term, one_way, woven
from app.traits.rules_concepts import concepts
from app.traits.signals import Measured
from app.vocabulary import Authorship, RelationKind

IS, NEAR = RelationKind.IS_A_TYPE_OF, RelationKind.ASSOCIATED_WITH


def found(name: str, places: int = 2, *relations: tuple[str, str]) -> dict[str, Any]:
    related = [{"relation": relation, "to": to} for relation, to in relations]
    return {"name": name.capitalize(), "object": name, "places": places, "relations": related}


def read(*findings: dict[str, Any], authorship: Authorship = Authorship.SELF, rate: float = 0.0) -> Concepts:
    layer = TextLayer("I keep bees.", segments=(Segment(0, 12),))
    features = {"findings": [*findings], "firstPersonRate": rate}
    return concepts(Measured("llm.concepts", uuid4(), features, layer, authorship))


def test_a_package_is_about_what_it_shows_in_two_places() -> None:
    bees = found("beekeeping", 3, ("is_a_type_of", "husbandry"), ("associated_with", "honey"))
    told = read(bees, found("husbandry", 2), found("honey", 1), {**found("patience"), "object": ""})
    assert told.places == {"beekeeping": 3, "husbandry": 2, "patience": 2}
    assert told.relations == {("beekeeping", IS, "husbandry")}


def test_terms_that_fold_to_one_are_one_and_relate_to_others_once() -> None:
    told = read(
        found("the bees", 2, ("associated_with", "Honey")),
        found("bee", 5, ("is_a_type_of", "Bees"), ("associated_with", "a honey")),
        found("honey", 2, ("associated_with", "bees")),
    )
    assert told == Concepts({"bee": 5, "honey": 2}, frozenset({("bee", NEAR, "honey")}))


@pytest.mark.parametrize("name", ["one two three four five six", "+++", "C"])
def test_a_concept_is_a_term(name: str) -> None:
    assert is_term(name) is (name == "C")
    assert bool(read(found(name)).places) is (name == "C")


@pytest.mark.parametrize(
    ("authorship", "rate", "theirs"),
    [
        (Authorship.SELF, 0.0, True), (Authorship.UNKNOWN, 3.0, True), (Authorship.UNKNOWN, 0.2, False),
        (Authorship.OTHER, 9.0, False), (Authorship.FICTION, 9.0, False), (Authorship.MIXED, 2.0, True),
    ],
)  # fmt: skip
def test_somebody_elses_text_says_nothing_about_the_person(authorship: Authorship, rate: float, theirs: bool) -> None:
    assert bool(read(found("bees"), authorship=authorship, rate=rate).places) is theirs


def test_places_add_up_and_the_name_shown_most_is_taken() -> None:
    web = woven([("bee", 3), ("bees", 5), ("honey", 1)], [("bee", NEAR, "honey", 1), ("honey", NEAR, "bees", 2)])
    assert web.places == {"bees": 8, "honey": 1}
    assert [*web.relations.items()] == [(one_way("bees", NEAR, "honey"), 3)]


def test_a_topic_that_is_a_trait_gives_its_name() -> None:
    web = woven([("bees", 5)], [], topics=["bee", "chess"])
    assert (web.places, web.names) == ({"bee": 5}, {"topic:bee": "bee", "topic:chess": "chess"})


def test_what_is_hidden_takes_its_relations_along() -> None:
    told = [("bees", 2), ("honey", 2), ("wax", 2)]
    related = [("bees", IS, "honey", 1), ("wax", NEAR, "bees", 1), ("wax", NEAR, "honey", 1)]
    web = woven(told, related, hidden={concept_key("Bee")})
    assert web.places == {"honey": 2, "wax": 2}
    assert [*web.relations] == [one_way("wax", NEAR, "honey")]


def test_nothing_relates_to_itself_or_to_what_no_package_is_about() -> None:
    assert woven([("bee", 2)], [("bee", IS, "bees", 1), ("bee", NEAR, "wax", 1)]).relations == {}


@pytest.mark.parametrize(
    ("packages", "kept"),
    [
        ({"ab": 2, "ba": 1}, {"ab"}),
        ({"ab": 1, "ba": 1}, set()),
        ({"ab": 1, "bc": 1, "ca": 1}, set()),
        ({"ab": 3, "bc": 2, "ca": 1}, {"ab", "bc"}),
        ({"ab": 2, "bc": 1, "ca": 1, "cd": 1}, {"ab", "cd"}),
        # The circle is broken at its weakest place, and what leads from one circle to another is none of it.
        ({"ab": 1, "ba": 1, "bc": 1, "cd": 1, "dc": 1}, {"bc"}),
    ],
)
def test_what_packages_contradict_each_other_about_is_decided_by_their_number(
    packages: dict[str, int], kept: set[str]
) -> None:
    related = [(source, IS, target, number) for (source, target), number in packages.items()]
    web = woven([(name, 1) for name in "abcd"], related)
    assert {source + target for source, _, target in web.relations} == kept


WORDS = st.sampled_from(["bee", "bees", "Bee", "wax", "honey", "hive", "hives", "the hive", "+", "C"])
TOLD = st.lists(st.tuples(WORDS, st.integers(2, 9)), max_size=8)
RELATED = st.lists(st.tuples(WORDS, st.sampled_from(RelationKind), WORDS, st.integers(1, 3)), max_size=14)


@given(TOLD, RELATED, st.lists(WORDS, max_size=3), st.sets(WORDS.map(concept_key), max_size=2))
def test_a_web_has_no_circle_no_loop_no_double_and_nothing_hidden(
    told: list[tuple[str, int]],
    related: list[tuple[str, RelationKind, str, int]],
    topics: list[str],
    hidden: set[str],
) -> None:
    web = woven(told, related, topics, hidden - {concept_key(name) for name in topics})
    keys = [concept_key(name) for name in web.places]
    assert len(keys) == len(set(keys))
    assert {concept_key(name) for name in topics} <= web.names.keys()
    for source, _, target in web.relations:
        assert source != target
        assert {source, target} <= web.places.keys()
    assert nx.is_directed_acyclic_graph(nx.DiGraph([(a, b) for a, kind, b in web.relations if kind is IS]))
    near = [frozenset((a, b)) for a, kind, b in web.relations if kind is NEAR]
    assert len(near) == len(set(near))
    shuffled: Web = woven(told[::-1], related[::-1], topics, hidden - {concept_key(name) for name in topics})
    assert shuffled == web
    # Whatever no circle goes through is kept.
    names = {name for name, _ in told}
    said = {(concept_key(a), concept_key(b)) for a, kind, b, _ in related if kind is IS and {a, b} <= names}
    general = nx.DiGraph([(a, b) for a, b in said if a != b])
    circles = {n: i for i, part in enumerate(nx.strongly_connected_components(general)) for n in part}
    shown = {concept_key(name) for name in web.places}
    straight = {(a, b) for a, b in general.edges if circles[a] != circles[b] and {a, b} <= shown}
    assert straight <= {(concept_key(a), concept_key(b)) for a, kind, b in web.relations if kind is IS}
