"""The access log over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.vocabulary import AccessAction
from app.web.fields import Id, Time
from app.web.schemas import PaginationSchema


class AccessSchema(Schema):
    """One reading."""

    actor = fields.String(
        required=True,
        metadata={"description": "A token's `sub`, `worker:<queue>` or `operator`", "example": "worker:text"},
    )
    action = fields.String(required=True, validate=validate.OneOf([str(action) for action in AccessAction]))
    purpose = fields.String(
        required=True,
        metadata={"description": "A lane and its analyzers, a route or a command", "example": "text: text.style"},
    )
    packageID = Id(required=True, allow_none=True)
    timestamp = Time(required=True)


class AccessLogSchema(Schema):
    """A page of the access log, newest first."""

    data = fields.List(fields.Nested(AccessSchema), required=True)
    pagination = fields.Nested(PaginationSchema, required=True)
