"""Evidence over HTTP."""

from __future__ import annotations

from marshmallow import fields

from app.web.fields import Id
from app.web.resources.candidates.schemas import SnippetSchema


class PassageSchema(SnippetSchema):
    """A passage in its surroundings."""

    candidateID = Id(required=True)
    counter = fields.Boolean(required=True, metadata={"description": "Whether it speaks against the candidate"})
    before = fields.String(required=True, metadata={"description": "At most 300 characters before it"})
    after = fields.String(required=True, metadata={"description": "At most 300 characters after it"})
