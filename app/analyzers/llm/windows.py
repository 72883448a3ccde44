"""A layer in windows that a model can read: cut at borders, redacted, authors marked, and with the way back.

Each window is a small text layer of its own, the document that is sent. Every block of it opens with a mark: `[P]` is
the person, `[X]` is not (another author, a heading, a quotation) and stands there for understanding alone. All of the
person's own words are in exactly one window; page furniture, code, tables and the like stay here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from app.analyzers.llm.redact import Redactor
from app.layers import Segment, TextLayer
from app.vocabulary import OWN_KINDS, SegmentKind

#: Code points of a window, some twelve thousand tokens: long enough for what spans a text, short enough to be quoted
#: faithfully.
SIZE = 48_000
#: Share of a window from which on a heading begins the next one.
FULL_ENOUGH = 0.6
#: Code points of what is not the person's: enough to know what is answered to.
CONTEXT = 400
OWN, OTHER = "[P] ", "[X"
_CONTEXT_KINDS = OWN_KINDS | {SegmentKind.HEADING, SegmentKind.QUOTATION, SegmentKind.SALUTATION}
_STOPS = ("\n\n", "\n", ". ", "! ", "? ", " ")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the document and the stretch of the layer it stands for.

    Attributes:
        start: first code point in the document.
        end: one past the last.
        origin: first code point in the layer.
        origin_end: one past the last.
        literal: whether offsets run alike; a placeholder stands for a whole.
    """

    start: int
    end: int
    origin: int
    origin_end: int
    literal: bool


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a layer as it is sent.

    Attributes:
        index: from 0.
        document: what is sent; its own segments are the person's words.
        pieces: of those, in order.
    """

    index: int
    document: TextLayer
    pieces: tuple[Piece, ...]

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The range of the layer that a range of the document's own words stands for; placeholders are taken whole."""
        first = self.pieces[max(0, bisect_right(self.pieces, start, key=lambda p: p.start) - 1)]
        last = self.pieces[max(0, bisect_right(self.pieces, end - 1, key=lambda p: p.start) - 1)]
        low = first.origin + (start - first.start if first.literal else 0)
        high = last.origin + end - last.start if last.literal else last.origin_end
        return low, min(high, last.origin_end)


@dataclass(frozen=True, slots=True)
class _Block:
    segment: Segment
    start: int
    end: int


def windows(layer: TextLayer, size: int = SIZE) -> list[Window]:
    """Cut a layer.

    Args:
        layer: any text layer.
        size: code points of the person's and others' words in one window.

    Returns:
        In order; none where the layer holds no own words.
    """
    sent = [s for s in layer.segments if s.kind in _CONTEXT_KINDS and s.end > s.start]
    redactor = Redactor(layer, sent)
    groups = _groups(_blocks(layer, sent, redactor, size), size)
    own = (group for group in groups if any(block.segment.own for block in group))
    return [_window(index, layer, group, redactor) for index, group in enumerate(own)]


def _blocks(layer: TextLayer, segments: list[Segment], redactor: Redactor, size: int) -> Iterator[_Block]:
    for segment in segments:
        if not segment.own:
            end = min(segment.end, segment.start + CONTEXT)
            crossing = [r.start for r in redactor.within(segment.start, end) if r.end > end]
            yield _Block(segment, segment.start, crossing[0] if crossing else end)
            continue
        start = segment.start
        while segment.end - start > size:
            cut = _cut(layer.text, start, start + size)
            # What is redacted is never cut, however small the window.
            cut = next((r.start if r.start > start else r.end for r in redactor.within(start, cut) if r.end > cut), cut)
            yield _Block(segment, start, cut)
            start = cut
        if start < segment.end:
            yield _Block(segment, start, segment.end)


def _cut(text: str, start: int, end: int) -> int:
    """The last good border in the second half of a range too long for one window."""
    for stop in _STOPS:
        found = text.rfind(stop, (start + end) // 2, end)
        if found >= 0:
            return found + len(stop)
    return end


def _groups(blocks: Iterator[_Block], size: int) -> Iterator[list[_Block]]:
    group: list[_Block] = []
    length = 0
    for block in blocks:
        long = block.end - block.start
        section = block.segment.kind is SegmentKind.HEADING and length >= FULL_ENOUGH * size
        if group and (section or length + long > size):
            yield group
            # What is answered to stands before the answer in the next window too.
            group = group[-1:] if block.segment.own and _theirs(group[-1]) else []
            length = sum(one.end - one.start for one in group)
        group.append(block)
        length += long
    if group:
        yield group


def _theirs(block: _Block) -> bool:
    """Whether somebody else says it here: no heading, and nothing that is quoted."""
    return not block.segment.own and block.segment.kind in OWN_KINDS


def _window(index: int, layer: TextLayer, blocks: list[_Block], redactor: Redactor) -> Window:
    parts: list[str] = []
    pieces: list[Piece] = []
    segments: list[Segment] = []
    position = 0
    for block in blocks:
        mark = OWN if block.segment.own else f"{OTHER}{_who(block.segment, redactor)}] "
        position += len(mark)
        begin = position
        for text, start, end, literal in _pieces(layer.text, block, redactor):
            if block.segment.own:
                pieces.append(Piece(position, position + len(text), start, end, literal))
            parts.append(mark + text)
            mark = ""
            position += len(text)
        kind = SegmentKind.PARAGRAPH if block.segment.own else SegmentKind.QUOTATION
        segments.append(Segment(begin, position, kind))
        parts.append("\n\n")
        position += 2
    document = TextLayer("".join(parts), layer.kind, layer.language, tuple(segments))
    return Window(index, document, tuple(pieces))


def _who(segment: Segment, redactor: Redactor) -> str:
    if segment.kind in OWN_KINDS:
        return f" {redactor.author(segment.author)}"
    return f" {segment.kind}"


def _pieces(text: str, block: _Block, redactor: Redactor) -> Iterator[tuple[str, int, int, bool]]:
    """(what is sent, start, end, whether they are the words themselves): or a placeholder for them."""
    position = block.start
    for redaction in redactor.within(block.start, block.end):
        if redaction.start > position:
            yield _sendable(text[position : redaction.start]), position, redaction.start, True
        yield redaction.placeholder, redaction.start, redaction.end, False
        position = redaction.end
    if position < block.end:
        yield _sendable(text[position : block.end]), position, block.end, True


def _sendable(text: str) -> str:
    """Lone surrogates, which broken input may hold, cannot be sent; one for one, so that offsets stay."""
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text) if not text.isascii() else text
