"""Consents over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.web.fields import Body, Id, Text, Time


class GrantSchema(Body):
    """What the person allows."""

    scopes = fields.List(
        Text(128, filled=True),
        required=True,
        validate=validate.Length(1, 50),
        metadata={
            "description": "`analyse:MODALITY:WHERE`; `*` stands for one part",
            "example": ["analyse:text:local", "analyse:audio:local"],
        },
    )
    purpose = Text(1000, filled=True, required=True, metadata={"example": "Find out how I write"})
    expiresAt = Time(load_default=None, allow_none=True, metadata={"description": "Never when left out"})


class ConsentSchema(Schema):
    """A consent as it stands."""

    consentTokenID = Id(required=True)
    userID = fields.String(required=True)
    scopes = fields.List(fields.String(), required=True)
    purpose = fields.String(required=True)
    expiresAt = Time(allow_none=True)
    grantedAt = Time(required=True)
    revokedAt = Time(allow_none=True)
    status = fields.String(required=True, validate=validate.OneOf(["active", "expired", "revoked"]))


class RevokedSchema(ConsentSchema):
    """A consent that has ended, and the erasure of what was given under it."""

    erasureID = Id(required=True, allow_none=True, metadata={"description": "Null where nothing was given under it"})


class ConsentsSchema(Schema):
    """All consents of the person, newest first."""

    data = fields.List(fields.Nested(ConsentSchema), required=True)
