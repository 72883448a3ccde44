"""A person's knowledge graph drawn from PostgreSQL, which is the truth.

::

    User -HAS_TRAIT-> Trait                     settled
    User -HAS_CANDIDATE_TRAIT-> Trait           proposed, not decided yet
    User -POSSESSES_SKILL ...-> Skill ...       by the trait's category; `status` tells settled from proposed
    Trait -IS_A_TYPE_OF-> Skill ...
    Trait -MANIFESTED_AS_EVIDENCE-> SourceDataReferenceNode     one for each package; evidence ids on the edge
    User -DISCUSSED_CONCEPT-> Concept <-ASSOCIATED_WITH_CONCEPT- Trait      `places` in all packages
    Concept -IS_A_TYPE_OF-> Concept                         the more general one; `packages` that say so
    Concept -ASSOCIATED_WITH_CONCEPT-> Concept              one edge, whichever way; likewise
    User -ADOPTS_COMMUNICATION_STYLE-> CommunicationStyleElement    also for each preference the person set

What the person rejected, and what a later analysis archived, is not in the graph; nor is the concept of a topic that
they rejected, whatever package is about it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from app.database import AnyRow
from app.models import (
    CommunicationStyles,
    EvidenceSnippet,
    ExtractedTraitCandidate,
    SettledTrait,
    UserDataPackage,
    UserRefinedTrait,
)
from app.pkg import Edge, Graph, Node, Property
from app.services import concepts
from app.traits.concepts import TOPIC, concept_key
from app.vocabulary import (
    CandidateStatus,
    ClaimKind,
    EdgeType,
    NodeLabel,
    RelationKind,
    TraitCategory,
    TraitOrigin,
    TraitStatus,
    UserDecision,
)

#: Characters of a node's id in every store.
MAX_ID = 255

USER = "user"

_AnySelect = Select[*tuple[Any, ...]]

#: What the person's edge says for a trait of that category, and what it leads to.
BY_CATEGORY = {
    TraitCategory.SKILL: (EdgeType.POSSESSES_SKILL, NodeLabel.SKILL),
    TraitCategory.INTEREST: (EdgeType.HAS_INTEREST_IN, NodeLabel.INTEREST),
    TraitCategory.EMOTIONAL_RESPONSE_PATTERN: (EdgeType.EXHIBITS_EMOTIONAL_PATTERN, NodeLabel.EMOTION),
    TraitCategory.COMMUNICATION_STYLE: (
        EdgeType.ADOPTS_COMMUNICATION_STYLE,
        NodeLabel.COMMUNICATION_STYLE_ELEMENT,
    ),
    TraitCategory.LINGUISTIC_STYLE: (EdgeType.ADOPTS_COMMUNICATION_STYLE, NodeLabel.COMMUNICATION_STYLE_ELEMENT),
}
#: The edge between two concepts.
BY_RELATION = {
    RelationKind.IS_A_TYPE_OF: EdgeType.IS_A_TYPE_OF,
    RelationKind.ASSOCIATED_WITH: EdgeType.ASSOCIATED_WITH_CONCEPT,
}


@dataclass(slots=True)
class _Drawing:
    """A graph in the making; what is drawn twice is there once."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[tuple[str, str, str], Edge] = field(default_factory=dict)

    def node(self, node_id: str, label: NodeLabel, **properties: Property | None) -> str:
        self.nodes[node_id] = Node(node_id, label, _known(properties))
        return node_id

    def edge(self, source: str, kind: EdgeType, target: str, **properties: Property | None) -> None:
        drawn = Edge(source, kind, target, _known(properties))
        self.edges[drawn.key] = drawn

    def graph(self) -> Graph:
        return Graph(tuple(self.nodes.values()), tuple(self.edges.values()))


def _known(properties: Mapping[str, Property | None]) -> dict[str, Property]:
    return {name: value for name, value in properties.items() if value is not None and value != []}


def draw(connection: Connection, user_id: str) -> Graph:
    """The person's graph as PostgreSQL tells it; empty where there is nothing to tell."""
    candidates = {row.candidate_id: row for row in connection.execute(_candidates(user_id))}
    settled = connection.execute(
        select(SettledTrait.__table__).where(
            SettledTrait.user_id == user_id, SettledTrait.status != str(TraitStatus.REJECTED)
        )
    ).all()
    drawing = _Drawing()
    traits: list[tuple[str, AnyRow | None, UUID | None]] = []
    for trait in settled:
        candidate = candidates.pop(trait.candidate_id, None)
        node = _settled(drawing, trait, candidate)
        traits.append((node, candidate, trait.trait_id))
    undecided = {str(CandidateStatus.CANDIDATE), str(CandidateStatus.AWAITING_REFINEMENT)}
    proposed = [candidate for candidate in candidates.values() if candidate.status in undecided]
    traits += [(_proposed(drawing, candidate), candidate, None) for candidate in proposed]
    topics = [(node, its.trait_key) for node, its, _ in traits if its is not None and its.trait_key.startswith(TOPIC)]
    _concepts(connection, drawing, user_id, [(node, key.removeprefix(TOPIC)) for node, key in topics])
    _sources(connection, drawing, user_id, traits)
    _styles(connection, drawing, user_id)
    if drawing.nodes:
        drawing.node(USER, NodeLabel.USER, userID=user_id)
    return drawing.graph()


def _candidates(user_id: str) -> _AnySelect:
    table = ExtractedTraitCandidate
    return select(
        table.candidate_id,
        table.trait_key,
        table.trait_name,
        table.trait_description,
        table.trait_category,
        table.claim_kind,
        table.confidence_score,
        table.status,
        table.created_at,
        table.updated_at,
    ).where(table.user_id == user_id, table.status != str(CandidateStatus.REJECTED))


def _settled(drawing: _Drawing, trait: AnyRow, candidate: AnyRow | None) -> str:
    node = drawing.node(
        f"trait:{trait.trait_id}",
        NodeLabel.TRAIT,
        traitID=str(trait.trait_id),
        candidateID=str(trait.candidate_id) if trait.candidate_id else None,
        traitName=trait.trait_name,
        traitDescription=trait.trait_description,
        traitCategory=trait.trait_category,
        claimKind=candidate.claim_kind if candidate else str(ClaimKind.USER_DEFINED),
        confidenceScore=candidate.confidence_score if candidate else None,
        userConfidenceRating=trait.user_confidence_rating,
        origin=trait.origin,
        status=trait.status,
        creationTimestamp=_iso(trait.created_at),
        lastUpdatedTimestamp=_iso(trait.updated_at),
    )
    drawing.edge(USER, EdgeType.HAS_TRAIT, node)
    _element(drawing, node, trait, trait.status)
    return node


def _proposed(drawing: _Drawing, candidate: AnyRow) -> str:
    node = drawing.node(
        f"trait:{candidate.candidate_id}",
        NodeLabel.TRAIT,
        candidateID=str(candidate.candidate_id),
        traitName=candidate.trait_name,
        traitDescription=candidate.trait_description,
        traitCategory=candidate.trait_category,
        claimKind=candidate.claim_kind,
        confidenceScore=candidate.confidence_score,
        origin=str(TraitOrigin.DERIVED),
        status=str(TraitStatus.CANDIDATE),
        creationTimestamp=_iso(candidate.created_at),
        lastUpdatedTimestamp=_iso(candidate.updated_at),
    )
    drawing.edge(USER, EdgeType.HAS_CANDIDATE_TRAIT, node)
    _element(drawing, node, candidate, str(TraitStatus.CANDIDATE))
    return node


def _element(drawing: _Drawing, node: str, trait: AnyRow, status: str) -> None:
    """The skill, interest, emotion or style that a trait of such a category is."""
    drawn = BY_CATEGORY.get(TraitCategory(trait.trait_category))
    if drawn is None:
        return
    kind, label = drawn
    element = drawing.node(f"{label.lower()}:{node.removeprefix('trait:')}", label, name=trait.trait_name)
    drawing.edge(USER, kind, element, status=status)
    drawing.edge(node, EdgeType.IS_A_TYPE_OF, element)


def _concepts(connection: Connection, drawing: _Drawing, user_id: str, topics: Sequence[tuple[str, str]]) -> None:
    """Concepts of the traits that are topics, and of all packages; what goes by several names is there once."""
    web = concepts.web(connection, user_id, (name for _, name in topics))

    def concept(name: str) -> str:
        return drawing.node(_id("concept", name), NodeLabel.CONCEPT, name=name)

    for node, topic in topics:
        name = web.names[concept_key(topic)]
        drawing.edge(USER, EdgeType.DISCUSSED_CONCEPT, concept(name), places=web.places.get(name))
        drawing.edge(node, EdgeType.ASSOCIATED_WITH_CONCEPT, concept(name))
    for name, places in web.places.items():
        drawing.edge(USER, EdgeType.DISCUSSED_CONCEPT, concept(name), places=places)
    for (source, kind, target), packages in web.relations.items():
        drawing.edge(concept(source), BY_RELATION[kind], concept(target), packages=packages)


def _sources(
    connection: Connection,
    drawing: _Drawing,
    user_id: str,
    traits: Iterable[tuple[str, AnyRow | None, UUID | None]],
) -> None:
    """One node for each package that shows a trait, and one edge with the evidence in it."""
    evidence: dict[UUID, list[AnyRow]] = defaultdict(list)
    for row in connection.execute(_evidence(user_id)):
        evidence[row.candidate_id].append(row)
    chosen = {row.trait_id_in_pkg: set(row.linked_evidence_override) for row in connection.execute(_overrides(user_id))}
    for node, candidate, trait_id in traits:
        shown: dict[str, dict[bool, list[str]]] = defaultdict(lambda: {False: [], True: []})
        for row in evidence[candidate.candidate_id] if candidate is not None else []:
            evidence_id = str(row.evidence_id)
            if row.counter or trait_id not in chosen or evidence_id in chosen[trait_id]:
                source = drawing.node(
                    f"source:{row.package_id}",
                    NodeLabel.SOURCE,
                    packageID=str(row.package_id),
                    dataType=row.data_type,
                    creationTimestamp=_iso(row.created_at),
                )
                shown[source][row.counter].append(evidence_id)
        for source, ids in shown.items():
            drawing.edge(
                node,
                EdgeType.MANIFESTED_AS_EVIDENCE,
                source,
                evidenceIDs=sorted(ids[False]),
                counterEvidenceIDs=sorted(ids[True]),
            )


def _evidence(user_id: str) -> _AnySelect:
    table = EvidenceSnippet
    return (
        select(
            table.evidence_id,
            table.candidate_id,
            table.counter,
            table.package_id,
            UserDataPackage.data_type,
            UserDataPackage.created_at,
        )
        .join(UserDataPackage, UserDataPackage.package_id == table.package_id)
        .where(table.user_id == user_id)
    )


def _overrides(user_id: str) -> _AnySelect:
    """The evidence that the person chose for a trait, by the newest decision on it that was not taken back."""
    table, undoing = UserRefinedTrait, aliased(UserRefinedTrait)
    confirming = [UserDecision.CONFIRMED_ASIS, UserDecision.CONFIRMED_MODIFIED, UserDecision.USER_ADDED]
    standing = (
        select(table.trait_id_in_pkg, table.linked_evidence_override)
        .where(
            table.user_id == user_id,
            table.trait_id_in_pkg.is_not(None),
            table.user_decision.in_([str(decision) for decision in confirming]),
            ~select(undoing.sequence).where(undoing.undoes == table.refinement_action_id).exists(),
        )
        .ext(distinct_on(table.trait_id_in_pkg))
        .order_by(table.trait_id_in_pkg, table.sequence.desc())
        .subquery()
    )
    return select(standing).where(standing.c.linked_evidence_override.is_not(None))


def _styles(connection: Connection, drawing: _Drawing, user_id: str) -> None:
    """What the person set as their preferences; stated by themselves, so always settled."""
    query = select(CommunicationStyles.preferences).where(CommunicationStyles.user_id == user_id)
    for name, value in (connection.execute(query).scalar() or {}).items():
        if value is None or isinstance(value, dict):
            continue
        element = drawing.node(
            _id("preference", name),
            NodeLabel.COMMUNICATION_STYLE_ELEMENT,
            name=name,
            preference=value,
            origin=str(TraitOrigin.USER_DEFINED),
        )
        drawing.edge(USER, EdgeType.ADOPTS_COMMUNICATION_STYLE, element, status=str(TraitStatus.ACTIVE))


def _id(kind: str, name: str) -> str:
    """A readable id, or a digest in place of a name too long for one."""
    readable = f"{kind}:{name}"
    return readable if len(readable) <= MAX_ID else f"{kind}:{hashlib.sha256(name.encode()).hexdigest()}"


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
