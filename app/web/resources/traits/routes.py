"""Traits the person settled on, and their own ones."""

from __future__ import annotations

from typing import Any

from app.services import review
from app.vocabulary import AccessAction
from app.web.auth import MANAGE, READ
from app.web.resources.candidates.schemas import OutcomeSchema
from app.web.resources.traits.schemas import OwnTraitSchema, TraitsSchema
from app.web.schemas import PageQuery, page
from app.web.smorest import PERSON, Blueprint

blueprint = Blueprint("traits", description="What the person settled on", prefix=f"{PERSON}/persona/traits")


@blueprint.endpoint("GET", "", access=READ, reads=AccessAction.READ_TRAITS, query=PageQuery, answer=TraitsSchema)
def list_traits(query: dict[str, Any], user_id: str) -> dict[str, Any]:
    """The settled traits."""
    return page(*review.list_traits(user_id, **query), query)


@blueprint.endpoint(
    "POST", "/custom", access=MANAGE, status=201, body=OwnTraitSchema, answer=OutcomeSchema, refusals=(409,)
)
def add_trait(body: dict[str, Any], user_id: str) -> dict[str, Any]:
    """Add a trait of the person's own.

    409 where a trait of that name is settled already.
    """
    return review.add_trait(user_id, body)
