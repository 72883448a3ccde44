"""Erasures over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.vocabulary import CandidateStatus, ErasureScope, ErasureStage, ErasureState, TraitOrigin
from app.web.fields import Body, Id, Time
from app.web.schemas import PaginationSchema, ReasonSchema


class KeepQuery(Body):
    """What stays."""

    keepSettled = fields.Boolean(
        load_default=False,
        metadata={
            "description": "Settled traits that rest on nothing else stay, as the person's own, without evidence"
        },
    )


class StoreSchema(Schema):
    """What one store held."""

    store = fields.String(required=True)
    before = fields.Integer(required=True)
    after = fields.Integer(required=True)


class SearchSchema(Schema):
    """Where was looked for canaries and ids."""

    store = fields.String(required=True)
    searched = fields.Integer(required=True, metadata={"description": "Texts and ids looked for; 0 where none can be"})
    found = fields.Integer(required=True, metadata={"description": "Places that hold one"})


class ReceiptSchema(Schema):
    """What an erasure came to; `signature` is a compact JWS over all other members but `publicKey`."""

    erasureID = Id(required=True)
    userID = fields.String(required=True)
    scope = fields.String(required=True, validate=validate.OneOf([str(scope) for scope in ErasureScope]))
    repeats = Id(allow_none=True, metadata={"description": "The erasure that a restored backup made necessary again"})
    packageIDs = fields.List(Id(), required=True)
    requestedAt = Time(required=True)
    finishedAt = Time(required=True)
    keptSettled = fields.Boolean(required=True)
    stores = fields.List(fields.Nested(StoreSchema), required=True)
    search = fields.List(fields.Nested(SearchSchema), required=True)
    stays = fields.List(
        fields.String(),
        required=True,
        metadata={
            "description": "Tables that stay: for proof; `llm_calls` is what calls to vendors cost, without the "
            "package's id, until the person is erased"
        },
    )
    clean = fields.Boolean(required=True, metadata={"description": "Whether nothing is left and nothing was found"})
    publicKey = fields.Dict(required=True, metadata={"description": "JWK (RFC 7517), Ed25519"})
    signature = fields.String(required=True)


class ErasureSchema(Schema):
    """An erasure and how far it is."""

    erasureID = Id(required=True)
    userID = fields.String(required=True)
    scope = fields.String(required=True, validate=validate.OneOf([str(scope) for scope in ErasureScope]))
    state = fields.String(required=True, validate=validate.OneOf([str(state) for state in ErasureState]))
    stage = fields.String(required=True, validate=validate.OneOf([str(stage) for stage in ErasureStage]))
    progress = fields.Float(required=True, metadata={"description": "0 to 1"})
    packageIDs = fields.List(Id(), required=True)
    keepSettled = fields.Boolean(required=True)
    requestedAt = Time(required=True)
    finishedAt = Time(allow_none=True)
    reason = fields.Nested(ReasonSchema, allow_none=True, metadata={"description": "Why the last attempt stopped"})
    receipt = fields.Nested(ReceiptSchema, allow_none=True)


class ErasuresSchema(Schema):
    """A page of erasures, newest first."""

    data = fields.List(fields.Nested(ErasureSchema), required=True)
    pagination = fields.Nested(PaginationSchema, required=True)


class GoingCandidateSchema(Schema):
    """A candidate that rests on nothing else."""

    candidateID = Id(required=True)
    traitName = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf([str(status) for status in CandidateStatus]))


class GoingTraitSchema(Schema):
    """A settled trait that rests on nothing else."""

    traitID_in_pkg = Id(required=True)
    traitName = fields.String(required=True)
    origin = fields.String(required=True, validate=validate.OneOf([str(origin) for origin in TraitOrigin]))


class TotalSchema(Schema):
    """How many there are, named or not."""

    candidates = fields.Integer(required=True)
    settledTraits = fields.Integer(required=True)


class PreviewSchema(Schema):
    """What an erasure would take with it."""

    packages = fields.Integer(required=True)
    candidates = fields.List(fields.Nested(GoingCandidateSchema), required=True)
    settledTraits = fields.List(fields.Nested(GoingTraitSchema), required=True)
    candidatesThatStay = fields.Integer(required=True, metadata={"description": "They rest on other uploads, too"})
    styles = fields.Boolean(metadata={"description": "Whether style preferences go"})
    total = fields.Nested(TotalSchema, required=True)
