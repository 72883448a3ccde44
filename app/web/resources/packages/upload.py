"""Receiving one upload: streamed, encrypted on the way, kept only if everything about it is right."""

from __future__ import annotations

import re
from typing import Any

from flask import current_app, request
from marshmallow import ValidationError
from webargs.flaskparser import abort

from app.errors import InvalidInput, NotFound
from app.services import packages
from app.services.submit import Upload, submit
from app.tasks.pipeline import pipeline
from app.web.multipart import MAX_FIELD_BYTES, MAX_PARTS, Form
from app.web.resources.packages.schemas import UploadForm

#: Bytes that boundaries, part headers and fields may take beside the file.
OVERHEAD_BYTES = 2 * MAX_FIELD_BYTES + MAX_PARTS * 1024
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


def receive(user_id: str) -> dict[str, Any]:
    """Take the upload of the current request in.

    Args:
        user_id: whose it is.

    Returns:
        `packageID`, `runID`, `runStatus`, and more.

    Raises:
        EchoError: as `submit`.
        HTTPException: the form is malformed, too large, too slow or lacks something; nothing is left behind.
    """
    request.max_content_length = current_app.config["ECHO"].max_upload_bytes + OVERHEAD_BYTES
    key = _idempotency_key()
    form = Form(request, "file")
    upload = Upload(user_id)
    try:
        upload.receive(form.file())
        said = _checked(form)
        return submit(
            upload,
            consent_token_id=said["consentTokenID"],
            source_description=said["sourceDescription"],
            file_name=said["file"],
            data_type=said["dataType"],
            metadata=said["metadata"],
            idempotency_key=key,
            pipeline=pipeline(),
        )
    except BaseException:
        # A fault may come after the commit, and the commit is the acceptance: the row decides.
        accepted = _accepted(upload)
        if accepted is None:
            upload.discard()
            raise
        return accepted


def _accepted(upload: Upload) -> dict[str, Any] | None:
    try:
        return packages.status(upload.user_id, upload.package_id)
    except NotFound:
        return None


def _idempotency_key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidInput("an Idempotency-Key is 1 to 255 printable ASCII characters", header="Idempotency-Key")
    return key


def _checked(form: Form) -> dict[str, Any]:
    schema = UploadForm()
    try:
        said: dict[str, Any] = schema.load(form.values)
    except ValidationError as error:
        abort(422, messages={"form": error.messages}, schema=schema)
    return said
