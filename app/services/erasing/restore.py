"""After a backup was restored: what had been erased and is there again is erased again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Connection, exists, or_, select

from app import consent
from app.database import transaction
from app.models import (
    CandidateContribution,
    CommunicationStyles,
    Concept,
    ConceptRelation,
    Erasure,
    EvidenceSnippet,
    PackageKey,
    SettledTrait,
    UserDataPackage,
    UserRefinedTrait,
)
from app.models import ExtractedTraitCandidate as Candidate
from app.services.erasing import tombstones
from app.services.erasing.consequences import supported_elsewhere
from app.services.erasing.request import announced, begin
from app.services.erasing.state import among
from app.vocabulary import ErasureScope, ErasureState

log = structlog.get_logger()


def reapply() -> list[UUID]:
    """Erase again what a restored backup brought back.

    Returns:
        Ids of the erasures that were begun.

    Raises:
        StoreUnavailable: a store does not answer; repeat it.
    """
    begun = []
    for said in tombstones.standing():
        if (erasure_id := _again(said)) is not None:
            log.warning("erased_again", tombstone=said["erasureID"], erasure=str(erasure_id))
            begun.append(erasure_id)
    return begun


def _again(said: dict[str, Any]) -> UUID | None:
    """Begin an erasure of what is there although it was erased; None where nothing is, or it is being erased."""
    user_id, package_ids = said["userID"], [UUID(package_id) for package_id in said["packageIDs"]]
    with transaction() as connection:
        if not _back(connection, said, package_ids):
            return None
    with transaction() as connection:
        consent.gate_exclusive(connection, user_id)
        if not _back(connection, said, package_ids):
            return None
        _revoke_again(connection, said)
        if said["scope"] == ErasureScope.USER:
            package_ids = [*{*package_ids, *_packages_before(connection, said)}]
        row = begin(
            connection,
            user_id,
            ErasureScope.RESTORE,
            package_ids,
            keep_settled=said["keepSettled"],
            repeats={name: said[name] for name in ("erasureID", "scope", "requestedAt")},
        )
    announced(row)
    return UUID(str(row.erasure_id))


def _back(connection: Connection, said: dict[str, Any], package_ids: list[UUID]) -> bool:
    """Whether anything of it exists while no erasure of it is open."""
    user_id = said["userID"]
    open_ones = exists().where(
        Erasure.user_id == user_id,
        Erasure.state != str(ErasureState.DONE),
        Erasure.package_ids.overlap(package_ids) if package_ids else Erasure.scope == str(ErasureScope.USER),
    )
    tables: tuple[Any, ...] = (
        UserDataPackage, PackageKey, CandidateContribution, EvidenceSnippet, Concept, ConceptRelation,
    )  # fmt: skip
    there: list[ColumnElement[bool]] = [
        exists().where(table.user_id == user_id, among(table.package_id, package_ids)) for table in tables
    ]
    if said["scope"] == ErasureScope.USER:
        there += _older(user_id, datetime.fromisoformat(said["requestedAt"]), package_ids)
    return bool(connection.execute(select(~open_ones & or_(*there))).scalar_one())


def _older(user_id: str, moment: datetime, package_ids: Sequence[UUID]) -> list[ColumnElement[bool]]:
    """What is there from before the request; a candidate that later packages bear out is not."""
    alone = ~supported_elsewhere(package_ids)
    return [
        exists().where(UserDataPackage.user_id == user_id, UserDataPackage.created_at <= moment),
        exists().where(Candidate.user_id == user_id, Candidate.created_at <= moment, alone),
        exists().where(SettledTrait.user_id == user_id, SettledTrait.updated_at <= moment),
        exists().where(UserRefinedTrait.user_id == user_id, UserRefinedTrait.action_timestamp <= moment),
        exists().where(CommunicationStyles.user_id == user_id, CommunicationStyles.updated_at <= moment),
    ]


def _packages_before(connection: Connection, said: dict[str, Any]) -> list[UUID]:
    until = UserDataPackage.created_at <= datetime.fromisoformat(said["requestedAt"])
    query = select(UserDataPackage.package_id).where(UserDataPackage.user_id == said["userID"], until)
    return [*connection.execute(query).scalars()]


def _revoke_again(connection: Connection, said: dict[str, Any]) -> None:
    """A ledger from before the revocation says that the consents stand: end them again."""
    if consent.ruled_remotely():
        return
    until = datetime.fromisoformat(said["requestedAt"])
    for given in consent.listed(connection, said["userID"]):
        ended = str(given.consent_token_id) == said["consentTokenID"]
        ended |= said["scope"] == ErasureScope.USER and given.granted_at <= until
        if ended and given.revoked_at is None:
            consent.revoke(connection, given.user_id, given.consent_token_id)
