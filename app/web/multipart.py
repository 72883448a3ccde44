"""A multipart form whose file goes through in pieces: never whole in memory, never in a temporary file.

Werkzeug's form parser spools a large part to disk, in plaintext; its decoder, fed piece by piece, adds a byte to the
file where a piece ends right behind a boundary (3.1.9). So the body is read by `multipart`: the pieces of the file are
handed on at once, and the small fields are kept, whatever their order.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from flask import Request
from multipart import (  # type: ignore[import-untyped]  # it has no types
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
)
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, RequestTimeout, UnsupportedMediaType

from app.errors import InvalidInput
from app.web.requests import patience

#: Bytes read at a time.
PIECE = 64 * 1024
#: Bytes of all fields together.
MAX_FIELD_BYTES = 64 * 1024
MAX_PARTS = 16
#: Characters of a file name that are kept.
MAX_NAME = 255
#: Bytes a second, after the first minute, below which a client only holds a thread.
LEAST_RATE, GRACE_S = 1024, 60.0
#: What a name may not hold when it is shown or stored: control characters and halves of surrogate pairs.
_STRANGE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class Form:
    """One multipart body, read once.

    Args:
        request: whose body it is; its `max_content_length` bounds it.
        file_field: name of the part that is the file.

    Attributes:
        values: the parts' values; of the file its name at the client's place.

    Raises:
        UnsupportedMediaType: the body is something else.
        BadRequest: it names no boundary.
    """

    def __init__(self, request: Request, file_field: str) -> None:
        if request.mimetype != "multipart/form-data":
            raise UnsupportedMediaType
        boundary = request.mimetype_params.get("boundary", "")
        if not re.fullmatch("[ -~]{1,70}", boundary):  # RFC 2046, section 5.1.1
            raise BadRequest
        self.values: dict[str, str] = {}
        self._request = request
        self._file_field = file_field
        self._parser = PushMultipartParser(boundary, max_segment_count=MAX_PARTS)
        self._received, self._began = 0, time.monotonic()

    def file(self) -> Iterator[bytes]:
        """Read the whole body and hand the file's pieces on; afterwards `values` is filled.

        Raises:
            BadRequest: it is no well-formed multipart form, has no part at all, or the connection broke.
            RequestTimeout: it came too slowly.
            RequestEntityTooLarge: over the request's limit, or too many or too large fields.
            InvalidInput: a part without a name or with that of another.
        """
        try:
            yield from self._parts()
        except ParserLimitReached as error:
            raise RequestEntityTooLarge from error
        except (MultipartError, UnicodeDecodeError) as error:
            raise BadRequest from error
        if not self.values:
            raise BadRequest

    def _parts(self) -> Iterator[bytes]:
        """The file's pieces, while the other parts are collected."""
        name, value, kept = "", bytearray(), 0
        for event in self._parser.parse_blocking(self._read, PIECE):
            if isinstance(event, MultipartSegment):
                name, value = self._begin(event), bytearray()
            elif event is None:
                if name != self._file_field:
                    self.values[name] = value.decode()
            elif name == self._file_field:
                yield bytes(event)
            else:
                value += event
                kept += len(event)
                if kept > MAX_FIELD_BYTES:
                    raise RequestEntityTooLarge

    def _begin(self, part: MultipartSegment) -> str:
        if not part.name or part.name in self.values:
            raise InvalidInput("each part of the form needs a name of its own")
        self.values[part.name] = _name(part.filename or "")
        return str(part.name)

    def _read(self, size: int) -> bytes:
        """The next piece of the body, from a client that does not just hold the thread."""
        with patience():
            piece = self._request.stream.read(size)
        self._received += len(piece)
        took = time.monotonic() - self._began
        if took > GRACE_S and self._received < took * LEAST_RATE:
            raise RequestTimeout
        return piece


def _name(name: str) -> str:
    """A file's name as data: its last part, without what cannot be shown."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return _STRANGE.sub("\N{REPLACEMENT CHARACTER}", last)[:MAX_NAME]
