"""What every answer has in common: JSON, security headers, ETags."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Flask, Response, request
from flask.json.provider import DefaultJSONProvider

#: Scripts, styles and connections come from this server alone; nobody may frame it.
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Json(DefaultJSONProvider):
    """JSON with ISO 8601 times and plain ids, keys in the order given."""

    sort_keys = False

    @staticmethod
    def default(o: Any) -> Any:  # noqa: ANN401 - any object may come
        """What the standard encoder does not know."""
        if isinstance(o, datetime):
            return o.isoformat()
        return str(o) if isinstance(o, UUID) else DefaultJSONProvider.default(o)


def init_app(app: Flask) -> None:
    """Install the JSON provider and the headers."""
    app.json = Json(app)
    app.after_request(_finish)


def _finish(response: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    # Answers hold personal data unless their route says otherwise: no browser and no proxy keeps them.
    response.headers.setdefault("Cache-Control", "no-store")
    if "ETag" in response.headers and not response.direct_passthrough:
        response.make_conditional(request)
    return response
