"""The members that are rows: one JSON array each, one row a line, so that neither side ever holds a whole one.

The names are those of design.md section 2. The person's id is in the manifest and in no row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Connection, DateTime, String, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.types import TypeEngine

from app.database import UNSTORABLE, AnyRow
from app.errors import InvalidInput
from app.models import (
    Base,
    CandidateContribution,
    CommunicationStyles,
    Concept,
    ConceptRelation,
    EvidenceSnippet,
    ExtractedTraitCandidate,
    Run,
    SettledTrait,
    Step,
    TextLayerRecord,
    UserDataPackage,
    UserRefinedTrait,
)
from app.vocabulary import (
    CandidateStatus,
    ClaimKind,
    DataType,
    Modality,
    Phase,
    Queue,
    RelationKind,
    RunStatus,
    StepStatus,
    TraitCategory,
    TraitOrigin,
    TraitStatus,
    UserDecision,
)

#: Rows that are fetched, and inserted, at once.
BATCH = 500


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A member and the table behind it.

    Attributes:
        member: name in the zip.
        model: the table.
        fields: JSON name to column.
        order: columns that the rows are sorted by; a log keeps its order.
        closed: columns whose values come from a closed set.
    """

    member: str
    model: type[Base]
    fields: Mapping[str, str]
    order: tuple[str, ...]
    closed: Mapping[str, type[StrEnum]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How the manifest counts its rows."""
        return self.member.removesuffix(".json")

    def count(self, connection: Connection, user_id: str) -> int:
        """How many rows the person has."""
        table = self.model.__table__
        query = select(func.count()).select_from(table).where(table.c.user_id == user_id)
        return connection.execute(query).scalar_one()

    def rows(self, connection: Connection, user_id: str) -> Iterator[AnyRow]:
        """The person's rows in order, fetched in batches."""
        table = self.model.__table__
        query = select(table).where(table.c.user_id == user_id).order_by(*(table.c[name] for name in self.order))
        yield from connection.execute(query.execution_options(yield_per=BATCH))

    def as_json(self, row: AnyRow) -> dict[str, Any]:
        """A row by its JSON names."""
        return {name: plain(getattr(row, column)) for name, column in self.fields.items()}

    def values(self, document: object) -> dict[str, Any]:
        """Columns of a row that `as_json` wrote.

        Raises:
            InvalidInput: a field is missing, unknown or of another kind; which, the details say.
        """
        if not isinstance(document, dict) or document.keys() != self.fields.keys():
            raise InvalidInput("a row of the bundle has other fields than it should", member=self.member)
        columns = self.model.__table__.c
        found = {}
        for name, column in self.fields.items():
            try:
                found[column] = _read(columns[column], document[name])
                if column in self.closed and found[column] is not None:
                    self.closed[column](found[column])
            except (ValueError, TypeError, OverflowError):
                raise InvalidInput(
                    "a row of the bundle holds a value that cannot be", member=self.member, field=name
                ) from None
        return found


def plain(value: Any) -> Any:  # noqa: ANN401 - any column
    """A column's value as JSON holds it."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case UUID():
            return str(value)
        case list():
            return [plain(item) for item in value]
        case _:
            return value


def _read(column: ColumnElement[Any], value: Any) -> Any:  # noqa: ANN401 - any JSON
    if value is None:
        if not getattr(column, "nullable", False):
            raise ValueError
        return None
    return _as(column.type, value)


def _as(kind: TypeEngine[Any], value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A value as a column of that type takes it."""
    match kind:
        case ARRAY():
            if not isinstance(value, list):
                raise TypeError
            return [_as(kind.item_type, item) for item in value]
        case PG_UUID():
            return UUID(value)
        case DateTime():
            return _moment(value)
        case JSONB():
            return _json(value)
        case String():
            return _text(value, kind.length)
    wanted = kind.python_type
    if isinstance(value, bool) is not (wanted is bool) or not isinstance(value, int | float):
        raise TypeError
    return wanted(value)


def _json(value: object) -> object:
    """A document, none of whose texts PostgreSQL would refuse."""
    if not isinstance(value, dict | list):
        raise TypeError
    waiting: list[object] = [value]
    while waiting:
        match waiting.pop():
            case dict() as held:
                waiting += [*held, *held.values()]
            case list() as held:
                waiting += held
            case str() as said if UNSTORABLE.search(said):
                raise ValueError
    return value


def _text(value: object, length: int | None = None) -> str:
    if not isinstance(value, str) or UNSTORABLE.search(value):
        raise TypeError
    if length is not None and len(value) > length:
        raise ValueError
    return value


def _moment(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)


_TRAIT = {
    "traitName": "trait_name",
    "traitDescription": "trait_description",
    "traitCategory": "trait_category",
}
_TIMES = {"creationTimestamp": "created_at", "lastUpdatedTimestamp": "updated_at"}

PACKAGES = Table(
    "packages.json",
    UserDataPackage,
    {
        "packageID": "package_id",
        "consentTokenID": "consent_token_id",
        "sourceDescription": "source_description",
        "file": "file_name",
        "dataType": "data_type",
        "mediaType": "media_type",
        "sizeBytes": "size_bytes",
        "sha256": "sha256",
        "metadata": "details",
        "createdAt": "created_at",
    },
    ("created_at", "package_id"),
    {"data_type": DataType},
)
LAYERS = Table(
    "text-layers.json",
    TextLayerRecord,
    {
        "textLayerID": "text_layer_id",
        "packageID": "package_id",
        "kind": "kind",
        "language": "language",
        "characters": "characters",
        "ownCharacters": "own_characters",
        "sha256": "sha256",
        "madeBy": "made_by",
        "createdAt": "created_at",
    },
    ("package_id", "text_layer_id"),
)
RUNS = Table(
    "runs.json",
    Run,
    {
        "runID": "run_id",
        "packageID": "package_id",
        "consentTokenID": "consent_token_id",
        "runStatus": "state",
        "phase": "phase",
        "reason": "reason",
        "createdAt": "created_at",
        "dispatchedAt": "dispatched_at",
        "movedAt": "moved_at",
        "finishedAt": "finished_at",
    },
    ("sequence",),
    {"state": RunStatus, "phase": Phase},
)
STEPS = Table(
    "steps.json",
    Step,
    {
        "stepID": "step_id",
        "runID": "run_id",
        "packageID": "package_id",
        "analyzer": "analyzer",
        "version": "version",
        "phase": "phase",
        "queue": "queue",
        "modality": "modality",
        "lane": "lane",
        "scope": "scope",
        "status": "state",
        "reason": "reason",
        "attempts": "attempts",
        "processingTimeMs": "processing_time_ms",
        "featureSetID": "feature_set_id",
        "startedAt": "started_at",
        "finishedAt": "finished_at",
    },
    ("run_id", "analyzer"),
    {"state": StepStatus, "phase": Phase, "queue": Queue, "modality": Modality},
)
CANDIDATES = Table(
    "candidates.json",
    ExtractedTraitCandidate,
    {
        "candidateID": "candidate_id",
        "traitKey": "trait_key",
        **_TRAIT,
        "claimKind": "claim_kind",
        "confidenceScore": "confidence_score",
        "confidence": "confidence",
        "rank": "rank",
        "originatingModels": "originating_models",
        "associatedRawFeatureSetIDs": "feature_set_ids",
        "status": "status",
        "totals": "totals",
        "newEvidenceAgainst": "new_evidence_against",
        **_TIMES,
    },
    ("candidate_id",),
    {"trait_category": TraitCategory, "claim_kind": ClaimKind, "status": CandidateStatus},
)
CONTRIBUTIONS = Table(
    "contributions.json",
    CandidateContribution,
    {
        "candidateID": "candidate_id",
        "packageID": "package_id",
        "contribution": "contribution",
        "weight": "weight",
    },
    ("candidate_id", "package_id"),
)
EVIDENCE = Table(
    "evidence.json",
    EvidenceSnippet,
    {
        "evidenceID": "evidence_id",
        "candidateID": "candidate_id",
        "sourcePackageID": "package_id",
        "counter": "counter",
        "position": "position",
        "type": "type",
        "textLayerID": "text_layer_id",
        "locator": "locator",
        "sha256": "sha256",
        "label": "label",
        "verifiedBy": "verified_by",
    },
    ("package_id", "text_layer_id", "evidence_id"),
)
CONCEPTS = Table(
    "concepts.json",
    Concept,
    {"packageID": "package_id", "name": "name", "places": "places"},
    ("package_id", "name"),
)
RELATIONS = Table(
    "concept-relations.json",
    ConceptRelation,
    {"packageID": "package_id", "source": "source", "relation": "relation", "target": "target"},
    ("package_id", "source", "relation", "target"),
    {"relation": RelationKind},
)
DECISIONS = Table(
    "decisions.json",
    UserRefinedTrait,
    {
        "refinementActionID": "refinement_action_id",
        "traitID_in_pkg": "trait_id_in_pkg",
        "originalCandidateID": "original_candidate_id",
        "userDecision": "user_decision",
        "refinedTraitName": "refined_trait_name",
        "refinedTraitDescription": "refined_trait_description",
        "refinedTraitCategory": "refined_trait_category",
        "userConfidenceRating": "user_confidence_rating",
        "customizationNotes": "customization_notes",
        "rejectionReason": "rejection_reason",
        "linkedEvidenceOverride": "linked_evidence_override",
        "undoes": "undoes",
        "actionTimestamp": "action_timestamp",
    },
    ("sequence",),
    {"user_decision": UserDecision, "refined_trait_category": TraitCategory},
)
TRAITS = Table(
    "traits.json",
    SettledTrait,
    {
        "traitID_in_pkg": "trait_id",
        "originalCandidateID": "candidate_id",
        **_TRAIT,
        "origin": "origin",
        "status": "status",
        "userConfidenceRating": "user_confidence_rating",
        "customizationNotes": "customization_notes",
        **_TIMES,
    },
    ("trait_id",),
    {"trait_category": TraitCategory, "origin": TraitOrigin, "status": TraitStatus},
)
STYLES = Table(
    "communication-styles.json",
    CommunicationStyles,
    {"preferences": "preferences", "lastUpdatedTimestamp": "updated_at"},
    ("user_id",),
)

#: In the order of writing, each after those that it points to.
TABLES = (
    PACKAGES, LAYERS, RUNS, STEPS, CANDIDATES, CONTRIBUTIONS, EVIDENCE, CONCEPTS, RELATIONS, DECISIONS, TRAITS, STYLES,
)  # fmt: skip
#: Members that bundles from before there were such rows do not have.
LATER = frozenset({CONCEPTS.member, RELATIONS.member})
