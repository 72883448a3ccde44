"""The decision log, style preferences and the persona graph."""

from __future__ import annotations

from typing import Any

from app.services import graph, review, styles
from app.vocabulary import AccessAction, TraitCategory
from app.web.auth import MANAGE, READ
from app.web.resources.persona.schemas import GraphQuery, GraphSchema, HistorySchema, PutStylesSchema, StylesSchema
from app.web.schemas import PageQuery, page
from app.web.smorest import PERSON, Blueprint

blueprint = Blueprint("persona", description="Log, styles and graph of the persona", prefix=f"{PERSON}/persona")


@blueprint.endpoint(
    "GET", "/history", access=READ, reads=AccessAction.READ_TRAITS, query=PageQuery, answer=HistorySchema
)
def history(query: dict[str, Any], user_id: str) -> dict[str, Any]:
    """The decision log, newest first."""
    return page(*review.history(user_id, **query), query)


@blueprint.endpoint("GET", "/communication-styles", access=READ, reads=AccessAction.READ_TRAITS, answer=StylesSchema)
def read_styles(user_id: str) -> dict[str, Any]:
    """Style preferences."""
    return styles.get_styles(user_id)


@blueprint.endpoint("PUT", "/communication-styles", access=MANAGE, body=PutStylesSchema, answer=StylesSchema)
def put_styles(body: dict[str, Any], user_id: str) -> dict[str, Any]:
    """Replace the style preferences."""
    return styles.put_styles(user_id, body["preferences"])


@blueprint.endpoint("GET", "/graph", access=READ, reads=AccessAction.READ_GRAPH, query=GraphQuery, answer=GraphSchema)
def read_graph(query: dict[str, Any], user_id: str) -> dict[str, Any]:
    """The persona knowledge graph, or the part around a concept or a category."""
    category = TraitCategory(query["category"]) if query["category"] else None
    return graph.read(user_id, concept=query["concept"], category=category, depth=query["depth"])
