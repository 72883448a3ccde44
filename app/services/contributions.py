"""What each package contributes to each candidate: a row for each, of which a merge reads the strongest alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    delete,
    func,
    select,
    true,
    union,
)
from sqlalchemy.dialects.postgresql import ARRAY, Insert
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import aliased

from app.models import CandidateContribution
from app.models import ExtractedTraitCandidate as Candidate
from app.services.bulk import packed, upsert
from app.traits.candidates import Contribution
from app.traits.combining import MOST_COMBINED


@dataclass(frozen=True, slots=True)
class Known:
    """A candidate as it stands.

    Attributes:
        row: columns of `candidates`.
        mine: what the package at hand contributes to it so far.
        others: the strongest of what other packages contribute, by package.
    """

    row: Mapping[str, Any]
    mine: Contribution | None
    others: dict[str, Contribution]


def look_up(
    connection: Connection, user_id: str, candidate_ids: Iterable[UUID], package_id: UUID | None = None
) -> dict[UUID, Known]:
    """These of the person's candidates and those that the package contributes to, by id.

    One statement, which reads at most `MOST_COMBINED` contributions of each.
    """
    given = {"user": user_id, "candidates": [*candidate_ids], "package": package_id}
    found = {}
    for row in connection.execute(_looking_up(), given).mappings():
        values = {**row}
        mine = values.pop("mine")
        others = values.pop("others") or {}
        found[values["candidate_id"]] = Known(
            values,
            Contribution.from_json(mine) if mine else None,
            {package: Contribution.from_json(one) for package, one in others.items()},
        )
    return found


@cache
def _looking_up() -> Select[*tuple[Any, ...]]:
    package = bindparam("package", type_=PG_UUID(as_uuid=True))
    before = select(CandidateContribution.candidate_id).where(CandidateContribution.package_id == package)
    meant = select(func.unnest(bindparam("candidates", type_=ARRAY(PG_UUID(as_uuid=True)))))
    # An array is looked up by key; a join with a subquery of unknown size may read the whole table.
    wanted = func.array(union(before, meant).scalar_subquery())
    mine = aliased(CandidateContribution)
    other = aliased(CandidateContribution)
    strongest = (
        select(other.package_id, other.contribution)
        .where(other.candidate_id == Candidate.candidate_id, other.package_id.is_distinct_from(package))
        .order_by(other.weight.desc(), other.package_id.desc())
        .limit(MOST_COMBINED)
        .correlate(Candidate)
        .subquery()
    )
    others = select(
        func.jsonb_object_agg(cast(strongest.c.package_id, Text), strongest.c.contribution).label("others")
    ).lateral()
    return (
        select(Candidate.__table__, mine.contribution.label("mine"), others.c.others)
        .outerjoin(mine, and_(mine.candidate_id == Candidate.candidate_id, mine.package_id == package))
        .join(others, true())
        .where(Candidate.user_id == bindparam("user"), Candidate.candidate_id == any_(wanted))
    )


def contribute(
    connection: Connection, user_id: str, package_id: UUID, contributions: Mapping[UUID, Contribution]
) -> None:
    """Store what a package contributes, by candidate, in place of what it contributed there before."""
    if not contributions:
        return
    rows = [
        {
            "candidate_id": candidate_id,
            "package_id": package_id,
            "user_id": user_id,
            "contribution": one.as_json(),
            "weight": one.weight,
        }
        for candidate_id, one in contributions.items()
    ]
    connection.execute(_contributing(), packed(rows))


@cache
def _contributing() -> Insert:
    names = ("candidate_id", "package_id", "user_id", "contribution", "weight")
    return upsert(CandidateContribution, names, names[:2], names[3:], true())


def take_out(connection: Connection, package_id: UUID, candidate_ids: Iterable[UUID]) -> None:
    """Forget what a package contributed to these candidates."""
    if listed := [*candidate_ids]:
        gone = (CandidateContribution.package_id == package_id, CandidateContribution.candidate_id.in_(listed))
        connection.execute(delete(CandidateContribution).where(*gone))
