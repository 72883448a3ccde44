"""Text layers: the canonical text of a package with its segment map.

Every offset in EchoSphere counts Unicode code points of `TextLayer.text`, end exclusive. Perception makes layers,
analyzers read them, evidence points into them. Pure data: no I/O, no third-party imports.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from app.vocabulary import OWN_KINDS, SegmentKind

#: Author of a segment written by the person the package belongs to.
SELF = "self"

Box = tuple[float, float, float, float]


def digest(content: str) -> str:
    """SHA-256 of a passage, hexadecimal; lone surrogates (possible in broken input) are kept."""
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text layer, or of time, that proves something.

    Attributes:
        start: first code point in the layer; -1 where only time is known.
        end: one past the last code point; -1 where only time is known.
        sha256: digest of the content at that range; empty where only time is known.
        start_time: seconds from the beginning of the recording, where the layer has times.
        end_time: seconds.
        label: a short word of ours on what is heard or seen there ("long pause"); never the person's words.
    """

    start: int
    end: int
    sha256: str = ""
    start_time: float | None = None
    end_time: float | None = None
    label: str = ""

    def as_json(self) -> dict[str, Any]:
        """The shape that features hold."""
        return {k: v for k, v in asdict(self).items() if v not in (None, "")}

    @classmethod
    def from_json(cls, doc: dict[str, Any]) -> Self:
        """Read back what `as_json` wrote."""
        return cls(**doc)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the layer and what it is.

    Attributes:
        start: first code point.
        end: one past the last code point.
        kind: what it is; decides whether it can be evidence.
        author: `SELF`, another author's name as the source gives it, or None where nothing is said about it.
        page: page number from 1.
        box: x0, y0, x1, y1 on the page; pixels for pictures, points for documents.
        start_time: seconds.
        end_time: seconds.
        date: ISO 8601 date or time of writing, where the source gives one.
        confidence: 0 to 1, of the recogniser that read it.
    """

    start: int
    end: int
    kind: SegmentKind = SegmentKind.PARAGRAPH
    author: str | None = None
    page: int | None = None
    box: Box | None = None
    start_time: float | None = None
    end_time: float | None = None
    date: str | None = None
    confidence: float | None = None

    @property
    def own(self) -> bool:
        """Whether this can be the person's own words."""
        return self.kind in OWN_KINDS and self.author in (None, SELF)

    def as_row(self) -> list[Any]:
        """The fields in order; `dataclasses.asdict` copies deeply, which a thousand segments would feel."""
        return [
            self.start,
            self.end,
            str(self.kind),
            self.author,
            self.page,
            self.box,
            self.start_time,
            self.end_time,
            self.date,
            self.confidence,
        ]


@dataclass(frozen=True, slots=True)
class TextLayer:
    r"""The canonical text of one package.

    Attributes:
        text: what a reader reads; line breaks are `\n`.
        kind: "document", "ocr" or "transcript".
        language: ISO 639-1, "mixed", or None where it cannot be told.
        segments: in order, not overlapping; text between them belongs to nobody.
        words: (start, end, page, box, confidence) of single recognised words, where a recogniser read them.
        facts: what the source says about itself: "encoding", "pages", "register" and the like; never passages.
    """

    text: str
    kind: str = "document"
    language: str | None = None
    segments: tuple[Segment, ...] = ()
    words: tuple[tuple[int, int, int, Box, float], ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    def own_spans(self) -> Iterator[tuple[int, int]]:
        """Ranges that can be the person's own words, in order, neighbours not joined."""
        return ((s.start, s.end) for s in self.segments if s.own)

    def segment_at(self, position: int) -> Segment | None:
        """The segment that holds a code point; None between segments."""
        low, high = 0, len(self.segments)
        while low < high:
            middle = (low + high) // 2
            if self.segments[middle].end <= position:
                low = middle + 1
            else:
                high = middle
        found = self.segments[low] if low < len(self.segments) else None
        return found if found and found.start <= position < found.end else None

    def span(self, start: int, end: int, label: str = "") -> Span:
        """A proven span: the digest is taken from the text itself, times from the segment."""
        segment = self.segment_at(start)
        times = (segment.start_time, segment.end_time) if segment else (None, None)
        return Span(start, end, digest(self.text[start:end]), *times, label)

    def proves(self, span: Span) -> bool:
        """Whether the text at the span still equals what the span was taken from."""
        return 0 <= span.start < span.end <= len(self.text) and digest(self.text[span.start : span.end]) == span.sha256

    def is_own(self, start: int, end: int) -> bool:
        """Whether the whole range lies within the person's own words (white space between segments does not matter)."""
        position = start
        while position < end:
            segment = self.segment_at(position)
            if segment is None:
                if not self.text[position].isspace():
                    return False
                position += 1
            elif not segment.own:
                return False
            else:
                position = segment.end
        return True

    def as_json(self) -> dict[str, Any]:
        """The shape that is encrypted into the vault and passes the sandbox pipe."""
        return {
            "text": self.text,
            "kind": self.kind,
            "language": self.language,
            "segments": [s.as_row() for s in self.segments],
            "words": [list(w) for w in self.words],
            "facts": self.facts,
        }

    @classmethod
    def from_json(cls, doc: dict[str, Any]) -> Self:
        """Read back what `as_json` wrote."""
        return cls(
            text=doc["text"],
            kind=doc["kind"],
            language=doc["language"],
            segments=tuple(_segment(row) for row in doc["segments"]),
            words=tuple((w[0], w[1], w[2], tuple(w[3]), w[4]) for w in doc["words"]),
            facts=doc["facts"],
        )


def _segment(row: list[Any]) -> Segment:
    start, end, kind, author, page, box, *rest = row
    return Segment(start, end, SegmentKind(kind), author, page, tuple(box) if box else None, *rest)


def join(
    pieces: Iterable[tuple[str, SegmentKind, dict[str, Any]]], separator: str = "\n\n"
) -> tuple[str, tuple[Segment, ...]]:
    """Lay pieces of text one after another and map them.

    Args:
        pieces: (text, kind, further `Segment` fields) in reading order; empty texts are left out.
        separator: what stands between two pieces.

    Returns:
        The text and its segments.
    """
    texts: list[str] = []
    segments: list[Segment] = []
    position = 0
    for text, kind, extra in pieces:
        if not text.strip():
            continue
        if texts:
            position += len(separator)
        segments.append(Segment(position, position + len(text), kind, **extra))
        texts.append(text)
        position += len(text)
    return separator.join(texts), tuple(segments)
