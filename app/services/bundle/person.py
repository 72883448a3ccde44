"""`persona.jsonld`: the person as schema.org knows one, and the traits that they settled on in our own words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from app.models import CommunicationStyles
from app.services.bundle.linked import VOCABULARY, XSD, document, moment, person_urn, urn
from app.services.bundle.tables import TRAITS
from app.vocabulary import TraitCategory, TraitStatus

CONTEXT: dict[str, Any] = {
    "@version": 1.1,
    "schema": "https://schema.org/",
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
    "dateCreated": {"@id": "schema:dateCreated", "@type": "xsd:dateTime"},
    "dateModified": {"@id": "schema:dateModified", "@type": "xsd:dateTime"},
}
#: What schema.org has a word for.
_PROPERTIES = {
    TraitCategory.SKILL: "skills",
    TraitCategory.INTEREST: "knowsAbout",
    TraitCategory.KNOWLEDGE_DOMAIN: "knowsAbout",
}


def persona(connection: Connection, user_id: str) -> Iterator[str]:
    """The document, piece by piece; the person comes last, after the traits that they have."""
    yield from document(CONTEXT, _items(connection, user_id))


def _items(connection: Connection, user_id: str) -> Iterator[dict[str, Any]]:
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
    query = select(CommunicationStyles.preferences).where(CommunicationStyles.user_id == user_id)
    preferences = connection.execute(query).scalar() or {}
    yield person | {
        "prefers": [
            {"type": "PropertyValue", "name": name, "value": value}
            for name, value in preferences.items()
            if value is not None
        ]
    }
