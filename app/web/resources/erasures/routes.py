"""Erasures: all that is known of a person, previews, progress, receipts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import url_for

from app.services import erasing
from app.services.erasing import consequences
from app.tasks.control import urge
from app.vocabulary import AccessAction, ErasureState
from app.web.auth import EVERYTHING, UPLOAD
from app.web.resources.erasures.schemas import ErasureSchema, ErasuresSchema, KeepQuery, PreviewSchema
from app.web.schemas import PageQuery, page
from app.web.smorest import PERSON, Blueprint

blueprint = Blueprint("erasures", description="What was erased, with receipts", prefix=PERSON)

LOCATION = {"Location": {"description": "Where the erasure's state and receipt are", "schema": {"type": "string"}}}


@blueprint.endpoint(
    "DELETE", "", access=EVERYTHING, status=202, query=KeepQuery, answer=ErasureSchema, headers=LOCATION
)
def erase_user(query: dict[str, Any], user_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Erase all that is known of the person, and end all consents.

    Uploads, text layers, features, candidates, decisions, traits, styles and the graph go; the ledger of consents and
    the access log stay, which name ids only. From the answer on nothing of it can be read. Repeated, it is the same
    erasure.
    """
    return accepted(erasing.erase_user(user_id, keep_settled=query["keepSettled"]))


@blueprint.endpoint("GET", "/erasure-preview", access=UPLOAD, answer=PreviewSchema, reads=AccessAction.READ_TRAITS)
def preview_user(user_id: str) -> dict[str, Any]:
    """What would go with all uploads of the person."""
    return consequences.of_user(user_id)


@blueprint.endpoint(
    "GET",
    "/data/packages/<uuid:packageID>/erasure-preview",
    access=UPLOAD,
    answer=PreviewSchema,
    reads=AccessAction.READ_TRAITS,
)
def preview_package(user_id: str, package_id: UUID) -> dict[str, Any]:
    """Candidates and settled traits that rest on nothing but this upload."""
    return consequences.of_package(user_id, package_id)


@blueprint.endpoint(
    "GET",
    "/consents/<uuid:consentTokenID>/erasure-preview",
    access=UPLOAD,
    answer=PreviewSchema,
    reads=AccessAction.READ_TRAITS,
)
def preview_consent(user_id: str, consent_token_id: UUID) -> dict[str, Any]:
    """Candidates and settled traits that rest on nothing but what was given under this consent."""
    return consequences.of_consent(user_id, consent_token_id)


@blueprint.endpoint(
    "DELETE",
    "/data/packages/<uuid:packageID>",
    access=UPLOAD,
    status=202,
    query=KeepQuery,
    answer=ErasureSchema,
    headers=LOCATION,
)
def erase_package(query: dict[str, Any], user_id: str, package_id: UUID) -> tuple[dict[str, Any], dict[str, str]]:
    """Erase an upload and what rests on nothing else.

    From the answer on it cannot be read. Repeated, it is the same erasure.
    """
    return accepted(erasing.erase_package(user_id, package_id, keep_settled=query["keepSettled"]))


@blueprint.endpoint("GET", "/erasures", access=UPLOAD, query=PageQuery, answer=ErasuresSchema)
def list_erasures(query: dict[str, Any], user_id: str) -> dict[str, Any]:
    """All erasures, newest first."""
    return page(*erasing.listed(user_id, **query), query)


@blueprint.endpoint("GET", "/erasures/<uuid:erasureID>", access=UPLOAD, answer=ErasureSchema)
def read_erasure(user_id: str, erasure_id: UUID) -> dict[str, Any]:
    """How far an erasure is, and its receipt once it is done."""
    return erasing.one(user_id, erasure_id)


def accepted(erasure: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The answer to a request to erase, which is published unless it is done."""
    if erasure["state"] != ErasureState.DONE:
        urge(erasure["erasureID"])
    url = url_for("erasures.read_erasure", userID=erasure["userID"], erasureID=erasure["erasureID"])
    return erasure, {"Location": url}
