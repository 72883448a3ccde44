"""The persona bundle over HTTP: everything that is known of the person, streamed as one zip."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from itertools import chain
from typing import Any

from flask import Response, g
from marshmallow import fields

from app.errors import Busy, Forbidden
from app.services import bundle
from app.services.tokens import Scope
from app.vocabulary import AccessAction
from app.web.auth import READ
from app.web.fields import Body
from app.web.resources.persona.routes import blueprint

__all__ = ["blueprint"]

#: Bundles that one process writes at once: each holds a thread, and a snapshot of the database.
EXPORTS = 2
_free = threading.BoundedSemaphore(EXPORTS)


class ExportQuery(Body):
    """What goes into the bundle."""

    sources = fields.Boolean(
        load_default=False, metadata={"description": "With the uploads and their texts; takes `data:upload` too"}
    )


@blueprint.endpoint(
    "GET",
    "/export",
    access=READ,
    reads=AccessAction.EXPORT,
    query=ExportQuery,
    answer={"type": "string", "format": "binary", "description": "A zip; `README.txt` in it says what is what."},
    media_type="application/zip",
    refusals=(429,),
    headers={"X-Expected-Bytes": {"schema": {"type": "integer"}, "description": "About how large it will be"}},
)
def export_persona(query: dict[str, Any], user_id: str) -> Response:
    """Everything that is known of the person: open formats, signed, and to be brought back with `echosphere import`."""
    if query["sources"] and Scope.UPLOAD not in g.principal.scopes:
        raise Forbidden("the uploads take a token with one more scope", scope=str(Scope.UPLOAD))
    export = bundle.export(user_id, sources=query["sources"])
    if not _free.acquire(blocking=False):
        raise Busy("other bundles are being written: try again when they are done")
    chunks = _held(export.chunks)
    # Begun here, so that what cannot be read is still an answer and not a broken download.
    first = next(chunks)
    response = Response(chain([first], chunks), content_type="application/zip")
    response.call_on_close(chunks.close)
    response.headers["Content-Disposition"] = 'attachment; filename="persona.zip"'
    response.headers["X-Expected-Bytes"] = str(export.expected_bytes)
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _held(chunks: Iterator[bytes]) -> Generator[bytes, None, None]:
    """The bundle; its place is free again when it ends, breaks off or is never sent."""
    try:
        yield from chunks
    finally:
        _free.release()
