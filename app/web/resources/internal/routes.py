"""For other services, with the internal secret."""

from __future__ import annotations

from typing import Any

from app.services import consents
from app.web.auth import SERVICE
from app.web.resources.internal.schemas import VerdictSchema, VerifyQuery
from app.web.smorest import Blueprint

blueprint = Blueprint("internal", description="For other services", prefix="/internal")


@blueprint.endpoint("GET", "/consent/v1/verify", access=SERVICE, query=VerifyQuery, answer=VerdictSchema)
def verify_consent(query: dict[str, Any]) -> dict[str, Any]:
    """Whether a consent covers a scope now.

    The bearer token is `ECHO_INTERNAL_SECRET`; without one set, the route is closed (404).
    """
    return consents.verify(query["userID"], query["consentTokenID"], query["requiredScope"])
