"""One envelope for every refusal: `{"error": {"code", "message", "details"}}`, never with anything the request said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import structlog
from flask import Flask, Response, jsonify, request
from marshmallow import Schema, fields
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from app.errors import EchoError
from app.services.tokens import Unauthenticated

log = structlog.get_logger()

#: Code and message by status, for refusals that come from the framework; its own texts may repeat the request.
FRAMEWORK: dict[int, tuple[str, str]] = {
    400: ("bad_request", "the request is malformed: check its JSON, its multipart form and its headers"),
    404: ("not_found", "no such route: /openapi.json lists them"),
    405: ("method_not_allowed", "this route does not know the method: the Allow header lists those it does"),
    408: ("request_timeout", "the body came too slowly: send it again"),
    412: ("precondition_failed", "the object has changed since you read it: read it again and decide anew"),
    413: (
        "too_large",
        "the request is over the limit: JSON 256 kB, an upload what the documentation of its route says",
    ),
    414: ("uri_too_long", "the address is too long"),
    415: ("unsupported_media_type", "this route does not read the Content-Type: send the one that /openapi.json names"),
    422: ("invalid_input", "the request is well-formed but wrong: `details.fields` says where"),
    431: ("headers_too_large", "the headers are too large"),
}
#: Seconds after which it makes sense to try again.
RETRY_AFTER_S = {429: 5, 503: 2}
#: The name under which details show a field that the request made up.
UNKNOWN = "?"


class ErrorBodySchema(Schema):
    """What went wrong."""

    code = fields.String(required=True, metadata={"description": "For programs; stable", "example": "invalid_input"})
    message = fields.String(required=True, metadata={"description": "For people: what, why, and the next step"})
    details = fields.Dict(required=True, metadata={"description": "Facts for programs; `fields` names wrong fields"})


class ErrorSchema(Schema):
    """The envelope of every refusal."""

    error = fields.Nested(ErrorBodySchema, required=True)


def init_app(app: Flask) -> None:
    """Install the handlers."""
    app.register_error_handler(EchoError, _ours)
    app.register_error_handler(HTTPException, _framework)
    for kind in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(kind, _database_away)
    app.register_error_handler(Exception, _unexpected)


def envelope(status: int, code: str, message: str, details: dict[str, Any] | None = None) -> Response:
    """The one shape of a refusal."""
    response = jsonify({"error": {"code": code, "message": message, "details": details or {}}})
    response.status_code = status
    if status in RETRY_AFTER_S:
        response.headers["Retry-After"] = str(RETRY_AFTER_S[status])
    return response


def _ours(error: EchoError) -> Response:
    if error.status >= 500 and error.status != 503:
        return _unexpected(error)
    response = envelope(error.status, error.code, error.message, error.details)
    if isinstance(error, Unauthenticated):
        known = ', error="invalid_token"' if "Authorization" in request.headers else ""
        response.headers["WWW-Authenticate"] = f'Bearer realm="echosphere"{known}'
    if error.status == 403 and "scope" in error.details:
        scope = error.details["scope"]
        response.headers["WWW-Authenticate"] = f'Bearer realm="echosphere", error="insufficient_scope", scope="{scope}"'
    return response


def _framework(error: HTTPException) -> Response:
    status = error.code or 500
    if status >= 500:
        return _unexpected(error)
    code, message = FRAMEWORK.get(status, ("refused", "the request was refused"))
    response = envelope(status, code, message, _wrong_fields(error))
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def _database_away(error: Exception) -> Response:
    """PostgreSQL away, restarting or full up: nothing was stored, the same request may be sent again."""
    log.warning("database_away", endpoint=request.endpoint, error=type(error).__name__)
    return envelope(503, "store_unavailable", "PostgreSQL does not answer: try again")


def _unexpected(error: Exception) -> Response:
    """A fault of ours: an incident id for both sides, the stack in the log, and no word of the message.

    The message may quote what it stumbled over: `config/logging.py` writes down an exception's class and place only.
    """
    incident = str(uuid4())
    log.error("unexpected_error", incident=incident, endpoint=request.endpoint, exc_info=error)
    return envelope(
        500, "internal", "something broke on our side: tell the operator the incident id", {"incident": incident}
    )


def _wrong_fields(error: HTTPException) -> dict[str, Any]:
    """What validation found, by field path; names that only the request knows are left out."""
    data = getattr(error, "data", None) or {}
    messages, schema = data.get("messages"), data.get("schema")
    if not isinstance(messages, dict) or not isinstance(schema, Schema):
        return {}
    found: dict[str, list[str]] = {}
    for location in messages.values():
        for path, text in _flat(location, schema):
            found.setdefault(path, []).append(text)
    details: dict[str, Any] = {"fields": found}
    if any(path.split(".")[-1] == UNKNOWN for path in found):
        details["allowed"] = [field.data_key or name for name, field in schema.fields.items()]
    return details


def _flat(messages: Any, schema: Schema | None, path: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - marshmallow's tree
    """Walk marshmallow's tree of messages along the schema: (path, text)."""
    if isinstance(messages, str):
        yield path or "body", messages
    elif isinstance(messages, list):
        for message in messages:
            yield from _flat(message, schema, path)
    elif isinstance(messages, dict):
        known = {field.data_key or name: field for name, field in schema.fields.items()} if schema else {}
        for name, below in messages.items():
            if isinstance(name, int):
                shown, inner = str(name), schema
            elif name == "_schema":
                shown, inner = "", schema
            else:
                shown, inner = (name if name in known else UNKNOWN), _inner(known.get(name))
            yield from _flat(below, inner, ".".join(part for part in (path, shown) if part))


def _inner(field: fields.Field[Any] | None) -> Schema | None:
    if isinstance(field, fields.List):
        return _inner(field.inner)
    return field.schema if isinstance(field, fields.Nested) else None
