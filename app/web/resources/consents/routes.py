"""Consents: grant, list, revoke."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.services import consents
from app.tasks.control import urge
from app.web.auth import UPLOAD
from app.web.resources.consents.schemas import ConsentSchema, ConsentsSchema, GrantSchema, RevokedSchema
from app.web.resources.erasures.schemas import KeepQuery
from app.web.smorest import PERSON, Blueprint

blueprint = Blueprint("consents", description="What the person allows; append-only", prefix=f"{PERSON}/consents")


@blueprint.endpoint("POST", "", access=UPLOAD, status=201, body=GrantSchema, answer=ConsentSchema, refusals=(409,))
def grant_consent(body: dict[str, Any], user_id: str) -> dict[str, Any]:
    """Grant a consent."""
    return consents.grant(user_id, body["scopes"], body["purpose"], body["expiresAt"])


@blueprint.endpoint("GET", "", access=UPLOAD, answer=ConsentsSchema)
def list_consents(user_id: str) -> dict[str, Any]:
    """All consents, newest first."""
    return {"data": consents.listed(user_id)}


@blueprint.endpoint(
    "POST", "/<uuid:consentTokenID>/revoke", access=UPLOAD, query=KeepQuery, answer=RevokedSchema, refusals=(409,)
)
def revoke_consent(query: dict[str, Any], user_id: str, consent_token_id: UUID) -> dict[str, Any]:
    """Revoke a consent, and erase what was given under it.

    From the answer on no step begins under it, no running one stores a result, and nothing that was given under it can
    be read; `erasureID` leads to the receipt. Revoking twice changes nothing.
    """
    revoked = consents.revoke(user_id, consent_token_id, keep_settled=query["keepSettled"])
    if revoked["erasureID"] is not None:
        urge(revoked["erasureID"])
    return revoked
