"""`persona.jsonld`: the person as schema.org knows one, the traits that they settled on, and what they write about.

Traits are in our own words, concepts in those of SKOS. That two concepts are associated is a word of ours: what SKOS
calls related may not be more general at the same time, and texts do say both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from app.database import stable_id
from app.models import CommunicationStyles
from app.pkg import Graph
from app.services.bundle.linked import VOCABULARY, XSD, document, moment, person_urn, urn
from app.services.bundle.tables import TRAITS
from app.vocabulary import EdgeType, NodeLabel, TraitCategory, TraitStatus

CONTEXT: dict[str, Any] = {
    "@version": 1.1,
    "schema": "https://schema.org/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "echo": VOCABULARY,
    "xsd": XSD,
    "id": "@id",
    "type": "@type",
    "Person": "schema:Person",
    "DefinedTerm": "schema:DefinedTerm",
    "PropertyValue": "schema:PropertyValue",
    "Trait": "echo:Trait",
    "identifier": "schema:identifier",
    "name": "schema:name",
    "description": "schema:description",
    "value": "schema:value",
    "knowsAbout": {"@id": "schema:knowsAbout", "@type": "@id"},
    "skills": {"@id": "schema:skills", "@type": "@id"},
    "hasTrait": {"@id": "echo:hasTrait", "@type": "@id"},
    "prefers": {"@id": "echo:prefers"},
    "traitCategory": "echo:traitCategory",
    "origin": "echo:origin",
    "status": "echo:status",
    "originalCandidateID": {"@id": "echo:originalCandidateID", "@type": "@id"},
    "userConfidenceRating": "echo:userConfidenceRating",
    "customizationNotes": "echo:customizationNotes",
    "Concept": "skos:Concept",
    "prefLabel": "skos:prefLabel",
    "broader": {"@id": "skos:broader", "@type": "@id"},
    "associatedWith": {"@id": "echo:associatedWith", "@type": "@id"},
    "places": "echo:places",
    "discusses": {"@id": "echo:discusses", "@type": "@id"},
    "dateCreated": {"@id": "schema:dateCreated", "@type": "xsd:dateTime"},
    "dateModified": {"@id": "schema:dateModified", "@type": "xsd:dateTime"},
}
#: What schema.org has a word for.
_PROPERTIES = {
    TraitCategory.SKILL: "skills",
    TraitCategory.INTEREST: "knowsAbout",
    TraitCategory.KNOWLEDGE_DOMAIN: "knowsAbout",
}
#: Edges between two concepts.
_RELATIONS = {EdgeType.IS_A_TYPE_OF: "broader", EdgeType.ASSOCIATED_WITH_CONCEPT: "associatedWith"}


def persona(connection: Connection, user_id: str, drawn: Graph) -> Iterator[str]:
    """The document, piece by piece; the person comes last, after the traits that they have and their concepts.

    Args:
        connection: of the snapshot.
        user_id: whose.
        drawn: the person's graph, where the concepts are.
    """
    yield from document(CONTEXT, _items(connection, user_id, drawn))


def _concepts(user_id: str, drawn: Graph) -> Iterator[dict[str, Any]]:
    names = {node.id: node.properties["name"] for node in drawn.nodes if node.label is NodeLabel.CONCEPT}
    found: dict[str, dict[str, Any]] = {
        node_id: {"id": _concept_urn(user_id, node_id), "type": "Concept", "prefLabel": name}
        for node_id, name in names.items()
    }
    for edge in drawn.edges:
        if edge.type is EdgeType.DISCUSSED_CONCEPT:
            found[edge.target]["places"] = edge.properties.get("places")
        elif edge.type in _RELATIONS and edge.source in found and edge.target in found:
            links = found[edge.source].setdefault(_RELATIONS[edge.type], [])
            links.append(_concept_urn(user_id, edge.target))
    yield from (found[node_id] for node_id in sorted(found))


def _concept_urn(user_id: str, node_id: str) -> str:
    """Concepts have no id but within their person's graph."""
    return urn(stable_id("concept", user_id, node_id))


def _items(connection: Connection, user_id: str, drawn: Graph) -> Iterator[dict[str, Any]]:
    person: dict[str, Any] = {"id": person_urn(user_id), "type": "Person", "identifier": user_id}
    for trait in TRAITS.rows(connection, user_id):
        identity = urn(trait.trait_id)
        yield {
            "id": identity,
            "type": ["Trait", "DefinedTerm"],
            "name": trait.trait_name,
            "description": trait.trait_description,
            "traitCategory": trait.trait_category,
            "origin": trait.origin,
            "status": trait.status,
            "originalCandidateID": urn(trait.candidate_id) if trait.candidate_id else None,
            "userConfidenceRating": trait.user_confidence_rating,
            "customizationNotes": trait.customization_notes,
            "dateCreated": moment(trait.created_at),
            "dateModified": moment(trait.updated_at),
        }
        if trait.status != str(TraitStatus.REJECTED):
            person.setdefault("hasTrait", []).append(identity)
            if known := _PROPERTIES.get(TraitCategory(trait.trait_category)):
                person.setdefault(known, []).append(identity)
    for concept in _concepts(user_id, drawn):
        yield concept
        person.setdefault("discusses", []).append(concept["id"])
    query = select(CommunicationStyles.preferences).where(CommunicationStyles.user_id == user_id)
    preferences = connection.execute(query).scalar() or {}
    yield person | {
        "prefers": [
            {"type": "PropertyValue", "name": name, "value": value}
            for name, value in preferences.items()
            if value is not None
        ]
    }
