"""What a person's packages are about: kept by package, and read as one web."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, select

from app.models import Concept, ConceptRelation
from app.models import ExtractedTraitCandidate as Candidate
from app.services.proposals import candidate_id
from app.services.records import rejected_before
from app.traits.concepts import TOPIC, Concepts, Web, concept_key, woven
from app.vocabulary import CandidateStatus, RelationKind

Values = dict[str, Any]


def keep(connection: Connection, user_id: str, package_id: UUID, concepts: Concepts) -> bool:
    """Make what a package is about this, and nothing else. The caller holds the person.

    Returns:
        Whether anything is other than before.
    """
    mine = {"package_id": package_id, "user_id": user_id}
    named: list[Values] = [{**mine, "name": name, "places": places} for name, places in concepts.places.items()]
    related: list[Values] = [
        {**mine, "source": source, "relation": str(kind), "target": target}
        for source, kind, target in sorted(concepts.relations)
    ]
    changed = _replace(connection, Concept, package_id, named)
    return _replace(connection, ConceptRelation, package_id, related) or changed


def _replace(
    connection: Connection, table: type[Concept | ConceptRelation], package_id: UUID, rows: Sequence[Values]
) -> bool:
    mine = table.package_id == package_id
    before = connection.execute(select(table.__table__).where(mine)).mappings().all()
    if {frozenset(row.items()) for row in before} == {frozenset(row.items()) for row in rows}:
        return False
    if before:
        connection.execute(delete(table).where(mine))
    if rows:
        connection.execute(insert(table), rows)
    return True


def web(connection: Connection, user_id: str, topics: Iterable[str]) -> Web:
    """What all packages of the person are about, without what they do not want to hear of.

    Args:
        connection: of the caller's transaction.
        user_id: whose.
        topics: names of the topics among the person's traits, which concepts go by as well.
    """
    topics = sorted(topics)
    told = [
        (row.name, row.places)
        for row in connection.execute(
            select(Concept.name, func.sum(Concept.places).label("places"))
            .where(Concept.user_id == user_id)
            .group_by(Concept.name)
        )
    ]
    if not told:
        return woven((), (), topics)
    relation = (ConceptRelation.source, ConceptRelation.relation, ConceptRelation.target)
    related = connection.execute(
        select(*relation, func.count().label("packages")).where(ConceptRelation.user_id == user_id).group_by(*relation)
    )
    hidden = _rejected(connection, user_id, [name for name, _ in told]) - {concept_key(name) for name in topics}
    rows = ((row.source, RelationKind(row.relation), row.target, row.packages) for row in related)
    return woven(told, rows, topics, hidden)


def _rejected(connection: Connection, user_id: str, names: Iterable[str]) -> frozenset[str]:
    """Keys of concepts that the person rejected as a topic, be it before the topic itself was erased."""
    rejected = connection.execute(
        select(Candidate.trait_key).where(
            Candidate.user_id == user_id,
            Candidate.status == str(CandidateStatus.REJECTED),
            Candidate.trait_key.startswith(TOPIC, autoescape=True),
        )
    ).scalars()
    keys = {candidate_id(user_id, key): key for key in map(concept_key, names)}
    erased = (keys[identity] for identity in rejected_before(connection, user_id, [*keys]))
    return frozenset([*(concept_key(key.removeprefix(TOPIC)) for key in rejected), *erased])
