"""Uploads, their state, analysing again, cancelling."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import url_for

from app.services import packages
from app.services.llm.sent import sent
from app.tasks.pipeline import pipeline
from app.vocabulary import AccessAction
from app.web.auth import UPLOAD
from app.web.resources.packages.schemas import AnalysisSchema, PackagesSchema, RunSchema, SentSchema, StatusSchema
from app.web.resources.packages.upload import receive
from app.web.schemas import PageQuery, page
from app.web.smorest import PERSON, Blueprint

blueprint = Blueprint(
    "packages", description="What the person gave, and how far its analysis is", prefix=f"{PERSON}/data"
)

_LOCATION = {"Location": {"description": "Where the run's state is", "schema": {"type": "string"}}}
_UPLOAD: dict[str, Any] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Repeats of one request are one package; the same key with another body is 422",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }
    ],
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "sourceDescription", "consentTokenID"],
                    "additionalProperties": False,
                    "properties": {
                        "file": {"type": "string", "contentMediaType": "application/octet-stream"},
                        "sourceDescription": {"type": "string", "minLength": 1, "maxLength": 2000},
                        "consentTokenID": {"type": "string", "format": "uuid"},
                        "dataType": {"type": "string", "description": "What the client believes; the bytes decide"},
                        "metadata": {
                            "type": "string",
                            "contentMediaType": "application/json",
                            "examples": ['{"authorship": "self"}'],
                        },
                    },
                }
            }
        },
    },
}


@blueprint.endpoint(
    "POST",
    "/upload",
    access=UPLOAD,
    status=202,
    answer=RunSchema,
    refusals=(400, 408, 413, 415, 422, 429),
    headers=_LOCATION,
    doc=_UPLOAD,
)
def upload_data(user_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Upload a file.

    It is encrypted while it arrives and accepted in one transaction: after 202 it is never lost, after anything else
    nothing of it is left. Its bytes decide what kind of file it is. `ECHO_MAX_UPLOAD_BYTES` bounds it (100 MiB unless
    set). The parts of the form may come in any order.
    """
    return _accepted(user_id, receive(user_id))


@blueprint.endpoint("GET", "/packages", access=UPLOAD, query=PageQuery, answer=PackagesSchema)
def list_packages(query: dict[str, Any], user_id: str) -> dict[str, Any]:
    """The person's uploads, newest first."""
    return page(*packages.listed(user_id, **query), query)


@blueprint.endpoint("GET", "/packages/<uuid:packageID>/status", access=UPLOAD, answer=StatusSchema)
def package_status(user_id: str, package_id: UUID) -> dict[str, Any]:
    """How far the newest analysis of an upload is."""
    return packages.status(user_id, package_id)


@blueprint.endpoint(
    "POST",
    "/packages/<uuid:packageID>/analyses",
    access=UPLOAD,
    status=202,
    body=AnalysisSchema,
    answer=RunSchema,
    refusals=(409, 429),
    headers=_LOCATION,
)
def analyse_package(body: dict[str, Any], user_id: str, package_id: UUID) -> tuple[dict[str, Any], dict[str, str]]:
    """Analyse an upload again.

    The body may be left out. 409 while an analysis of it is open, and for `bulk` where answers are not kept
    (`ECHO_LLM_RECORDINGS`).
    """
    return _accepted(user_id, packages.analyse_again(user_id, package_id, pipeline(), **body))


@blueprint.endpoint("POST", "/packages/<uuid:packageID>/cancel", access=UPLOAD, answer=StatusSchema)
def cancel_package(user_id: str, package_id: UUID) -> dict[str, Any]:
    """Cancel the open analysis of an upload.

    The answer is its state afterwards; cancelling twice changes nothing.
    """
    return packages.cancel(user_id, package_id)


@blueprint.endpoint(
    "GET",
    "/packages/<uuid:packageID>/sent",
    access=UPLOAD,
    reads=AccessAction.READ_TEXT,
    query=PageQuery,
    answer=SentSchema,
)
def package_sent(query: dict[str, Any], user_id: str, package_id: UUID) -> dict[str, Any]:
    """What of an upload left for vendors, redacted as it left, and what was asked about it."""
    found = sent(user_id, package_id, **query)
    unrecorded = {name: found[name] for name in ("unrecorded", "unrecordedTotal")}
    return {**page(found["data"], found["total"], query), **unrecorded}


def _accepted(user_id: str, run: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    url = url_for("packages.package_status", userID=user_id, packageID=run["packageID"])
    return {**run, "statusUrl": url}, {"Location": url}
