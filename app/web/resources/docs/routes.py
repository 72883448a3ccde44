"""The API's document, and Swagger UI to read it, all from this server."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from flask import Response, current_app, json, send_from_directory

from app.web.auth import PUBLIC
from app.web.smorest import Blueprint, api_of

blueprint = Blueprint("docs", description="This document")

#: Our own page, and what it needs of Swagger UI.
_OURS = Path(__file__).parent / "static"
_THEIRS = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
#: Seconds that a browser may keep an asset.
_KEPT_S = 3600


@blueprint.endpoint("GET", "/openapi.json", access=PUBLIC, answer={"type": "object"})
def openapi() -> Response:
    """This document, OpenAPI 3.1."""
    response = Response(_document(), mimetype="application/json")
    response.cache_control.no_cache = True
    response.add_etag()
    return response


@blueprint.endpoint("GET", "/docs", access=PUBLIC, answer={"type": "string"}, media_type="text/html")
def docs() -> Response:
    """This document as a page."""
    return send_from_directory(_OURS, "docs.html", max_age=_KEPT_S)


@blueprint.endpoint(
    "GET", "/docs/<string:asset>", access=PUBLIC, answer={"type": "string"}, media_type="*/*", refusals=(404,)
)
def docs_asset(asset: str) -> Response:
    """Scripts and styles of the page."""
    folder = Path(str(files("flask_swagger_ui"))) / "dist" if asset in _THEIRS else _OURS
    return send_from_directory(folder, asset, max_age=_KEPT_S)


def _document() -> bytes:
    extensions = current_app.extensions
    if "openapi" not in extensions:
        extensions["openapi"] = json.dumps(api_of(current_app).spec.to_dict()).encode()
    document: bytes = extensions["openapi"]
    return document
