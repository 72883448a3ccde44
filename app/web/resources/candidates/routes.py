"""Candidates: list, read, decide."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request
from werkzeug.exceptions import PreconditionFailed
from werkzeug.http import quote_etag

from app.services import candidates, review
from app.services.candidates import Query
from app.vocabulary import AccessAction
from app.web.auth import MANAGE, READ
from app.web.resources.candidates.schemas import (
    ActionSchema,
    ActionsSchema,
    CandidateQuery,
    CandidateSchema,
    CandidatesSchema,
    OutcomeSchema,
    OutcomesSchema,
)
from app.web.schemas import page
from app.web.smorest import PERSON, Blueprint

blueprint = Blueprint(
    "candidates",
    description="What was found about the person, with evidence; and what they decide",
    prefix=f"{PERSON}/persona/traits/candidates",
)

_DECISIONS: dict[str, Any] = {
    "confirm": {"userDecision": "confirmed_asis"},
    "change": {
        "userDecision": "confirmed_modified",
        "modifications": {"refinedTraitName": "Night owl, mostly", "userConfidenceRating": 4},
    },
    "reject": {"userDecision": "rejected", "rejectionReason": "that was a character of mine"},
    "undo": {"undo": True},
}
_ETAG = {"ETag": {"description": "The candidate's version", "schema": {"type": "string"}}}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "ETag of the candidate that was decided about; 412 where it has changed since",
    "schema": {"type": "string"},
}


@blueprint.endpoint(
    "GET", "", access=READ, reads=AccessAction.READ_TRAITS, query=CandidateQuery, answer=CandidatesSchema
)
def list_candidates(query: Query, user_id: str) -> dict[str, Any]:
    """A page of candidates with their evidence."""
    rows, total = candidates.list_candidates(user_id, query)
    return page(rows, total, {"offset": query.offset, "limit": query.limit})


@blueprint.endpoint(
    "GET", "/<uuid:candidateID>", access=READ, reads=AccessAction.READ_TRAITS, answer=CandidateSchema, headers=_ETAG
)
def read_candidate(user_id: str, candidate_id: UUID) -> tuple[dict[str, Any], dict[str, str]]:
    """One candidate with all its evidence and the explanation of its confidence."""
    candidate = candidates.one_candidate(user_id, candidate_id)
    return candidate, {"ETag": quote_etag(candidate["version"])}


@blueprint.endpoint(
    "POST",
    "/<uuid:candidateID>/actions",
    access=MANAGE,
    status=201,
    body=ActionSchema,
    examples=_DECISIONS,
    answer=OutcomeSchema,
    refusals=(409, 412),
    doc={"parameters": [_IF_MATCH]},
)
def decide(body: dict[str, Any], user_id: str, candidate_id: UUID) -> dict[str, Any]:
    """Decide about a candidate, or undo a decision.

    Confirm it as it is, confirm it with changes, reject it; `{"undo": true}` takes the newest standing decision back.
    """
    version = _expected_version(user_id, candidate_id)
    return review.act(user_id, candidate_id, body, expected_version=version)


@blueprint.endpoint(
    "POST",
    "/actions",
    access=MANAGE,
    status=201,
    body=ActionsSchema,
    examples={
        "two": {
            "actions": [
                {"candidateID": "6f2b7a53-6a1c-5c0e-9a53-2f7d1c1f4e11", "userDecision": "confirmed_asis"},
                {"candidateID": "0d2f3c55-8e0b-5d0c-8a43-1f6d1c1f4e22", "userDecision": "rejected"},
            ]
        }
    },
    answer=OutcomesSchema,
    refusals=(409,),
)
def decide_many(body: dict[str, Any], user_id: str) -> dict[str, Any]:
    """Decide about up to 100 candidates at once: all or none."""
    return {"data": review.act_many(user_id, body["actions"])}


def _expected_version(user_id: str, candidate_id: UUID) -> str | None:
    """The version that the client decided about, if it says so; changes from here on are the service's 409."""
    if not request.if_match or request.if_match.star_tag:
        return None
    current: str = candidates.one_candidate(user_id, candidate_id)["version"]
    if not request.if_match.contains(current):
        raise PreconditionFailed
    return current
