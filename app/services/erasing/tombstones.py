"""Tombstones: signed notes in the object store on what was erased, by which a restored backup is erased again.

They hold ids and no personal content. They are not in PostgreSQL, whose backups know nothing of later erasures.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select

from app.database import AnyRow, transaction
from app.errors import EchoError, InvalidInput, NotFound
from app.models import UserDataPackage
from app.services.erasing.state import among
from app.vault import object_store, signer
from app.vocabulary import ErasureScope

log = structlog.get_logger()

FOLDER = "tombstones"


def put_up(erasure: AnyRow, consent_token_id: UUID | None = None) -> None:
    """Write the tombstone of an erasure; where the store does not answer, the erasure itself does it later."""
    try:
        ensure(erasure, consent_token_id)
    except EchoError as error:
        log.warning("tombstone_postponed", erasure=str(erasure.erasure_id), error=type(error).__name__)


def ensure(erasure: AnyRow, consent_token_id: UUID | None = None) -> None:
    """Write the tombstone of an erasure, unless it stands.

    Args:
        erasure: its row; one that repeats an earlier one needs none of its own.
        consent_token_id: the consent that was revoked; looked up in the packages where it is not given.

    Raises:
        StoreUnavailable: the object store does not answer.
    """
    key = f"{FOLDER}/{erasure.erasure_id}"
    if erasure.scope == ErasureScope.RESTORE or _stands(key):
        return
    if erasure.scope == ErasureScope.CONSENT and consent_token_id is None:
        consent_token_id = _given_under(erasure)
    said = {
        "erasureID": str(erasure.erasure_id),
        "userID": erasure.user_id,
        "scope": erasure.scope,
        "packageIDs": [str(package_id) for package_id in erasure.package_ids],
        "consentTokenID": str(consent_token_id) if consent_token_id else None,
        "keepSettled": erasure.keep_settled,
        "requestedAt": erasure.requested_at.isoformat(),
    }
    object_store().put(key, [signer().sign(said).encode()])


def standing() -> Iterator[dict[str, Any]]:
    """What all tombstones say; one that we did not sign is logged and left out.

    Raises:
        StoreUnavailable: the object store does not answer.
    """
    for key in object_store().list(FOLDER):
        try:
            with object_store().get(key) as source:
                yield signer().verify(source.read().decode("ascii"))
        except (InvalidInput, NotFound, UnicodeDecodeError) as error:
            log.warning("tombstone_unreadable", tombstone=key, error=type(error).__name__)


def _stands(key: str) -> bool:
    try:
        with object_store().get(key) as source:
            return bool(source.read(1))
    except NotFound:
        return False


def _given_under(erasure: AnyRow) -> UUID | None:
    query = select(UserDataPackage.consent_token_id).where(among(UserDataPackage.package_id, erasure.package_ids))
    with transaction() as connection:
        return connection.execute(query.limit(1)).scalar()
