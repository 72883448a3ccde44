"""Who read what of the person's data, why and when."""

from __future__ import annotations

from typing import Any

from app.services import access
from app.web.auth import READ
from app.web.resources.access.schemas import AccessLogSchema
from app.web.schemas import PageQuery, page
from app.web.smorest import PERSON, Blueprint

blueprint = Blueprint("access", description="Who read what, why and when", prefix=f"{PERSON}/access-log")


@blueprint.endpoint("GET", "", access=READ, query=PageQuery, answer=AccessLogSchema)
def access_log(query: dict[str, Any], user_id: str) -> dict[str, Any]:
    """Every reading of the person's data, newest first.

    Workers that opened an upload, requests that were answered with what is known of the person, commands of the
    operator.
    """
    return page(*access.listed(user_id, **query), query)
