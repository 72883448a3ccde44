"""What every request has in common: how large, how slow and how strange it may be."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from flask import Flask, Request, Response, request
from marshmallow import RAISE
from webargs import core
from webargs.flaskparser import FlaskParser, is_json_request
from werkzeug.exceptions import BadRequest, ClientDisconnected, RequestTimeout, UnsupportedMediaType
from werkzeug.routing import BaseConverter

from app.services.tokens import USER_ID

#: Bytes of a JSON body. A bulk decision over 100 candidates with notes has about 100 kB.
MAX_JSON_BYTES = 256 * 1024
#: Seconds that a client may stay silent in the middle of a body before its thread is given to somebody else.
SILENCE_S = 20.0
#: Seconds for which the rest of a refused body is taken in, and bytes at a time.
LINGER_S, LINGER_BYTES = 5.0, 256 * 1024
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


class UserIdConverter(BaseConverter):
    """The person's id in a path; anything else is no such route."""

    regex = USER_ID.pattern


class Parser(FlaskParser):
    """webargs for us: unknown names are errors everywhere, strange JSON is malformed and never a crash."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": RAISE}  # noqa: RUF012 - webargs' own shape

    def _raw_load_json(self, req: Request) -> Any:  # noqa: ANN401 - JSON
        body = read_body(req)
        if not body:
            return core.missing
        if not is_json_request(req):
            raise UnsupportedMediaType
        try:
            return json.loads(body, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:  # text that is no JSON or no UTF-8, endless digits, endless depth
            raise BadRequest from error


def _refuse(_constant: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def read_body(req: Request) -> bytes:
    """The body, within the limits of size and patience."""
    with patience():
        return req.get_data(cache=False)


@contextmanager
def patience() -> Iterator[None]:
    """Tell a client that fell silent (408) from one that went away (400); werkzeug takes both for the latter."""
    try:
        yield
    except ClientDisconnected as error:
        if isinstance(error.__context__, TimeoutError):
            raise RequestTimeout from error
        raise


def init_app(app: Flask) -> None:
    """Install limits and path converters."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_JSON_BYTES
    # No other origin may call us, so nobody has to ask before.
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.converters["user"] = UserIdConverter
    # A redirect would repeat the path in its body.
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = True
    app.url_value_preprocessor(_snake)
    app.before_request(_hurry)
    app.after_request(_linger)


def _snake(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Path values by Python's names: `packageID` of the documented path is `package_id` of the view."""
    if values:
        renamed = {_HUMP.sub("_", name).lower(): value for name, value in values.items()}
        values.clear()
        values.update(renamed)


def _hurry() -> None:
    if socket := request.environ.get("gunicorn.socket"):
        socket.settimeout(SILENCE_S)


def _linger(response: Response) -> Response:
    """After a refusal, take in for a moment what the client is still sending.

    A connection that is closed on a sender resets, and most clients then never see the answer that explains it.
    """
    socket = request.environ.get("gunicorn.socket")
    if response.status_code >= 400 and socket:
        body = request.environ["wsgi.input"]

        @response.call_on_close
        def drain() -> None:
            end = time.monotonic() + LINGER_S
            with suppress(OSError, ValueError):
                socket.settimeout(LINGER_S)
                while time.monotonic() < end and body.read(LINGER_BYTES):
                    pass

    return response
