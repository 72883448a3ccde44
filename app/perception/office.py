"""OLE containers: an Office file behind a password, or an old or foreign one that is not read."""

from __future__ import annotations

from typing import NoReturn

from app.errors import Refusal
from app.perception.sniff import ENCRYPTED_OFFICE, sniff
from app.vocabulary import ReasonCode


def read(data: bytes) -> NoReturn:
    """Say which of the two it is.

    Raises:
        Refusal: needs_password or unsupported_type, always.
    """
    _, media_type = sniff(data[:8192], whole=lambda: data)
    if media_type == ENCRYPTED_OFFICE:
        raise Refusal(
            ReasonCode.NEEDS_PASSWORD,
            "The document is protected by a password: save a copy without one and upload that.",
        )
    raise Refusal(
        ReasonCode.UNSUPPORTED_TYPE, "This is an old Office file: save it as DOCX or PDF.", media_type=media_type
    )
