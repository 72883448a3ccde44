"""Proof: evidence is what the text layer says at that place, in the person's own words; anything else is dropped.

`prove` checks a span that an analyzer took from the layer. `locate` finds the place of a quotation that came without
one, as language models give them: first exactly, then with white space and quotation marks treated alike, and never
otherwise.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import islice, takewhile
from typing import Any

from app.layers import Box, Segment, Span, TextLayer


class VerifiedBy(StrEnum):
    """How a piece of evidence was proven."""

    EXACT = "exact"  #: the text at the range has the digest of what was quoted
    WHITESPACE = "whitespace"  #: the same, but for white space and quotation marks
    MEASURED = "measured"  #: seconds of a recording without words: nothing is quoted


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


#: Every code point for which `str.isspace` holds (a test compares).
_SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
#: Quotation marks, apostrophes, primes and accents used as such.
_QUOTES = (
    "\"'`\xab\xb4\xbb\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2032\u2033\u2035\u2036\u2039\u203a"
    "\u300c\u300d\u300e\u300f\uff02\uff07"
)
#: Layout marks without width: soft hyphen, zero-width space, word joiner, byte order mark.
_NO_WIDTH = "\xad\u200b\u2060\ufeff"
_ALIKE = {ord(c): " " for c in _SPACES} | {ord(c): "'" for c in _QUOTES}
#: What folding shortens. One character class, so that no input makes it backtrack.
_RUN = re.compile(f"[ {_NO_WIDTH}]{{2,}}|[{_NO_WIDTH}]")


@dataclass(frozen=True, slots=True)
class _Folded:
    """A text with white space and quotation marks made alike, and the way back.

    Attributes:
        text: the folded text.
        ends: positions in it after each shortened stretch, in order.
        shifts: how far a position after that stretch lies from its place in the original.
    """

    text: str
    ends: tuple[int, ...]
    shifts: tuple[int, ...]

    def original(self, position: int) -> int:
        """Where a folded character stands in the original."""
        index = bisect_right(self.ends, position)
        return position + (self.shifts[index - 1] if index else 0)


def _fold(text: str) -> _Folded:
    alike = text.translate(_ALIKE)
    parts: list[str] = []
    ends: list[int] = []
    shifts: list[int] = []
    position = shift = 0
    for run in _RUN.finditer(alike):
        kept = " " if " " in run.group() else ""
        parts += (alike[position : run.start()], kept)
        position = run.end()
        ends.append(run.start() - shift + len(kept))
        shift += len(run.group()) - len(kept)
        shifts.append(shift)
    parts.append(alike[position:])
    return _Folded("".join(parts), tuple(ends), tuple(shifts))


class Finder:
    """Finds quotations in one layer; make one per layer, since the folded text is kept.

    Args:
        layer: to search.
    """

    def __init__(self, layer: TextLayer) -> None:
        self.layer = layer

    @cached_property
    def _folded(self) -> _Folded:
        return _fold(self.layer.text)

    def locate(self, quote: str, hint: int | None = None) -> tuple[int, int, VerifiedBy] | None:
        """Where the person says this, in time linear in text and quotation.

        Args:
            quote: as it was given; white space around it does not matter.
            hint: code point from which to search first, for instance the beginning of the part that was read.

        Returns:
            Start, end and rung of the first occurrence in the person's own words, at or after the hint where there is
            one; None where they never say it.
        """
        quote = quote.strip(_SPACES)
        folded_quote = _fold(quote).text.strip(" ")
        if not folded_quote:
            return None
        exact = self._own(self.layer.text, quote, hint, None)
        if exact:
            return (*exact, VerifiedBy.EXACT)
        loose = self._own(self._folded.text, folded_quote, hint, self._folded)
        return (*loose, VerifiedBy.WHITESPACE) if loose else None

    def _own(self, text: str, quote: str, hint: int | None, folded: _Folded | None) -> tuple[int, int] | None:
        behind: tuple[int, int] | None = None
        at = text.find(quote)
        while at >= 0:
            last = at + len(quote) - 1
            start, end = (folded.original(at), folded.original(last) + 1) if folded else (at, last + 1)
            if self.layer.is_own(start, end):
                if hint is None or start >= hint:
                    return start, end
                behind = behind or (start, end)
            # Overlapping occurrences are passed over: searching them all would take quadratic time on periodic text.
            at = text.find(quote, last + 1)
        return behind


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
