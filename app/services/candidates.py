"""Candidates as their owner sees them: filtered, sorted, each with evidence that is cut from the text when shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    SQLColumnExpression,
    bindparam,
    false,
    func,
    select,
    text,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from app.database import AnyRow, stable_id, transaction
from app.errors import InvalidInput, NotFound
from app.layers import TextLayer, digest
from app.models import EvidenceSnippet, UserDataPackage
from app.models import ExtractedTraitCandidate as Candidate
from app.services.layers import load_layer
from app.traits.confidence import grade
from app.vault import VaultError
from app.vocabulary import CandidateStatus, ClaimKind, TraitCategory

log = structlog.get_logger()
E = TypeVar("E", bound=StrEnum)

#: Pieces of evidence for and against in a list, and with a single candidate.
IN_LIST = (5, 3)
IN_FULL = (100, 100)
LIMIT = 100


class SortField(StrEnum):
    """What a list can be sorted by."""

    RANK = "rank"
    CONFIDENCE = "confidenceScore"
    CREATED = "creationTimestamp"
    UPDATED = "lastUpdatedTimestamp"
    NAME = "traitName"

    @property
    def column(self) -> SQLColumnExpression[Any]:
        """The column it stands for; names without regard to case."""
        return {
            SortField.RANK: Candidate.rank,
            SortField.CONFIDENCE: Candidate.confidence_score,
            SortField.CREATED: Candidate.created_at,
            SortField.UPDATED: Candidate.updated_at,
            SortField.NAME: func.lower(Candidate.trait_name),
        }[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What of the candidates is asked for.

    Attributes:
        status: any of these; all but archived ones where empty.
        category: `traitCategory`.
        model: one of its `originatingModels`.
        claim_kind: `claimKind`.
        min_confidence: 0 to 1.
        sort_by: what comes first; equal ones in the order of their ids, so that pages never overlap.
        descending: highest first.
        limit: 1 to 100.
        offset: 0 or more.
    """

    status: frozenset[CandidateStatus] = frozenset()
    category: TraitCategory | None = None
    model: str | None = None
    claim_kind: ClaimKind | None = None
    min_confidence: float | None = None
    sort_by: SortField = SortField.RANK
    descending: bool = True
    limit: int = 20
    offset: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= LIMIT:
            raise InvalidInput(f"limit must be 1 to {LIMIT}", field="limit")
        if not 0 <= self.offset < 2**31:
            raise InvalidInput("offset must be 0 or more", field="offset")
        if self.model is not None and not self.model.isprintable():
            raise InvalidInput("model must be the name of a model", field="model")
        if self.min_confidence is not None and not 0 <= self.min_confidence <= 1:
            raise InvalidInput("minConfidence must be 0 to 1", field="minConfidence")

    def conditions(self, user_id: str) -> list[ColumnElement[bool]]:
        """As SQL."""
        wanted = [str(status) for status in self.status or set(CandidateStatus) - {CandidateStatus.SUPERSEDED}]
        found = [Candidate.user_id == user_id, Candidate.status.in_(sorted(wanted))]
        if self.category is not None:
            found.append(Candidate.trait_category == str(self.category))
        if self.claim_kind is not None:
            found.append(Candidate.claim_kind == str(self.claim_kind))
        if self.model is not None:
            found.append(Candidate.originating_models.contains([self.model]))
        if self.min_confidence is not None:
            found.append(Candidate.confidence_score >= self.min_confidence)
        return found


def member(kind: type[E], value: object, field: str) -> E:
    """The member of a closed set.

    Raises:
        InvalidInput: there is none of that value; the details list those that exist.
    """
    try:
        return kind(str(value))
    except ValueError:
        raise InvalidInput(f"{field} is unknown", field=field, allowed=[str(one) for one in kind]) from None


def hold_person(connection: Connection, user_id: str) -> None:
    """Be the only one who changes this person's candidates and traits, until the transaction ends.

    Taken after the consent gate and after a run's row, by everybody who takes these.
    """
    key = stable_id("person", user_id).int >> 65
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def list_candidates(user_id: str, query: Query | None = None) -> tuple[list[dict[str, Any]], int]:
    """A page of candidates and how many there are in all.

    Returns:
        `ExtractedTraitCandidate` of design.md section 2 with `grade`, `newEvidenceAgainst`, `evidenceLeftOut`, `rank`
        and `version`, each with its best evidence; and the total.
    """
    query = query or Query()
    order = query.sort_by.column
    conditions = query.conditions(user_id)
    with transaction() as connection:
        total = connection.execute(select(func.count()).select_from(Candidate).where(*conditions)).scalar_one()
        rows = connection.execute(
            select(Candidate.__table__)
            .where(*conditions)
            .order_by(order.desc() if query.descending else order.asc(), Candidate.candidate_id)
            .limit(query.limit)
            .offset(query.offset)
        ).all()
        return _with_evidence(connection, user_id, rows, IN_LIST), total


def one_candidate(user_id: str, candidate_id: UUID) -> dict[str, Any]:
    """One candidate with its evidence, the best `IN_FULL` pieces of it.

    Raises:
        NotFound: no such candidate, or somebody else's.
    """
    with transaction() as connection:
        row = candidate_row(connection, user_id, candidate_id)
        return _with_evidence(connection, user_id, [row], IN_FULL)[0]


def candidate_row(connection: Connection, user_id: str, candidate_id: UUID) -> AnyRow:
    """A row of `candidates`.

    Raises:
        NotFound: no such candidate, or somebody else's.
    """
    row = connection.execute(
        select(Candidate.__table__).where(Candidate.candidate_id == candidate_id, Candidate.user_id == user_id)
    ).one_or_none()
    if row is None:
        raise NotFound("no such candidate")
    return row


def version(row: AnyRow) -> str:
    """Changes with every change of the candidate: its ETag."""
    return f"{int(row.updated_at.timestamp() * 1_000_000):x}"


def as_json(row: AnyRow) -> dict[str, Any]:
    """`ExtractedTraitCandidate` without its snippets; models and feature sets are those of its strongest packages."""
    return {
        "candidateID": str(row.candidate_id),
        "userID": row.user_id,
        "traitName": row.trait_name,
        "traitDescription": row.trait_description,
        "traitCategory": row.trait_category,
        "claimKind": row.claim_kind,
        "confidenceScore": row.confidence_score,
        "confidence": row.confidence,
        "grade": str(grade(row.confidence_score)),
        "originatingModels": row.originating_models,
        "associatedRawFeatureSetIDs": [str(identity) for identity in row.feature_set_ids],
        "status": row.status,
        "newEvidenceAgainst": row.new_evidence_against,
        "rank": row.rank,
        "creationTimestamp": row.created_at.isoformat(),
        "lastUpdatedTimestamp": row.updated_at.isoformat(),
        "version": version(row),
    }


def _with_evidence(
    connection: Connection, user_id: str, rows: Sequence[AnyRow], most: tuple[int, int]
) -> list[dict[str, Any]]:
    pieces = _pieces(connection, user_id, [row.candidate_id for row in rows], most)
    layers = layers_of(connection, user_id, pieces)
    shown: dict[UUID, dict[bool, list[dict[str, Any]]]] = {}
    left_out: dict[UUID, int] = {}
    for piece in pieces:
        snippet = snippet_of(piece, layers)
        if snippet is None:
            left_out[piece.candidate_id] = left_out.get(piece.candidate_id, 0) + 1
        else:
            shown.setdefault(piece.candidate_id, {}).setdefault(piece.counter, []).append(snippet)
    if left_out:
        log.warning("evidence_left_out", pieces=sum(left_out.values()), candidates=len(left_out))
    return [
        {
            **as_json(row),
            "supportingEvidenceSnippets": shown.get(row.candidate_id, {}).get(False, []),
            "counterEvidenceSnippets": shown.get(row.candidate_id, {}).get(True, []),
            "evidenceLeftOut": left_out.get(row.candidate_id, 0),
        }
        for row in rows
    ]


def _pieces(
    connection: Connection, user_id: str, candidate_ids: Sequence[UUID], most: tuple[int, int]
) -> Sequence[AnyRow]:
    """The best pieces of each candidate, those of different packages in turn; an index gives them without the rest."""
    given = {"candidates": [*candidate_ids], "supporting": most[0], "counter": most[1]}
    return connection.execute(_listing_pieces(), {**given, "user": user_id}).all()


@cache
def _listing_pieces() -> Select[*tuple[Any, ...]]:
    wanted = select(func.unnest(bindparam("candidates", type_=ARRAY(PG_UUID(as_uuid=True)))).label("id")).subquery()
    best = [
        select(EvidenceSnippet.__table__)
        .where(EvidenceSnippet.candidate_id == wanted.c.id, EvidenceSnippet.counter == against)
        .where(EvidenceSnippet.user_id == bindparam("user"))
        .order_by(EvidenceSnippet.position, EvidenceSnippet.evidence_id)
        .limit(bindparam(name))
        .correlate(wanted)
        .subquery()
        for name, against in (("supporting", false()), ("counter", true()))
    ]
    pieces = union_all(*(select(one) for one in best)).lateral()
    return (
        select(pieces, UserDataPackage.file_name)
        .select_from(wanted)
        .join(pieces, true())
        .join(UserDataPackage, UserDataPackage.package_id == pieces.c.package_id)
        .order_by(pieces.c.candidate_id, pieces.c.counter, pieces.c.position, pieces.c.evidence_id)
    )


def layers_of(connection: Connection, user_id: str, pieces: Iterable[AnyRow]) -> dict[UUID, TextLayer]:
    """The text layers that pieces of evidence point into, each decrypted once; those that are gone are left out."""
    found: dict[UUID, TextLayer] = {}
    for layer_id in {piece.text_layer_id for piece in pieces if piece.text_layer_id is not None}:
        try:
            found[layer_id] = load_layer(connection, user_id, layer_id)
        except (NotFound, VaultError):
            continue
    return found


def snippet_of(piece: AnyRow, layers: Mapping[UUID, TextLayer]) -> dict[str, Any] | None:
    """An evidence snippet with its words, cut from the text.

    Args:
        piece: columns of `evidence` with the package's `file_name`.
        layers: by id.

    Returns:
        The snippet; None where the text is gone or no longer says what was proven.
    """
    content = ""
    if piece.text_layer_id is not None:
        layer = layers.get(piece.text_layer_id)
        if layer is None:
            return None
        content = layer.text[piece.locator["charStart"] : piece.locator["charEnd"]]
        if digest(content) != piece.sha256:
            return None
    return {
        "evidenceID": str(piece.evidence_id),
        "type": piece.type,
        "content": content,
        "sourcePackageID": str(piece.package_id),
        "sourceDetail": _detail(piece),
        "locator": piece.locator,
        "verifiedBy": piece.verified_by,
        "label": piece.label,
    }


def _detail(piece: AnyRow) -> str:
    """Where a person looks for it: the file, and the page or the minute."""
    parts = [piece.file_name]
    if (page := piece.locator.get("page")) is not None:
        parts.append(f"page {page}")
    if (start := piece.locator.get("startTime")) is not None:
        parts.append(f"{int(start) // 60}:{int(start) % 60:02d}")
    return ", ".join(parts)
