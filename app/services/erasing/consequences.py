"""What an erasure takes with it: candidates and settled traits that rest on nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Float, and_, cast, exists, func, or_, select, union

from app import consent
from app.database import AnyRow, transaction
from app.errors import NotFound
from app.models import CandidateContribution, CommunicationStyles, EvidenceSnippet, SettledTrait, UserDataPackage
from app.models import ExtractedTraitCandidate as Candidate
from app.services.erasing.state import among

#: Candidates and traits that a preview names; the counts are of all.
MOST_NAMED = 500


def supported_elsewhere(package_ids: Sequence[UUID]) -> ColumnElement[bool]:
    """Whether a candidate rests on any package that is not among these."""
    contribution, evidence = CandidateContribution, EvidenceSnippet
    speaks = cast(contribution.contribution["certainty"].astext, Float) > 0
    return or_(
        exists().where(
            contribution.candidate_id == Candidate.candidate_id, ~among(contribution.package_id, package_ids), speaks
        ),
        # What was brought in from elsewhere may have evidence and no contributions.
        and_(
            ~exists().where(contribution.candidate_id == Candidate.candidate_id),
            exists().where(
                evidence.candidate_id == Candidate.candidate_id,
                ~among(evidence.package_id, package_ids),
                evidence.counter.is_(False),
            ),
        ),
    )


def touched(user_id: str, package_ids: Sequence[UUID]) -> ColumnElement[bool]:
    """Whether a candidate is the person's, and any of the packages has to do with it."""
    mine = union(
        *(
            select(table.candidate_id).where(table.user_id == user_id, among(table.package_id, package_ids))
            for table in (CandidateContribution, EvidenceSnippet)
        )
    )
    return and_(Candidate.user_id == user_id, Candidate.candidate_id.in_(mine))


def of_package(user_id: str, package_id: UUID) -> dict[str, Any]:
    """What goes with a package.

    Returns:
        `{packages, candidates, settledTraits, candidatesThatStay, total{}}`; candidates and traits are those that rest
        on nothing else, 500 at most.

    Raises:
        NotFound: no such package, or somebody else's.
    """
    with transaction() as connection:
        mine = select(UserDataPackage.package_id).where(
            UserDataPackage.package_id == package_id, UserDataPackage.user_id == user_id
        )
        if connection.execute(mine).first() is None:
            raise NotFound("no such package")
        return _preview(connection, user_id, [package_id])


def of_consent(user_id: str, consent_token_id: UUID) -> dict[str, Any]:
    """What goes with the packages that were given under a consent, as `of_package`.

    Raises:
        NotFound: no such consent of this person.
    """
    with transaction() as connection:
        packages = packages_under(connection, user_id, consent_token_id)
        given = {one.consent_token_id for one in consent.listed(connection, user_id)}
        if not packages and consent_token_id not in given:
            raise NotFound("no such consent: GET /v1/users/{userID}/consents lists those there are")
        return _preview(connection, user_id, packages)


def of_user(user_id: str) -> dict[str, Any]:
    """What goes with the person: everything, so that all candidates and settled traits are named."""
    with transaction() as connection:
        packages = connection.execute(
            select(func.count()).select_from(UserDataPackage).where(UserDataPackage.user_id == user_id)
        ).scalar_one()
        candidates = connection.execute(_naming(Candidate.user_id == user_id)).all()
        settled = connection.execute(_settled(SettledTrait.user_id == user_id)).all()
        styles = exists().where(CommunicationStyles.user_id == user_id)
        return {**_shown(packages, candidates, settled, 0), "styles": connection.execute(select(styles)).scalar_one()}


def packages_under(connection: Connection, user_id: str, consent_token_id: UUID) -> list[UUID]:
    """Packages that the person gave under a consent."""
    query = select(UserDataPackage.package_id).where(
        UserDataPackage.user_id == user_id, UserDataPackage.consent_token_id == consent_token_id
    )
    return [*connection.execute(query).scalars()]


def _preview(connection: Connection, user_id: str, package_ids: Sequence[UUID]) -> dict[str, Any]:
    about, elsewhere = touched(user_id, package_ids), supported_elsewhere(package_ids)
    candidates = connection.execute(_naming(about, ~elsewhere)).all()
    gone = [row.candidate_id for row in candidates]
    settled = connection.execute(
        _settled(SettledTrait.user_id == user_id, among(SettledTrait.candidate_id, gone))
    ).all()
    staying = connection.execute(select(func.count()).select_from(Candidate).where(about, elsewhere)).scalar_one()
    return _shown(len(package_ids), candidates, settled, staying)


def _naming(*conditions: ColumnElement[bool]) -> Any:  # noqa: ANN401 - a Select's own type parameters say nothing here
    columns = (Candidate.candidate_id, Candidate.trait_name, Candidate.status)
    return select(*columns).where(*conditions).order_by(Candidate.rank.desc(), Candidate.candidate_id)


def _settled(*conditions: ColumnElement[bool]) -> Any:  # noqa: ANN401 - as above
    columns = (SettledTrait.trait_id, SettledTrait.trait_name, SettledTrait.origin)
    return select(*columns).where(*conditions).order_by(SettledTrait.created_at, SettledTrait.trait_id)


def _shown(packages: int, candidates: Sequence[AnyRow], settled: Sequence[AnyRow], staying: int) -> dict[str, Any]:
    return {
        "packages": packages,
        "candidates": [
            {"candidateID": str(row.candidate_id), "traitName": row.trait_name, "status": row.status}
            for row in candidates[:MOST_NAMED]
        ],
        "settledTraits": [
            {"traitID_in_pkg": str(row.trait_id), "traitName": row.trait_name, "origin": row.origin}
            for row in settled[:MOST_NAMED]
        ],
        "candidatesThatStay": staying,
        "total": {"candidates": len(candidates), "settledTraits": len(settled)},
    }
