"""One piece of evidence in its surroundings: why do you think that?"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.database import transaction
from app.errors import NotFound
from app.models import EvidenceSnippet, UserDataPackage
from app.services.candidates import layers_of, snippet_of

#: Code points shown before and after a passage.
AROUND = 300
#: Where a sentence ends, or a line; what follows begins one.
_BORDER = re.compile(r"[.!?…。！？][\"'”’»)\]]*\s+|\n+")  # noqa: RUF001 - full-width stops and curly quotes are meant
_GAP = re.compile(r"\s+")


def passage(user_id: str, evidence_id: UUID) -> dict[str, Any]:
    """A passage with up to 300 code points on either side, cut where sentences begin and end, or else words.

    Returns:
        The snippet of design.md section 5 with `candidateID`, `counter`, `before` and `after`; content and surroundings
        are empty where only seconds of a recording are known.

    Raises:
        NotFound: no such evidence, somebody else's, or its text is gone or no longer says it.
    """
    with transaction() as connection:
        piece = connection.execute(
            select(EvidenceSnippet.__table__, UserDataPackage.file_name)
            .join(UserDataPackage, UserDataPackage.package_id == EvidenceSnippet.package_id)
            .where(EvidenceSnippet.evidence_id == evidence_id, EvidenceSnippet.user_id == user_id)
        ).one_or_none()
        if piece is None:
            raise NotFound("no such evidence")
        layers = layers_of(connection, user_id, [piece])
    snippet = snippet_of(piece, layers)
    if snippet is None:
        raise NotFound("the text that this evidence points into is gone or has changed: analyse the package again")
    before = after = ""
    if piece.text_layer_id is not None:
        text = layers[piece.text_layer_id].text
        before = leading(text, piece.locator["charStart"])
        after = trailing(text, piece.locator["charEnd"])
    return {
        **snippet,
        "candidateID": str(piece.candidate_id),
        "counter": piece.counter,
        "before": before,
        "after": after,
    }


def leading(text: str, start: int) -> str:
    """What stands before a position, from the beginning of a sentence if one begins in reach, else of a word."""
    low = max(0, start - AROUND)
    window = text[low:start]
    if low == 0:
        return window
    begins = next((m.end() for pattern in (_BORDER, _GAP) for m in pattern.finditer(window)), 0)
    return window[begins:]


def trailing(text: str, end: int) -> str:
    """What stands after a position, to the end of a sentence if one ends in reach, else of a word."""
    window = text[end : end + AROUND]
    if end + AROUND >= len(text):
        return window
    for pattern in (_BORDER, _GAP):
        found = [*pattern.finditer(window)]
        if found:
            stop = found[-1]
            return window[: stop.start()] + stop.group().rstrip()
    return window
