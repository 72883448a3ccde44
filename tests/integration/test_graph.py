"""The persona graph follows PostgreSQL: what is in it, and that nothing is lost or done twice on the way."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, delete, insert, select, text, update

from app.cli.embedded import Postgres
from app.database import transaction
from app.errors import InvalidInput
from app.models import (
    CommunicationStyles,
    EvidenceSnippet,
    ExtractedTraitCandidate,
    GraphNode,
    GraphOutbox,
    SettledTrait,
    UserDataPackage,
    UserRefinedTrait,
)
from app.pkg import graph_store
from app.services import graph
from app.vocabulary import CandidateStatus, TraitCategory, UserDecision

NOW = datetime(2031, 1, 2, 3, 4, 5, tzinfo=UTC)


class Person:
    """A person of their own in the database, changed as the services would."""

    def __init__(self) -> None:
        self.id = f"user-{uuid4().hex}"

    def changed(self, connection: Connection, cause: str = "merge") -> None:
        connection.execute(insert(GraphOutbox).values(user_id=self.id, cause=cause))

    def package(self) -> UUID:
        package_id = uuid4()
        with transaction() as connection:
            connection.execute(
                insert(UserDataPackage).values(
                    package_id=package_id,
                    user_id=self.id,
                    consent_token_id=uuid4(),
                    source_description="letters",
                    file_name="letters.txt",
                    data_type="text",
                    media_type="text/plain",
                    size_bytes=1,
                    sha256="",
                    object_key="",
                    request_fingerprint="",
                    details={},
                )
            )
        return package_id

    def candidate(
        self,
        key: str,
        category: TraitCategory = TraitCategory.BEHAVIORAL_PATTERN,
        evidence: dict[UUID, int] | None = None,
        status: CandidateStatus = CandidateStatus.CANDIDATE,
        counter: dict[UUID, int] | None = None,
    ) -> UUID:
        candidate_id = uuid4()
        with transaction() as connection:
            connection.execute(
                insert(ExtractedTraitCandidate).values(
                    candidate_id=candidate_id,
                    user_id=self.id,
                    trait_key=key,
                    trait_name=f"Name of {key}"[:60],
                    trait_description="A sentence.",
                    trait_category=str(category),
                    claim_kind="observed",
                    confidence_score=0.75,
                    confidence={},
                    rank=1.0,
                    originating_models=[],
                    feature_set_ids=[],
                    status=str(status),
                    created_at=NOW,
                    updated_at=NOW,
                )
            )
            for against, places in ((False, evidence or {}), (True, counter or {})):
                for package_id, number in places.items():
                    for position in range(number):
                        connection.execute(
                            insert(EvidenceSnippet).values(
                                evidence_id=uuid4(),
                                candidate_id=candidate_id,
                                user_id=self.id,
                                package_id=package_id,
                                counter=against,
                                position=position,
                                type="text_quote",
                                locator={},
                                sha256="",
                                label="",
                                verified_by="exact",
                            )
                        )
            self.changed(connection)
        return candidate_id

    def settle(
        self,
        candidate_id: UUID | None,
        category: TraitCategory,
        name: str = "Settled",
        evidence: list[str] | None = None,
    ) -> UUID:
        trait_id = uuid4()
        with transaction() as connection:
            connection.execute(
                insert(SettledTrait).values(
                    trait_id=trait_id,
                    user_id=self.id,
                    candidate_id=candidate_id,
                    trait_name=name,
                    trait_description="In my words.",
                    trait_category=str(category),
                    origin="ai_confirmed_user" if candidate_id else "user_defined",
                    status="active",
                    user_confidence_rating=4,
                    created_at=NOW,
                    updated_at=NOW,
                )
            )
            if candidate_id:
                connection.execute(
                    update(ExtractedTraitCandidate)
                    .where(ExtractedTraitCandidate.candidate_id == candidate_id)
                    .values(status=str(CandidateStatus.CONFIRMED))
                )
            self.decide(connection, trait_id, evidence)
            self.changed(connection, "decision")
        return trait_id

    def decide(
        self, connection: Connection, trait_id: UUID, evidence: list[str] | None, undoes: UUID | None = None
    ) -> UUID:
        action_id = uuid4()
        connection.execute(
            insert(UserRefinedTrait).values(
                refinement_action_id=action_id,
                user_id=self.id,
                trait_id_in_pkg=trait_id,
                user_decision=str(UserDecision.SUPERSEDED if undoes else UserDecision.CONFIRMED_MODIFIED),
                linked_evidence_override=evidence,
                undoes=undoes,
                action_timestamp=NOW,
            )
        )
        return action_id

    def evidence(self, candidate_id: UUID) -> list[str]:
        with transaction() as connection:
            query = select(EvidenceSnippet.evidence_id).where(EvidenceSnippet.candidate_id == candidate_id)
            return sorted(str(found) for found in connection.execute(query).scalars())

    def graph(self, concept: str | None = None, category: str | None = None, depth: int = 2) -> Shown:
        return Shown(graph.read(self.id, concept=concept, category=category, depth=depth))


class Shown:
    """A graph as a client gets it."""

    def __init__(self, document: dict[str, list[dict[str, Any]]]) -> None:
        self.nodes = {node["id"]: node for node in document["nodes"]}
        self.edges = {(edge["source"], edge["type"], edge["target"]): edge for edge in document["edges"]}

    def labels(self) -> dict[str, str]:
        return {key: node["label"] for key, node in self.nodes.items()}

    def types(self) -> set[str]:
        return {kind for _, kind, _ in self.edges}


@pytest.fixture
def person(postgres: Postgres) -> Iterator[Person]:
    made = Person()
    yield made
    with transaction() as connection:
        connection.execute(delete(GraphOutbox).where(GraphOutbox.user_id == made.id))


def test_somebody_with_nothing_has_an_empty_graph(person: Person) -> None:
    assert graph.read(person.id) == {"nodes": [], "edges": []}
    assert graph.project(person.id) is False


def test_a_candidate_is_proposed_with_its_sources(person: Person) -> None:
    first, second = person.package(), person.package()
    candidate = person.candidate("habit:questions:high", evidence={first: 2, second: 1}, counter={second: 1})
    shown = person.graph()
    trait = f"trait:{candidate}"
    assert shown.labels() == {
        "user": "User",
        trait: "Trait",
        f"source:{first}": "SourceDataReferenceNode",
        f"source:{second}": "SourceDataReferenceNode",
    }
    assert ("user", "HAS_CANDIDATE_TRAIT", trait) in shown.edges
    assert shown.nodes[trait]["properties"]["status"] == "candidate_in_pkg"
    assert shown.nodes[trait]["properties"]["origin"] == "derived_system"
    assert shown.nodes[f"source:{first}"]["properties"]["packageID"] == str(first)
    counts = {
        key[2]: {name: len(ids) for name, ids in edge["properties"].items()}
        for key, edge in shown.edges.items()
        if key[1] == "MANIFESTED_AS_EVIDENCE"
    }
    assert counts == {
        f"source:{first}": {"evidenceIDs": 2},
        f"source:{second}": {"evidenceIDs": 1, "counterEvidenceIDs": 1},
    }


@pytest.mark.parametrize(
    ("category", "kind", "label"),
    [
        (TraitCategory.SKILL, "POSSESSES_SKILL", "Skill"),
        (TraitCategory.INTEREST, "HAS_INTEREST_IN", "Interest"),
        (TraitCategory.EMOTIONAL_RESPONSE_PATTERN, "EXHIBITS_EMOTIONAL_PATTERN", "Emotion"),
        (TraitCategory.COMMUNICATION_STYLE, "ADOPTS_COMMUNICATION_STYLE", "CommunicationStyleElement"),
        (TraitCategory.LINGUISTIC_STYLE, "ADOPTS_COMMUNICATION_STYLE", "CommunicationStyleElement"),
    ],
)
def test_a_settled_trait_becomes_what_its_category_says(
    person: Person, category: TraitCategory, kind: str, label: str
) -> None:
    package_id = person.package()
    candidate = person.candidate("habit:x", category, {package_id: 1})
    settled = person.settle(candidate, category)
    shown = person.graph()
    trait = f"trait:{settled}"
    [element] = [key for key, found in shown.labels().items() if found == label]
    assert shown.types() == {"HAS_TRAIT", kind, "IS_A_TYPE_OF", "MANIFESTED_AS_EVIDENCE"}
    assert shown.edges["user", kind, element]["properties"] == {"status": "active"}
    assert (trait, "IS_A_TYPE_OF", element) in shown.edges
    assert (
        shown.nodes[trait]["properties"] | {"origin": "ai_confirmed_user", "userConfidenceRating": 4}
        == (shown.nodes[trait]["properties"])
    )
    assert f"trait:{candidate}" not in shown.nodes


@pytest.mark.parametrize("category", list(TraitCategory))
def test_every_category_can_be_drawn_proposed_and_settled(person: Person, category: TraitCategory) -> None:
    person.candidate("habit:x", category)
    person.settle(None, category)
    shown = person.graph()
    assert {"HAS_TRAIT", "HAS_CANDIDATE_TRAIT"} <= shown.types()
    # Where a category has a thing of its own, the person's edge says whether it is settled.
    statuses = [edge["properties"]["status"] for edge in shown.edges.values() if edge["properties"]]
    assert sorted(statuses) in ([], ["active", "candidate_in_pkg"])


@pytest.mark.parametrize("status", [CandidateStatus.REJECTED, CandidateStatus.SUPERSEDED])
def test_what_was_rejected_or_archived_is_not_in_the_graph(person: Person, status: CandidateStatus) -> None:
    person.candidate("topic:chess", TraitCategory.INTEREST, {person.package(): 1}, status)
    assert graph.read(person.id) == {"nodes": [], "edges": []}


def test_a_rejection_takes_the_trait_out_and_leaves_the_others(person: Person) -> None:
    package_id = person.package()
    kept, rejected = person.candidate("habit:a", evidence={package_id: 1}), person.candidate("topic:chess")
    assert "concept:chess" in person.graph().nodes
    with transaction() as connection:
        connection.execute(
            update(ExtractedTraitCandidate)
            .where(ExtractedTraitCandidate.candidate_id == rejected)
            .values(status=str(CandidateStatus.REJECTED))
        )
        person.changed(connection, "decision")
    assert set(person.graph().nodes) == {"user", f"trait:{kept}", f"source:{package_id}"}


def test_topics_are_concepts_and_can_be_asked_for(person: Person) -> None:
    interest = person.candidate("topic:chess", TraitCategory.INTEREST)
    person.candidate("habit:questions:high")
    shown = person.graph(concept="Chess", depth=1)
    assert shown.nodes["concept:chess"]["properties"] == {"name": "chess"}
    assert ("user", "DISCUSSED_CONCEPT", "concept:chess") in shown.edges
    assert (f"trait:{interest}", "ASSOCIATED_WITH_CONCEPT", "concept:chess") in shown.edges
    assert set(shown.nodes) == {"user", "concept:chess", f"trait:{interest}"}
    assert set(person.graph(category="Interest", depth=0).nodes) == {f"trait:{interest}"}


def test_a_topic_with_a_very_long_name_still_has_an_id(person: Person) -> None:
    name = "x" * 249
    person.candidate(f"topic:{name}")
    [concept] = [node for node in person.graph().nodes.values() if node["label"] == "Concept"]
    assert len(concept["id"]) <= 255
    assert concept["properties"]["name"] == name


def test_the_person_chooses_the_evidence_until_that_decision_is_undone(person: Person) -> None:
    package_id = person.package()
    candidate = person.candidate("habit:a", evidence={package_id: 3}, counter={package_id: 1})
    every = person.evidence(candidate)
    with transaction() as connection:
        query = select(EvidenceSnippet.evidence_id).where(
            EvidenceSnippet.candidate_id == candidate, EvidenceSnippet.counter.is_(False)
        )
        chosen = str(connection.execute(query).scalars().first())
    settled = person.settle(candidate, TraitCategory.SKILL)
    key = (f"trait:{settled}", "MANIFESTED_AS_EVIDENCE", f"source:{package_id}")
    with transaction() as connection:
        action = person.decide(connection, settled, [chosen])
        person.changed(connection, "decision")
    narrowed = person.graph().edges[key]["properties"]
    assert narrowed["evidenceIDs"] == [chosen]
    with transaction() as connection:
        person.decide(connection, settled, None, undoes=action)
        person.changed(connection, "decision")
    widened = person.graph().edges[key]["properties"]
    assert sorted(widened["evidenceIDs"] + widened["counterEvidenceIDs"]) == every


def test_preferences_are_styles_of_the_person(person: Person) -> None:
    with transaction() as connection:
        preferences = {"tone": "warm", "emoji": False, "languages": ["en", "de"], "unset": None}
        connection.execute(
            insert(CommunicationStyles).values(user_id=person.id, preferences=preferences, updated_at=NOW)
        )
        person.changed(connection, "styles")
    shown = person.graph()
    styles = [node["properties"] for node in shown.nodes.values() if node["id"] != "user"]
    assert {style["name"]: style["preference"] for style in styles} == {
        "tone": "warm",
        "emoji": False,
        "languages": ["en", "de"],
    }
    assert shown.types() == {"ADOPTS_COMMUNICATION_STYLE"}


def test_people_read_their_own_writes_and_never_each_others(person: Person) -> None:
    other = Person()
    person.candidate("habit:a")
    other.candidate("habit:b")
    assert len(person.graph().nodes) == len(other.graph().nodes) == 2
    assert person.graph().nodes.keys() & other.graph().nodes.keys() == {"user"}
    person.candidate("habit:c")
    assert len(person.graph().nodes) == 3


def test_the_one_who_waits_longest_is_projected_first(person: Person) -> None:
    other = Person()
    person.candidate("habit:a")
    other.candidate("habit:b")
    person.candidate("habit:c")
    waiting = [one for one in graph.pending(10_000) if one in {person.id, other.id}]
    assert waiting == [person.id, other.id]
    assert len(graph.pending(1)) == 1
    assert graph.project(person.id) is True
    assert person.id not in graph.pending(10_000)
    assert graph.project(person.id) is False
    assert graph.project(other.id) is True


def test_a_change_that_commits_late_is_not_taken_as_applied(person: Person) -> None:
    with transaction() as late:
        person.changed(late)
        person.candidate("habit:a")
        assert graph.project(person.id) is True
        assert person.id not in graph.pending(10_000)
    assert person.id in graph.pending(10_000)
    assert graph.project(person.id) is True


def row_versions(person: Person) -> set[tuple[str, str]]:
    """Which row versions the graph is made of; a rewritten row has another place."""
    with transaction() as connection:
        query = text("SELECT node_id, ctid::text FROM graph_nodes WHERE user_id = :user")
        return {(row.node_id, row.ctid) for row in connection.execute(query, {"user": person.id})}


def test_projecting_again_writes_only_what_changed(person: Person) -> None:
    person.candidate("topic:chess", TraitCategory.INTEREST, {person.package(): 3})
    graph.project(person.id)
    before = row_versions(person)
    with transaction() as connection:
        person.changed(connection)
    assert graph.project(person.id) is True
    assert row_versions(person) == before
    added = person.candidate("habit:a")
    graph.project(person.id)
    assert {node for node, _ in row_versions(person) - before} == {f"trait:{added}"}


def test_rebuilding_repairs_a_damaged_graph(person: Person) -> None:
    person.candidate("topic:chess", TraitCategory.INTEREST, {person.package(): 3})
    graph.project(person.id)
    before = graph_store().digest(person.id)
    with transaction() as connection:
        damaged = GraphNode.label == "Trait"
        connection.execute(update(GraphNode).where(GraphNode.user_id == person.id, damaged).values(properties={}))
    assert graph_store().digest(person.id) != before
    assert graph.rebuild(person.id) == {person.id: before}
    assert graph.rebuild()[person.id] == before
    assert graph_store().digest(person.id) == before


def test_many_writers_and_projectors_at_once_end_in_the_graph_of_the_truth(person: Person) -> None:
    package_id = person.package()

    def write(number: int) -> None:
        candidate = person.candidate(f"topic:t{number}", TraitCategory.INTEREST, {package_id: 1})
        graph.project(person.id)
        if number % 2:
            person.settle(candidate, TraitCategory.INTEREST)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(9)))
        list(pool.map(lambda _: graph.project(person.id), range(3)))
    assert person.id not in graph.pending(10_000)
    projected = graph_store().digest(person.id)
    graph_store().delete_user(person.id)
    assert graph.rebuild(person.id) == {person.id: projected}
    shown = person.graph()
    assert sum(kind == "HAS_TRAIT" for _, kind, _ in shown.edges) == 4
    assert sum(kind == "HAS_CANDIDATE_TRAIT" for _, kind, _ in shown.edges) == 5


@pytest.mark.parametrize("asked", [{"depth": -1}, {"depth": 6}, {"category": "Nonsense"}, {"category": ""}])
def test_what_cannot_be_asked_is_refused(person: Person, asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        graph.read(person.id, **asked)
