"""One passage in its surroundings."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.services import evidence
from app.vocabulary import AccessAction
from app.web.auth import READ
from app.web.resources.evidence.schemas import PassageSchema
from app.web.smorest import PERSON, Blueprint

blueprint = Blueprint("evidence", description="Why do you think that?", prefix=f"{PERSON}/evidence")


@blueprint.endpoint("GET", "/<uuid:evidenceID>", access=READ, reads=AccessAction.READ_EVIDENCE, answer=PassageSchema)
def read_evidence(user_id: str, evidence_id: UUID) -> dict[str, Any]:
    """The passage in its surroundings; seconds where it is heard, page and box where it is seen."""
    return evidence.passage(user_id, evidence_id)
