"""What the person decided about candidates so far, and what that says about the sources of further ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Connection, Select, any_, bindparam, null, select, union_all
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from app.database import AnyRow
from app.models import ExtractedTraitCandidate as Candidate
from app.models import SettledTrait, UserRefinedTrait
from app.traits.confidence import TrackRecord
from app.vocabulary import CandidateStatus, UserDecision

CONFIRMED = frozenset({CandidateStatus.CONFIRMED, CandidateStatus.REFINED})
#: The person has spoken: only the person changes these.
DECIDED = CONFIRMED | {CandidateStatus.REJECTED}

Records = dict[tuple[str, str], TrackRecord]


def decisions_of(connection: Connection, user_id: str) -> Sequence[AnyRow]:
    """All that the person decided on: candidates with their status, and names that they gave, without one."""
    return connection.execute(_deciding(), {"user": user_id}).all()


@cache
def _deciding() -> Any:  # noqa: ANN401 - a CompoundSelect's own type parameters say nothing here
    user: BindParameter[str] = bindparam("user")
    candidates = select(
        Candidate.candidate_id,
        Candidate.trait_name,
        Candidate.claim_kind,
        Candidate.originating_models,
        Candidate.status,
    ).where(Candidate.user_id == user, Candidate.status.in_(sorted(str(status) for status in DECIDED)))
    named: Select[*tuple[Any, ...]] = (
        select(
            SettledTrait.candidate_id,
            SettledTrait.trait_name,
            Candidate.claim_kind,
            Candidate.originating_models,
            null().label("status"),
        )
        .outerjoin(Candidate, Candidate.candidate_id == SettledTrait.candidate_id)
        .where(SettledTrait.user_id == user)
    )
    return union_all(candidates, named)


def rejected_before(connection: Connection, user_id: str, candidate_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the candidates, new to the table, that the person rejected before they were erased."""
    if not candidate_ids:
        return frozenset()
    found = connection.execute(_rejecting(), {"user": user_id, "candidates": [*candidate_ids]})
    return frozenset(row.original_candidate_id for row in found if row.user_decision == UserDecision.REJECTED)


@cache
def _rejecting() -> Select[*tuple[Any, ...]]:
    """The latest decision about each; one that was taken back is followed by the undo, which is none."""
    return (
        select(UserRefinedTrait.original_candidate_id, UserRefinedTrait.user_decision)
        .where(
            UserRefinedTrait.user_id == bindparam("user"),
            UserRefinedTrait.original_candidate_id == any_(bindparam("candidates", type_=ARRAY(PG_UUID(as_uuid=True)))),
        )
        .ext(distinct_on(UserRefinedTrait.original_candidate_id))
        .order_by(UserRefinedTrait.original_candidate_id, UserRefinedTrait.sequence.desc())
    )


def track_records(decided: Iterable[AnyRow]) -> Records:
    """This person's decisions by (model, claim kind)."""
    counts: dict[tuple[str, str], list[int]] = {}
    for row in decided:
        for model in row.originating_models if row.status in DECIDED else ():
            count = counts.setdefault((model, row.claim_kind), [0, 0])
            count[row.status == CandidateStatus.REJECTED] += 1
    return {source: TrackRecord(*count) for source, count in counts.items()}
