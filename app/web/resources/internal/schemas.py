"""Consent checks over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.web.fields import Body, Text


class VerifyQuery(Body):
    """What to check."""

    userID = Text(128, required=True)
    consentTokenID = Text(64, required=True)
    requiredScope = Text(128, required=True, metadata={"example": "analyse:text:local"})


class VerdictSchema(Schema):
    """Whether the consent covers the scope now."""

    isValid = fields.Boolean(required=True)
    reason = fields.String(
        required=True, allow_none=True, validate=validate.OneOf(["unknown", "revoked", "expired", "not_covered"])
    )
