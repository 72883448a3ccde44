"""Candidates and decisions over HTTP."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from app.services.candidates import Query, SortField
from app.vocabulary import CandidateStatus, ClaimKind, TraitCategory, UserDecision
from app.web.fields import Body, Id, Text, Time
from app.web.schemas import MAX_LIMIT, MAX_OFFSET, PaginationSchema

CATEGORIES = [str(category) for category in TraitCategory]
KINDS = [str(kind) for kind in ClaimKind]
STATUSES = [str(status) for status in CandidateStatus]
#: What a person may decide about a candidate; the log holds two more, which follow from other actions.
DECISIONS = [str(UserDecision.CONFIRMED_ASIS), str(UserDecision.CONFIRMED_MODIFIED), str(UserDecision.REJECTED), "undo"]


def _statuses(value: str) -> None:
    if set(value.split(",")) - set(STATUSES):
        raise ValidationError(f"Must be one or more of: {', '.join(STATUSES)}, separated by commas.")


class CandidateQuery(Body):
    """Which candidates, in which order."""

    status = fields.String(
        load_default="",
        validate=lambda value: _statuses(value) if value else None,
        metadata={"description": f"One or more of {', '.join(STATUSES)}, separated by commas", "example": "candidate"},
    )
    category = fields.String(load_default=None, validate=validate.OneOf(CATEGORIES))
    model = Text(255, load_default=None, metadata={"description": "One of `originatingModels`"})
    claimKind = fields.String(load_default=None, validate=validate.OneOf(KINDS))
    minConfidence = fields.Float(load_default=None, validate=validate.Range(0, 1))
    sortBy = fields.String(
        load_default=str(SortField.RANK), validate=validate.OneOf([str(field) for field in SortField])
    )
    sortOrder = fields.String(load_default="desc", validate=validate.OneOf(["asc", "desc"]))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, MAX_LIMIT))
    offset = fields.Integer(load_default=0, validate=validate.Range(0, MAX_OFFSET))

    @post_load
    def query(self, said: dict[str, Any], **_: object) -> Query:
        """The service's query."""
        return Query(
            status=frozenset(CandidateStatus(status) for status in said["status"].split(",") if status),
            category=TraitCategory(said["category"]) if said["category"] else None,
            model=said["model"],
            claim_kind=ClaimKind(said["claimKind"]) if said["claimKind"] else None,
            min_confidence=said["minConfidence"],
            sort_by=SortField(said["sortBy"]),
            descending=said["sortOrder"] == "desc",
            limit=said["limit"],
            offset=said["offset"],
        )


class LocatorSchema(Schema):
    """Where a passage is: those that apply."""

    charStart = fields.Integer(metadata={"description": "Unicode code points"})
    charEnd = fields.Integer()
    textLayer = Id()
    startTime = fields.Float(metadata={"description": "Seconds"})
    endTime = fields.Float()
    page = fields.Integer()
    box = fields.List(fields.Float(), metadata={"description": "x0, y0, x1, y1"})


class SnippetSchema(Schema):
    """A passage that speaks for or against a candidate, cut from the text as it is shown."""

    evidenceID = Id(required=True)
    type = fields.String(required=True, validate=validate.OneOf(["text_quote", "audio_segment", "image_region"]))
    content = fields.String(required=True, metadata={"description": "The person's own words, literally"})
    sourcePackageID = Id(required=True)
    sourceDetail = fields.String(required=True)
    locator = fields.Nested(LocatorSchema, required=True)
    verifiedBy = fields.String(required=True, validate=validate.OneOf(["exact", "whitespace", "measured"]))
    label = fields.String(required=True)


class ExplanationSchema(Schema):
    """One part of what is shown; the parts add up."""

    label = fields.String(required=True)
    value = fields.Float(required=True)
    detail = fields.String(allow_none=True)


class ConfidenceSchema(Schema):
    """How certain, and why."""

    support = fields.Float(allow_none=True)
    ceiling = fields.Float(allow_none=True)
    trackRecord = fields.Raw(allow_none=True)
    shown = fields.Float(required=True)
    explain = fields.List(fields.Nested(ExplanationSchema), required=True)


class BareCandidateSchema(Schema):
    """A candidate without its evidence."""

    candidateID = Id(required=True)
    userID = fields.String(required=True)
    traitName = fields.String(required=True)
    traitDescription = fields.String(required=True)
    traitCategory = fields.String(required=True, validate=validate.OneOf(CATEGORIES))
    claimKind = fields.String(required=True, validate=validate.OneOf(KINDS))
    confidenceScore = fields.Float(required=True, metadata={"description": "0 to 1; `confidence.shown`"})
    confidence = fields.Nested(ConfidenceSchema, required=True)
    grade = fields.String(required=True, validate=validate.OneOf(["weak", "fair", "strong"]))
    originatingModels = fields.List(fields.String(), required=True)
    associatedRawFeatureSetIDs = fields.List(Id(), required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    newEvidenceAgainst = fields.Boolean(required=True)
    rank = fields.Float(required=True)
    creationTimestamp = Time(required=True)
    lastUpdatedTimestamp = Time(required=True)
    version = fields.String(
        required=True, metadata={"description": "Also the ETag; send it as If-Match with a decision"}
    )


class CandidateSchema(BareCandidateSchema):
    """ExtractedTraitCandidate."""

    supportingEvidenceSnippets = fields.List(fields.Nested(SnippetSchema), required=True)
    counterEvidenceSnippets = fields.List(fields.Nested(SnippetSchema), required=True)
    evidenceLeftOut = fields.Integer(metadata={"description": "Passages that the text no longer proves"})


class CandidatesSchema(Schema):
    """A page of candidates."""

    data = fields.List(fields.Nested(CandidateSchema), required=True)
    pagination = fields.Nested(PaginationSchema, required=True)


class ModificationsSchema(Body):
    """What the person says instead, or adds."""

    refinedTraitName = Text(200, filled=True)
    refinedTraitDescription = Text(2000)
    refinedTraitCategory = fields.String(validate=validate.OneOf(CATEGORIES))
    userConfidenceRating = fields.Integer(strict=True, allow_none=True, validate=validate.Range(1, 5))
    customizationNotes = Text(2000, allow_none=True)
    linkedEvidenceOverride = fields.List(
        Id(), allow_none=True, validate=validate.Length(max=100), metadata={"description": "evidenceIDs that count"}
    )


class ActionSchema(Body):
    """One decision, or the undoing of one."""

    userDecision = fields.String(validate=validate.OneOf(DECISIONS), metadata={"example": "confirmed_asis"})
    modifications = fields.Nested(ModificationsSchema)
    rejectionReason = Text(2000, allow_none=True)
    undo = fields.Boolean(metadata={"description": "Take the newest standing decision about the candidate back"})
    refinementActionID = Id(metadata={"description": "Take this decision back"})

    @validates_schema
    def something(self, said: dict[str, Any], **_: object) -> None:
        """An action says what is to be done."""
        if not said.keys() & {"userDecision", "undo", "refinementActionID"}:
            raise ValidationError("Needs userDecision, undo or refinementActionID.", "userDecision")


class OneOfManySchema(ActionSchema):
    """A decision with the candidate it is about."""

    candidateID = Id(metadata={"description": "Not needed with refinementActionID"})


class ActionsSchema(Body):
    """Decisions that are taken together: all or none, in this order."""

    actions = fields.List(fields.Nested(OneOfManySchema), required=True, validate=validate.Length(1, 100))


class DecisionSchema(Schema):
    """UserRefinedTrait: one entry of the decision log."""

    refinementActionID = Id(required=True)
    userID = fields.String(required=True)
    traitID_in_pkg = Id(allow_none=True)
    originalCandidateID = Id(allow_none=True)
    userDecision = fields.String(required=True, validate=validate.OneOf([str(decision) for decision in UserDecision]))
    refinedTraitName = fields.String(allow_none=True)
    refinedTraitDescription = fields.String(allow_none=True)
    refinedTraitCategory = fields.String(allow_none=True)
    userConfidenceRating = fields.Integer(allow_none=True)
    customizationNotes = fields.String(allow_none=True)
    rejectionReason = fields.String(allow_none=True)
    linkedEvidenceOverride = fields.List(Id(), allow_none=True)
    undoes = Id(allow_none=True)
    actionTimestamp = Time(required=True)


class TraitSchema(Schema):
    """A trait that the person settled on."""

    traitID_in_pkg = Id(required=True)
    userID = fields.String(required=True)
    originalCandidateID = Id(allow_none=True)
    traitName = fields.String(required=True)
    traitDescription = fields.String(required=True)
    traitCategory = fields.String(required=True, validate=validate.OneOf(CATEGORIES))
    origin = fields.String(required=True)
    status = fields.String(required=True)
    userConfidenceRating = fields.Integer(allow_none=True)
    customizationNotes = fields.String(allow_none=True)
    creationTimestamp = Time(required=True)
    lastUpdatedTimestamp = Time(required=True)


class OutcomeSchema(Schema):
    """What a decision left: the log entry, the candidate, the trait it settled."""

    decision = fields.Nested(DecisionSchema, required=True)
    candidate = fields.Nested(BareCandidateSchema, allow_none=True)
    trait = fields.Nested(TraitSchema, allow_none=True)


class OneOutcomeSchema(OutcomeSchema):
    """The same with the candidate it is about."""

    candidateID = Id(allow_none=True)


class OutcomesSchema(Schema):
    """What the decisions left, in their order."""

    data = fields.List(fields.Nested(OneOutcomeSchema), required=True)
