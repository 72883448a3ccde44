"""Costs over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.vocabulary import RunStatus
from app.web.fields import Id, Time
from app.web.schemas import PaginationSchema


class MonthSchema(Schema):
    """The calendar month (UTC)."""

    spent = fields.Float(required=True)
    budget = fields.Float(required=True)
    left = fields.Float(required=True)


class AnalyzerCostSchema(Schema):
    """What an analyzer cost in all runs."""

    analyzer = fields.String(required=True, allow_none=True, metadata={"description": "Null: its package is erased"})
    calls = fields.Integer(required=True)
    tokens = fields.Integer(required=True, metadata={"description": "Read and written"})
    cost = fields.Float(required=True)


class StepCostSchema(Schema):
    """What a step cost."""

    analyzer = fields.String(required=True, allow_none=True)
    calls = fields.Integer(required=True)
    cost = fields.Float(required=True)


class RunCostSchema(Schema):
    """What a run cost."""

    runID = Id(required=True)
    packageID = Id(required=True, allow_none=True, metadata={"description": "Null where it is erased"})
    file = fields.String(required=True, allow_none=True)
    runStatus = fields.String(
        required=True, allow_none=True, validate=validate.OneOf([str(state) for state in RunStatus])
    )
    askedAt = Time(required=True, metadata={"description": "When its first question was asked"})
    calls = fields.Integer(required=True)
    cost = fields.Float(required=True)
    steps = fields.List(fields.Nested(StepCostSchema), required=True)


class TraitCostSchema(Schema):
    """A candidate's share of the answers that it rests on."""

    candidateID = Id(required=True)
    traitName = fields.String(required=True)
    cost = fields.Float(required=True)


class CostsSchema(Schema):
    """US dollars; `traits`, `otherTraits` and `unshared` add up to `total`."""

    currency = fields.String(required=True)
    month = fields.Nested(MonthSchema, required=True)
    total = fields.Float(required=True, metadata={"description": "Of all calls; open ones with their worst case"})
    analyzers = fields.List(fields.Nested(AnalyzerCostSchema), required=True, metadata={"description": "Dearest first"})
    runs = fields.List(fields.Nested(RunCostSchema), required=True, metadata={"description": "Newest first"})
    traits = fields.List(
        fields.Nested(TraitCostSchema), required=True, metadata={"description": "Dearest first, 500 at most"}
    )
    otherTraits = fields.Float(required=True, metadata={"description": "Of the traits beyond these"})
    unshared = fields.Float(required=True, metadata={"description": "Of calls that no trait rests on"})
    pagination = fields.Nested(PaginationSchema, required=True, metadata={"description": "Of `runs`"})
