"""For machines: is it alive, is it ready, how much waits."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import Any

from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST

from app.web.auth import MONITOR, PUBLIC
from app.web.resources.health.metrics import exposition
from app.web.resources.health.parts import Watch
from app.web.resources.health.schemas import AliveSchema, ReadySchema
from app.web.smorest import Blueprint

blueprint = Blueprint("health", description="For machines")


@cache
def watch() -> Watch:
    """The parts as this process sees them."""
    return Watch()


@blueprint.endpoint("GET", "/healthz", access=PUBLIC, answer=AliveSchema)
def healthz() -> dict[str, str]:
    """Whether this process answers."""
    return {"state": "up"}


@blueprint.endpoint("GET", "/readyz", access=PUBLIC, answer=ReadySchema, also={503: ReadySchema})
def readyz() -> tuple[dict[str, Any], int]:
    """Whether all that a request needs works: PostgreSQL and its schema, the broker, the object store, the workers."""
    parts = watch().parts()
    ready = all(part.state == "up" for part in parts.values())
    return {"ready": ready, "parts": {name: asdict(part) for name, part in parts.items()}}, 200 if ready else 503


@blueprint.endpoint(
    "GET", "/metrics", access=MONITOR, answer={"type": "string"}, media_type="text/plain", refusals=(401, 404)
)
def metrics() -> Response:
    """Figures in Prometheus' text format.

    Open to programs on this machine; to others with `ECHO_INTERNAL_SECRET` as bearer token.
    """
    return Response(exposition(), content_type=CONTENT_TYPE_LATEST)
