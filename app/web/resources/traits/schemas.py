"""Settled traits over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.web.fields import Body, Text
from app.web.resources.candidates.schemas import CATEGORIES, TraitSchema
from app.web.schemas import PaginationSchema


class OwnTraitSchema(Body):
    """A trait in the person's own words."""

    traitName = Text(200, filled=True, required=True, metadata={"example": "Plays the cello"})
    traitDescription = Text(2000, metadata={"example": "Since school"})
    traitCategory = fields.String(required=True, validate=validate.OneOf(CATEGORIES), metadata={"example": "Skill"})
    userConfidenceRating = fields.Integer(strict=True, allow_none=True, validate=validate.Range(1, 5))
    customizationNotes = Text(2000, allow_none=True)


class TraitsSchema(Schema):
    """A page of settled traits."""

    data = fields.List(fields.Nested(TraitSchema), required=True)
    pagination = fields.Nested(PaginationSchema, required=True)
