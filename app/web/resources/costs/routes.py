"""What language models cost, by run, step and trait."""

from __future__ import annotations

from typing import Any

from app.services.llm import spending
from app.vocabulary import AccessAction
from app.web.auth import READ
from app.web.resources.costs.schemas import CostsSchema
from app.web.schemas import PageQuery
from app.web.smorest import PERSON, Blueprint

blueprint = Blueprint("costs", description="What language models cost", prefix=f"{PERSON}/costs")


@blueprint.endpoint("GET", "", access=READ, reads=AccessAction.READ_TRAITS, query=PageQuery, answer=CostsSchema)
def costs(query: dict[str, Any], user_id: str) -> dict[str, Any]:
    """What language models cost for the person: this month, and by analyzer, run, step and trait.

    A trait's cost is its share of the answers that it rests on: what the calls of an analysis cost, by equal parts
    among the candidates that it supports.
    """
    return spending.of_person(user_id, **query)
