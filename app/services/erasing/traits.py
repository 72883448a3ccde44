"""Taking packages out of what is said about a person: evidence, candidates, decisions, settled traits, concepts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, insert, select, update

from app.database import AnyRow
from app.models import (
    CandidateContribution,
    CommunicationStyles,
    Concept,
    ConceptRelation,
    EvidenceSnippet,
    GraphOutbox,
    SettledTrait,
    UserRefinedTrait,
)
from app.models import ExtractedTraitCandidate as Candidate
from app.services.candidates import hold_person
from app.services.contributions import Known, look_up
from app.services.erasing.consequences import supported_elsewhere, touched
from app.services.erasing.state import among
from app.services.planning import now
from app.services.proposals import combined_values, supported
from app.services.records import DECIDED, decisions_of, track_records
from app.traits.candidates import Contribution
from app.traits.combining import recount
from app.vocabulary import CandidateStatus, TraitOrigin, UserDecision

#: Free text of a decision: what goes when its candidate goes. Ids stay, so that a rejection holds.
_FREE_TEXT = ("refined_trait_name", "refined_trait_description", "customization_notes", "rejection_reason")


def take_out(connection: Connection, user_id: str, package_ids: Sequence[UUID], *, keep_settled: bool) -> None:
    """Take packages out of the person's candidates; those that rest on nothing else go. Doing it again does nothing.

    What stays is computed anew from what it still rests on. A settled trait keeps the person's wording.
    """
    hold_person(connection, user_id)
    about = touched(user_id, package_ids)
    elsewhere = supported_elsewhere(package_ids)
    fates = connection.execute(select(Candidate.candidate_id, elsewhere.label("stays")).where(about)).all()
    removed = _remove(connection, user_id, package_ids)
    _vanish(connection, user_id, [row.candidate_id for row in fates if not row.stays], keep_settled=keep_settled)
    _restate(connection, user_id, [row.candidate_id for row in fates if row.stays], removed)
    if _forget_concepts(connection, user_id, package_ids) or fates:
        connection.execute(insert(GraphOutbox), {"user_id": user_id, "cause": "erasure"})


def remove_everything(
    connection: Connection, user_id: str, before: datetime, package_ids: Sequence[UUID], *, keep_settled: bool
) -> None:
    """Remove what was said about the person and decided by them until a moment, packages having been taken out.

    What later packages say stays, and is undecided.
    """
    hold_person(connection, user_id)
    _own(connection, user_id, SettledTrait.updated_at <= before, keep=keep_settled)
    connection.execute(
        delete(UserRefinedTrait).where(UserRefinedTrait.user_id == user_id, UserRefinedTrait.action_timestamp <= before)
    )
    connection.execute(
        delete(CommunicationStyles).where(
            CommunicationStyles.user_id == user_id, CommunicationStyles.updated_at <= before
        )
    )
    mine = (Candidate.user_id == user_id, Candidate.created_at <= before)
    connection.execute(delete(Candidate).where(*mine, ~supported_elsewhere(package_ids)))
    decided_since = exists().where(UserRefinedTrait.original_candidate_id == Candidate.candidate_id)
    connection.execute(
        update(Candidate)
        .where(*mine, Candidate.status.in_([str(status) for status in DECIDED]), ~decided_since)
        .values(status=str(CandidateStatus.CANDIDATE), new_evidence_against=False, updated_at=now())
    )
    connection.execute(delete(GraphOutbox).where(GraphOutbox.user_id == user_id))
    connection.execute(insert(GraphOutbox), {"user_id": user_id, "cause": "erasure"})


def resting(connection: Connection, user_id: str, package_ids: Sequence[UUID]) -> dict[str, int]:
    """Rows that rest on these packages alone, by kind."""
    gone = [
        *connection.execute(
            select(Candidate.candidate_id).where(touched(user_id, package_ids), ~supported_elsewhere(package_ids))
        ).scalars()
    ]
    return {
        "candidates": len(gone),
        "contributions": _count(connection, CandidateContribution, user_id, package_ids),
        "evidence": _count(connection, EvidenceSnippet, user_id, package_ids),
        "concepts": _count(connection, Concept, user_id, package_ids),
        "conceptRelations": _count(connection, ConceptRelation, user_id, package_ids),
        "settledTraits": connection.execute(
            select(func.count())
            .select_from(SettledTrait)
            .where(SettledTrait.user_id == user_id, among(SettledTrait.candidate_id, gone))
        ).scalar_one(),
    }


def everything(connection: Connection, user_id: str, before: datetime, package_ids: Sequence[UUID]) -> dict[str, int]:
    """Rows about the person until a moment that rest on no later packages, by kind."""
    tables: Mapping[str, tuple[Any, ColumnElement[bool]]] = {
        "candidates": (Candidate, and_(Candidate.created_at <= before, ~supported_elsewhere(package_ids))),
        "settledTraits": (SettledTrait, SettledTrait.updated_at <= before),
        "decisions": (UserRefinedTrait, UserRefinedTrait.action_timestamp <= before),
        "styles": (CommunicationStyles, CommunicationStyles.updated_at <= before),
    }
    return {
        name: connection.execute(
            select(func.count()).select_from(table).where(table.user_id == user_id, until)
        ).scalar_one()
        for name, (table, until) in tables.items()
    }


def _count(
    connection: Connection,
    table: type[CandidateContribution | EvidenceSnippet | Concept | ConceptRelation],
    user_id: str,
    package_ids: Sequence[UUID],
) -> int:
    mine = (table.user_id == user_id, among(table.package_id, package_ids))
    return connection.execute(select(func.count()).select_from(table).where(*mine)).scalar_one()


def _remove(connection: Connection, user_id: str, package_ids: Sequence[UUID]) -> list[AnyRow]:
    """Contributions and evidence of the packages; the contributions that there were."""
    contribution, evidence = CandidateContribution, EvidenceSnippet
    connection.execute(delete(evidence).where(evidence.user_id == user_id, among(evidence.package_id, package_ids)))
    return [
        *connection.execute(
            delete(contribution)
            .where(contribution.user_id == user_id, among(contribution.package_id, package_ids))
            .returning(contribution.candidate_id, contribution.contribution)
        )
    ]


def _forget_concepts(connection: Connection, user_id: str, package_ids: Sequence[UUID]) -> bool:
    """What the packages are about; whether there was anything."""
    removed = 0
    for table in (ConceptRelation, Concept):
        gone = delete(table).where(table.user_id == user_id, among(table.package_id, package_ids))
        removed += connection.execute(gone).rowcount
    return bool(removed)


def _vanish(connection: Connection, user_id: str, gone: Sequence[UUID], *, keep_settled: bool) -> None:
    """Candidates that rest on nothing any more, with all that was decided about them."""
    if not gone:
        return
    connection.execute(delete(Candidate).where(Candidate.user_id == user_id, among(Candidate.candidate_id, gone)))
    decisions = (UserRefinedTrait.user_id == user_id, among(UserRefinedTrait.original_candidate_id, gone))
    connection.execute(update(UserRefinedTrait).where(*decisions).values(dict.fromkeys(_FREE_TEXT)))
    _own(connection, user_id, among(SettledTrait.candidate_id, gone), keep=keep_settled)


def _own(connection: Connection, user_id: str, which: ColumnElement[bool], *, keep: bool) -> None:
    """Settled traits go, or stay as the person's own: without evidence, and said by the log to be theirs."""
    mine = (SettledTrait.user_id == user_id, which)
    if not keep:
        connection.execute(delete(SettledTrait).where(*mine))
        return
    kept = connection.execute(
        update(SettledTrait)
        .where(*mine)
        .values(candidate_id=None, origin=str(TraitOrigin.USER_DEFINED), updated_at=now())
        .returning(SettledTrait.__table__)
    ).all()
    entries = [_said(row) for row in kept]
    if entries:
        connection.execute(insert(UserRefinedTrait), entries)


def _said(trait: AnyRow) -> dict[str, Any]:
    """An entry of the log by which a trait that stays is the person's own."""
    return {
        "refinement_action_id": uuid4(),
        "user_id": trait.user_id,
        "trait_id_in_pkg": trait.trait_id,
        "user_decision": str(UserDecision.USER_ADDED),
        "refined_trait_name": trait.trait_name,
        "refined_trait_description": trait.trait_description,
        "refined_trait_category": trait.trait_category,
        "user_confidence_rating": trait.user_confidence_rating,
        "customization_notes": trait.customization_notes,
        "action_timestamp": now(),
    }


def _restate(connection: Connection, user_id: str, staying: Sequence[UUID], removed: Iterable[AnyRow]) -> None:
    """Compute candidates anew from what they still rest on; what the person decided stands."""
    if not staying:
        return
    parts: dict[UUID, list[Contribution]] = {}
    for row in removed:
        parts.setdefault(row.candidate_id, []).append(Contribution.from_json(row.contribution))
    records = track_records(decisions_of(connection, user_id))
    for identity, known in look_up(connection, user_id, staying).items():
        if not supported(known.others):
            continue
        values = combined_values(known.others, _totals(known, parts.get(identity, [])), records)
        if known.row["status"] in DECIDED:
            del values["new_evidence_against"]
        connection.execute(update(Candidate).where(Candidate.candidate_id == identity).values(**values))


def _totals(known: Known, parts: Iterable[Contribution]) -> dict[str, Any]:
    totals = dict(known.row["totals"])
    for part in parts:
        totals = recount(totals, part, None)
    return totals
