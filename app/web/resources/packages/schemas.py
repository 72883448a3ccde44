"""Packages over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from app.vocabulary import Authorship, DataType, Modality, Phase, Queue, RunStatus, StepStatus
from app.web.fields import Body, Free, Id, Text, Time
from app.web.schemas import PaginationSchema, ReasonSchema


class JsonText(Free):
    """A JSON object written as text, as forms send it."""

    default_error_messages = {"json": "Not a JSON object."}  # noqa: RUF012 - marshmallow's own shape

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> dict[Any, Any]:  # noqa: ANN401
        try:
            said = json.loads(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise self.make_error("json") from error
        return super()._deserialize(said, attr, data, **more)


class UploadForm(Body):
    """The form, with the file's name for the file."""

    file = fields.String(required=True)
    sourceDescription = Text(2000, filled=True, required=True)
    consentTokenID = fields.UUID(required=True)
    dataType = fields.String(load_default=None, validate=validate.OneOf([str(kind) for kind in DataType]))
    metadata = JsonText(
        load_default=dict,
        metadata={
            "description": f"JSON; `authorship` is one of {', '.join(Authorship)}",
            "example": '{"authorship": "self"}',
        },
    )


class AnalysisSchema(Body):
    """How an upload is analysed again."""

    bulk = fields.Boolean(
        load_default=False,
        metadata={"description": "Ask vendors in batches: half the price, and answers within a day"},
    )


class RunSchema(Schema):
    """A run that was accepted."""

    packageID = Id(required=True)
    runID = Id(required=True)
    runStatus = fields.String(required=True, validate=validate.OneOf([str(state) for state in RunStatus]))
    statusUrl = fields.String(required=True, metadata={"description": "Where its state is; also the Location header"})


class PackageSchema(Schema):
    """One upload in a list."""

    packageID = Id(required=True)
    file = fields.String(required=True, metadata={"description": "The name it had at the person's place"})
    dataType = fields.String(required=True, validate=validate.OneOf([str(kind) for kind in DataType]))
    mediaType = fields.String(required=True)
    sizeBytes = fields.Integer(required=True)
    sourceDescription = fields.String(required=True)
    runStatus = fields.String(required=True, validate=validate.OneOf([str(state) for state in RunStatus]))
    reason = fields.Nested(ReasonSchema, allow_none=True)
    createdAt = Time(required=True)


class PackagesSchema(Schema):
    """A page of uploads, newest first."""

    data = fields.List(fields.Nested(PackageSchema), required=True)
    pagination = fields.Nested(PaginationSchema, required=True)


class StepSchema(Schema):
    """One analyzer within a run."""

    analyzer = fields.String(required=True)
    version = fields.String(required=True)
    queue = fields.String(required=True, validate=validate.OneOf([str(queue) for queue in Queue]))
    modality = fields.String(required=True, validate=validate.OneOf([str(modality) for modality in Modality]))
    phase = fields.String(required=True, validate=validate.OneOf([str(phase) for phase in Phase]))
    status = fields.String(required=True, validate=validate.OneOf([str(state) for state in StepStatus]))
    reason = fields.Nested(ReasonSchema, allow_none=True)
    attempts = fields.Integer(required=True)
    waits = fields.Integer(required=True, metadata={"description": "Times that a vendor could not answer"})
    notBefore = Time(
        required=True, allow_none=True, metadata={"description": "When a vendor that could not answer is asked again"}
    )
    cost = fields.Float(required=True, metadata={"description": "US dollars at vendors"})
    processingTimeMs = fields.Integer(allow_none=True)
    featureSetID = Id(allow_none=True)


class TextLayerSchema(Schema):
    """A text layer; its words are in the vault."""

    textLayerID = Id(required=True)
    kind = fields.String(required=True)
    language = fields.String(allow_none=True)
    characters = fields.Integer(required=True)
    sha256 = fields.String(required=True)


class QuestionSchema(Schema):
    """One question to a vendor."""

    runID = Id(required=True)
    analyzer = fields.String(required=True, allow_none=True)
    model = fields.String(required=True)
    askedAt = fields.String(required=True, metadata={"description": "ISO 8601"})
    prompt = fields.String(required=True, metadata={"description": "Id and version"})
    window = fields.Integer(required=True, metadata={"description": "Part of the text, from 0"})
    attempt = fields.Integer(required=True, metadata={"description": "1: asked again for the form of its answer"})


class SentQuestionSchema(QuestionSchema):
    """One question as it left."""

    windows = fields.Integer(required=True, metadata={"description": "Parts of the text"})
    system = fields.String(required=True)
    document = fields.String(required=True, metadata={"description": "The person's text, redacted"})
    instruction = fields.String(required=True)


class UnrecordedSchema(QuestionSchema):
    """A call that gave no answer, was a repetition's, or was made while answers were not kept."""

    outcome = fields.String(required=True)


class SentSchema(Schema):
    """What left for vendors, oldest first."""

    data = fields.List(fields.Nested(SentQuestionSchema), required=True)
    unrecorded = fields.List(
        fields.Nested(UnrecordedSchema),
        required=True,
        metadata={"description": "Of this page what is not kept, and calls without an answer; 500 at most"},
    )
    unrecordedTotal = fields.Integer(required=True, metadata={"description": "How many these are, named or not"})
    pagination = fields.Nested(
        PaginationSchema,
        required=True,
        metadata={"description": "Of answered calls, in `data` or `unrecorded`"},
    )


class CostSchema(Schema):
    """What the run cost at vendors."""

    amount = fields.Float(required=True)
    currency = fields.String(required=True)


class StatusSchema(Schema):
    """The state of a package's newest run."""

    packageID = Id(required=True)
    runID = Id(required=True)
    file = fields.String(required=True)
    dataType = fields.String(required=True, validate=validate.OneOf([str(kind) for kind in DataType]))
    runStatus = fields.String(required=True, validate=validate.OneOf([str(state) for state in RunStatus]))
    bulk = fields.Boolean(metadata={"description": "Whether vendors are asked in batches"})
    reason = fields.Nested(ReasonSchema, allow_none=True)
    progress = fields.Float(required=True, metadata={"description": "0 to 1"})
    durationMs = fields.Integer(allow_none=True)
    createdAt = Time(required=True)
    finishedAt = Time(allow_none=True)
    cost = fields.Nested(CostSchema, required=True)
    steps = fields.List(fields.Nested(StepSchema), required=True)
    textLayers = fields.List(fields.Nested(TextLayerSchema), required=True)
