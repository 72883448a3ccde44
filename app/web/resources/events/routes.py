"""Server-sent events: progress, candidates, the graph."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from flask import Response, current_app, request
from sqlalchemy.exc import SQLAlchemyError

from app.errors import Busy, EchoError
from app.services.events import Feed
from app.web.auth import READ
from app.web.resources.events.schemas import STREAM
from app.web.smorest import PERSON, Blueprint

blueprint = Blueprint("events", description="What changes, as it changes", prefix=f"{PERSON}/events")

#: Seconds that a stream lives; the client comes back with Last-Event-ID. Shorter than gunicorn waits when it stops.
LIFE_S = 20.0
#: Seconds between looks at the rows.
TICK_S = 1.0
#: Milliseconds after which a client comes back.
RETRY_MS = 1000
#: Streams of one process at once: each holds a thread of eight.
STREAMS = 3
_free = threading.BoundedSemaphore(STREAMS)


@blueprint.endpoint(
    "GET",
    "",
    access=READ,
    answer=STREAM,
    media_type="text/event-stream",
    refusals=(429,),
    doc={
        "parameters": [
            {
                "name": "Last-Event-ID",
                "in": "header",
                "description": "Id of the last event seen; from now on when left out",
                "schema": {"type": "string"},
            }
        ]
    },
)
def stream_events(user_id: str) -> Response:
    """A stream of changes.

    It ends after 20 seconds; come back with Last-Event-ID, as browsers do by themselves, and nothing is missed.
    """
    feed = Feed(user_id, _last_seen())
    if not _free.acquire(blocking=False):
        raise Busy("too many listeners: try again, or ask for the state of the package instead")
    response = Response(_lines(feed, current_app.json.dumps), content_type="text/event-stream; charset=utf-8")
    response.call_on_close(_free.release)
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _last_seen() -> datetime | None:
    with suppress(ValueError):
        seen = datetime.fromisoformat(request.headers.get("Last-Event-ID", ""))
        return seen if seen.tzinfo else None
    return None


def _lines(feed: Feed, dumps: Callable[[Any], str]) -> Iterator[str]:
    end = time.monotonic() + LIFE_S
    yield f"retry: {RETRY_MS}\n\n"
    while time.monotonic() < end:
        try:
            events = feed.poll()
        except (EchoError, SQLAlchemyError):
            return  # PostgreSQL is away: the client comes back
        mark = f"id: {feed.since.isoformat()}\n" if feed.since else ""
        for event in events:
            yield f"{mark}event: {event.kind}\ndata: {dumps(event.data)}\n\n"
        if not events:
            yield f"{mark}: nothing new\n\n"
        time.sleep(TICK_S)
