"""Schemas that several resources share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import Schema, fields, validate

from app.vocabulary import ReasonCode
from app.web.fields import Body

#: Items of one page at most.
MAX_LIMIT = 100
#: Furthest that a page may begin.
MAX_OFFSET = 1_000_000


class PageQuery(Body):
    """Which page of a list."""

    limit = fields.Integer(load_default=50, validate=validate.Range(1, MAX_LIMIT))
    offset = fields.Integer(load_default=0, validate=validate.Range(0, MAX_OFFSET))


class PaginationSchema(Schema):
    """Where a page stands in its list."""

    offset = fields.Integer(required=True)
    limit = fields.Integer(required=True)
    total = fields.Integer(required=True, metadata={"description": "Of all pages"})


class ReasonSchema(Schema):
    """Why a run or step did not simply succeed."""

    code = fields.String(required=True, validate=validate.OneOf([str(code) for code in ReasonCode]))
    message = fields.String(required=True)
    details = fields.Dict(required=True)


def page(rows: Sequence[dict[str, Any]], total: int, query: dict[str, Any]) -> dict[str, Any]:
    """`{data, pagination}` of design.md section 9."""
    return {"data": rows, "pagination": {"offset": query["offset"], "limit": query["limit"], "total": total}}
