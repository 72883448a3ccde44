"""History, styles and graph over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.vocabulary import EdgeType, NodeLabel
from app.web.fields import Body, Free, Text, Time
from app.web.resources.candidates.schemas import CATEGORIES, DecisionSchema
from app.web.schemas import PaginationSchema


class HistorySchema(Schema):
    """A page of the decision log, newest first."""

    data = fields.List(fields.Nested(DecisionSchema), required=True)
    pagination = fields.Nested(PaginationSchema, required=True)


class StylesSchema(Schema):
    """Style preferences."""

    userID = fields.String(required=True)
    preferences = fields.Dict(required=True)
    lastUpdatedTimestamp = Time(allow_none=True)


class PutStylesSchema(Body):
    """Style preferences that replace what was set."""

    preferences = Free(required=True, metadata={"example": {"formality": "informal", "emoji": False}})


class GraphQuery(Body):
    """Which part of the graph."""

    concept = Text(255, load_default=None, metadata={"description": "Start at this concept"})
    category = fields.String(load_default=None, validate=validate.OneOf(CATEGORIES))
    depth = fields.Integer(
        load_default=2, validate=validate.Range(0, 5), metadata={"description": "Edges from the start"}
    )


class NodeSchema(Schema):
    """A node of the persona knowledge graph."""

    id = fields.String(required=True)
    label = fields.String(required=True, validate=validate.OneOf([str(label) for label in NodeLabel]))
    properties = fields.Dict(required=True)


class EdgeSchema(Schema):
    """An edge of the persona knowledge graph."""

    source = fields.String(required=True)
    type = fields.String(required=True, validate=validate.OneOf([str(kind) for kind in EdgeType]))
    target = fields.String(required=True)
    properties = fields.Dict(required=True)


class GraphSchema(Schema):
    """Nodes and edges."""

    nodes = fields.List(fields.Nested(NodeSchema), required=True)
    edges = fields.List(fields.Nested(EdgeSchema), required=True)
