"""Lines of a PDF to paragraphs: by their places and sizes, since a PDF knows neither paragraphs nor headings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

from app.layers import Box
from app.perception.blocks import is_list_item, is_title, shape_of
from app.perception.reading import Piece
from app.vocabulary import SegmentKind

#: Lines at the top and at the bottom of a page among which headers, footers and page numbers are looked for.
EDGE_LINES = 2
#: Pages on which a line must come back to be furniture.
REPEATED = 3
#: How much larger than the text a heading is set.
LARGER = 1.12
#: Code points of the longest heading.
HEADING_LENGTH = 120
#: Weight from which a font is bold (400 is regular, 700 bold).
BOLD = 600
#: Numbered lines in a row that are a margin's, not the text's.
MARGIN_NUMBERS = 5

_DASHES = r"[-\u2013\u2014\s]*"
_NUMBER = re.compile(
    rf"{_DASHES}(?:page|seite|pg\.?)?\s*(\d{{1,4}}|[ivxlc]{{1,6}})(?:\s*(?:of|/|von)\s*\d{{1,4}})?{_DASHES}",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")


@dataclass(slots=True)
class Line:
    """One line as the PDF sets it.

    Attributes:
        text: without white space around it; a trailing U+0002 is a hyphen that only breaks a word.
        page: from 1.
        box: points from the top left corner of the page.
        size: points of the font.
        weight: of the font, 400 for regular.
        kind: what it is where that is known from the line or its place alone.
    """

    text: str
    page: int
    box: Box
    size: float
    weight: int
    kind: SegmentKind | None = None

    @property
    def height(self) -> float:
        """Points."""
        return max(self.box[3] - self.box[1], 1.0)


def paragraphs(lines: list[Line]) -> Iterator[Piece]:
    """Pieces with page and box, in reading order."""
    _mark_furniture(lines)
    body = _body_size(lines)
    for line in lines:
        if line.kind is None and _is_heading(line, body):
            line.kind = SegmentKind.HEADING
    pieces = [_piece(group) for group in _groups(lines)]
    for (text, kind, extra), (_, _, below) in pairwise([*pieces, ("", SegmentKind.PARAGRAPH, {"page": 0})]):
        titled = (
            kind is SegmentKind.PARAGRAPH and below["page"] == extra["page"] and "\n" not in text and is_title(text)
        )
        yield text, SegmentKind.HEADING if titled else kind, extra


def _groups(lines: list[Line]) -> Iterator[list[Line]]:
    for _, page in groupby(lines, lambda line: line.page):
        kept = [*page]
        right = max(line.box[2] for line in kept)
        group: list[Line] = []
        for line in kept:
            if group and not _continues(group, line, right):
                yield group
                group = []
            group.append(line)
        yield group


def _body_size(lines: list[Line]) -> float:
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _is_heading(line: Line, body: float) -> bool:
    if len(line.text) > HEADING_LENGTH or not any(map(str.isalpha, line.text)) or is_list_item(line.text):
        return False
    bold = line.weight >= BOLD and line.text[-1] not in ".,;:" and len(line.text) <= HEADING_LENGTH * 2 // 3
    return line.size >= body * LARGER or bold


def _mark_furniture(lines: list[Line]) -> None:
    """Page numbers, headers and footers that come back, numbers in the margin."""
    pages = [[*page] for _, page in groupby(lines, lambda line: line.page)]
    edges = [[*page[:EDGE_LINES], *page[EDGE_LINES:][-EDGE_LINES:]] for page in pages]
    seen = Counter(shape for edge in edges for shape in {_DIGITS.sub("#", line.text) for line in edge})
    for edge in edges:
        for line in edge:
            if _NUMBER.fullmatch(line.text) or seen[_DIGITS.sub("#", line.text)] >= REPEATED:
                line.kind = line.kind or SegmentKind.FURNITURE
    for page in pages:
        for numbered, run in groupby(page, lambda line: line.text.isdecimal() and len(line.text) < 5):
            margin = [*run]
            if (
                numbered
                and len(margin) >= MARGIN_NUMBERS
                and all(int(a.text) < int(b.text) for a, b in pairwise(margin))
            ):
                for line in margin:
                    line.kind = SegmentKind.FURNITURE


def _continues(group: list[Line], line: Line, right: float) -> bool:
    """Whether a line belongs to the paragraph above it."""
    above = group[-1]
    if above.kind is not line.kind or abs(above.size - line.size) > 0.1 * above.size:
        return False
    if above.kind is SegmentKind.FURNITURE or is_list_item(line.text):
        return False
    gap = line.box[1] - above.box[3]
    if gap < -above.height:  # the next column
        return above.text[-1] not in ".!?:"
    if gap > 0.9 * above.height:
        return False
    if above.kind is SegmentKind.HEADING:
        return True
    # The first word of this line would have fitted on the one above: that one was ended on purpose.
    first = line.text.split(maxsplit=1)[0]
    width = (line.box[2] - line.box[0]) * (len(first) + 1) / max(len(line.text), 1)
    edge = right if len(group) == 1 else max(0.8 * right, *(known.box[2] for known in group))
    return above.box[2] + width > edge - 0.02 * right


def _piece(group: list[Line]) -> Piece:
    parts = [group[0].text]
    for line in group[1:]:
        broken = parts[-1].endswith(("\x02", "\ufffe"))
        if broken and line.text[:1].islower():
            parts[-1] = parts[-1][:-1] + line.text
        else:
            parts.append(line.text)
    text = "\n".join(parts).replace("\x02", "-").replace("\ufffe", "-")
    box = (
        min(line.box[0] for line in group),
        min(line.box[1] for line in group),
        max(line.box[2] for line in group),
        max(line.box[3] for line in group),
    )
    kind = group[0].kind or shape_of(text.split("\n"))
    if kind is None:
        kind = SegmentKind.LIST_ITEM if is_list_item(text) else SegmentKind.PARAGRAPH
    return text, kind, {"page": group[0].page, "box": tuple(round(edge, 1) for edge in box)}
