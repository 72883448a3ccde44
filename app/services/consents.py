"""Consents: grant, list, revoke (which erases), and the answer to other services. Each use case is one transaction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app import consent
from app.database import transaction
from app.services import erasing
from app.services.erasing import canaries
from app.services.erasing.consequences import packages_under

#: What a userID may look like (design.md section 9).
_USER_ID = re.compile(r"[A-Za-z0-9._:@-]{1,128}")


def grant(user_id: str, scopes: Sequence[str], purpose: str, expires_at: datetime | None = None) -> dict[str, Any]:
    """Record a consent.

    Returns:
        `{consentTokenID, userID, scopes, purpose, expiresAt, grantedAt, revokedAt, status}`.

    Raises:
        InvalidInput: a scope, the purpose or the expiry is not what it must be.
        Conflict: a remote consent service rules.
    """
    consent.must_be_ours()
    with transaction() as connection:
        return _as_json(consent.grant(connection, user_id, scopes, purpose, expires_at))


def listed(user_id: str) -> list[dict[str, Any]]:
    """All consents of the person, newest first, in the shape of `grant`."""
    with transaction() as connection:
        return [_as_json(found) for found in consent.listed(connection, user_id)]


def revoke(user_id: str, consent_token_id: UUID, *, keep_settled: bool = False) -> dict[str, Any]:
    """End a consent, and erase what was given under it; once this returns, no step under it begins or stores anything.

    Args:
        user_id: whose.
        consent_token_id: of the consent.
        keep_settled: settled traits that rest on nothing else stay, as the person's own.

    Returns:
        The consent in the shape of `grant`, with `erasureID`: of the erasure that has begun, null where nothing was
        given under it. The erasure is published by whoever calls this.

    Raises:
        NotFound: no such consent of this person.
        Conflict: a remote consent service rules.
    """
    consent.must_be_ours()
    with transaction() as connection:
        given = packages_under(connection, user_id, consent_token_id)
    words = canaries.collect(user_id, given) if given else []
    with transaction() as connection:
        ended = consent.revoke(connection, user_id, consent_token_id)
        erasure = erasing.erase_under_consent(
            connection, user_id, consent_token_id, words=words, keep_settled=keep_settled
        )
    if erasure is not None:
        erasing.announced(erasure, consent_token_id)
    return {**_as_json(ended), "erasureID": str(erasure.erasure_id) if erasure is not None else None}


def verify(user_id: str, consent_token_id: str | UUID, required_scope: str) -> dict[str, Any]:
    """Whether a consent covers a scope now, for other services.

    Returns:
        `{isValid, reason}`; reason is null, "unknown", "revoked", "expired" or "not_covered". Nonsense is answered
        too: an id that cannot exist is unknown.
    """
    try:
        token = consent_token_id if isinstance(consent_token_id, UUID) else UUID(consent_token_id)
    except ValueError:
        token = None
    if token is None or not _USER_ID.fullmatch(user_id):
        return {"isValid": False, "reason": "unknown"}
    with transaction() as connection:
        verdict = consent.verify(connection, user_id, token, required_scope)
    return {"isValid": verdict.is_valid, "reason": verdict.reason}


def _as_json(found: consent.Consent) -> dict[str, Any]:
    return {
        "consentTokenID": str(found.consent_token_id),
        "userID": found.user_id,
        "scopes": sorted(found.scopes),
        "purpose": found.purpose,
        "expiresAt": _iso(found.expires_at),
        "grantedAt": _iso(found.granted_at),
        "revokedAt": _iso(found.revoked_at),
        "status": found.status(),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None
