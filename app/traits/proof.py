"""Proof: evidence is what the text layer says at that place, in the person's own words; anything else is dropped.

`prove` checks a span that an analyzer took from the layer. `locate` finds the place of a quotation that came without
one, as language models give them (`app.quoting`).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice, takewhile
from typing import Any

from app.layers import Box, Segment, Span, TextLayer
from app.quoting import Finder, VerifiedBy


class EvidenceType(StrEnum):
    """`type` of an evidence snippet."""

    TEXT_QUOTE = "text_quote"
    AUDIO_SEGMENT = "audio_segment"
    IMAGE_REGION = "image_region"


@dataclass(frozen=True, slots=True)
class Proof:
    """A span that holds.

    Attributes:
        span: where; its digest is that of the layer's own text.
        verified_by: on which rung.
    """

    span: Span
    verified_by: VerifiedBy

    @property
    def timed(self) -> bool:
        """Whether only seconds are known, no words."""
        return self.span.start < 0

    @property
    def place(self) -> tuple[float, float]:
        """Start and end, in code points or in seconds, for comparing pieces of one sort."""
        if self.timed:
            return self.span.start_time or 0.0, self.span.end_time or 0.0
        return self.span.start, self.span.end


def prove(layer: TextLayer | None, span: Span) -> Proof | None:
    """Check a span against the layer.

    Args:
        layer: the text layer it points into; None for a recording without a transcript.
        span: taken from the layer by an analyzer, or seconds alone.

    Returns:
        The proof; None where the text there is another or not the person's own, or the seconds are no stretch of time.
    """
    if span.start < 0:
        return Proof(span, VerifiedBy.MEASURED) if _lasts(span) else None
    if layer is None or not layer.proves(span) or not layer.is_own(span.start, span.end):
        return None
    return None if layer.text[span.start : span.end].isspace() else Proof(span, VerifiedBy.EXACT)


def _lasts(span: Span) -> bool:
    start, end = span.start_time, span.end_time
    return start is not None and end is not None and math.isfinite(end) and 0 <= start < end


def locate(quote: str, layer: TextLayer, hint: int | None = None) -> tuple[int, int, VerifiedBy] | None:
    """`Finder.locate` for a single quotation."""
    return Finder(layer).locate(quote, hint)


def locator(layer: TextLayer | None, span: Span) -> dict[str, Any]:
    """The `locator` of a proven span, all but the layer's id.

    Returns:
        `charStart`, `charEnd` (code points), `startTime`, `endTime` (seconds), `page` (from 1), `box` (x0, y0, x1, y1;
        pixels of a picture, points of a document): those that apply.
    """
    if span.start < 0 or layer is None:
        return _known(startTime=span.start_time, endTime=span.end_time)
    first, last = layer.segment_at(span.start), layer.segment_at(span.end - 1)
    page, box = _on_page(layer, span, first)
    return _known(
        charStart=span.start,
        charEnd=span.end,
        startTime=span.start_time if span.start_time is not None or first is None else first.start_time,
        endTime=span.end_time if span.end_time is not None or last is None else last.end_time,
        page=page,
        box=[*box] if box else None,
    )


def _known(**parts: object) -> dict[str, Any]:
    return {name: part for name, part in parts.items() if part is not None}


def _on_page(layer: TextLayer, span: Span, segment: Segment | None) -> tuple[int | None, Box | None]:
    """Page and box: of the recognised words where there are any, which is closer than that of the whole segment."""
    first = bisect_right(layer.words, span.start, key=lambda word: word[1])
    words = [*takewhile(lambda word: word[0] < span.end, islice(layer.words, first, None))]
    if not words:
        return (segment.page, segment.box) if segment else (None, None)
    page = words[0][2]
    boxes = [word[3] for word in words if word[2] == page]
    return page, (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )


def evidence_type(layer: TextLayer | None, proof: Proof) -> EvidenceType:
    """What kind of snippet this is: seconds of a recording, a region of a picture, or a quotation."""
    if proof.timed or layer is None or layer.kind == "transcript":
        return EvidenceType.AUDIO_SEGMENT
    return EvidenceType.IMAGE_REGION if layer.kind == "ocr" else EvidenceType.TEXT_QUOTE
