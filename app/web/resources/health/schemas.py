"""Health over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate


class AliveSchema(Schema):
    """The process answers."""

    state = fields.String(required=True, metadata={"example": "up"})


class PartSchema(Schema):
    """One part."""

    state = fields.String(required=True, validate=validate.OneOf(["up", "down"]))
    detail = fields.String(required=True, metadata={"description": "What is wrong and how to mend it"})


class ReadySchema(Schema):
    """Whether everything that a request needs works."""

    ready = fields.Boolean(required=True)
    parts = fields.Dict(keys=fields.String(), values=fields.Nested(PartSchema), required=True)
