"""Markdown: block structure by markdown-it, mapped onto the source text, which stays as it is.

The layer's text is the file's, so that evidence is literal in the upload. A paragraph stays one segment with its inline
marks and link targets: sentences must be whole, and readers of layers mask addresses. What is no prose as a whole
(front matter, shortcodes, pictures, HTML, code) is a segment of its own kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.layers import Segment, TextLayer
from app.perception.dates import find
from app.perception.encodings import decode
from app.perception.reading import Reading
from app.vocabulary import Register, SegmentKind

#: Words from which a table's cell that ends like a sentence is one.
SENTENCE_WORDS = 5

_FRONT_MATTER = re.compile(r"\A(---|\+\+\+)\n(?P<body>(?:.*\n)*?)\1[ \t]*(?:\n|\Z)")
_DATE = re.compile(
    r"^(?:date|published|created)\w*[ \t]*[:=][ \t]*[\"']?(?P<value>[^\n\"']+)",
    re.MULTILINE | re.IGNORECASE,
)
_MARKER = re.compile(r"(?:[ \t>]*(?:[-*+]|\d{1,9}[.)])(?=[ \t]))*[ \t>]*(?:\[[ xX]\][ \t]+)?")
_HEADING_MARKS = re.compile(r"[#\s]*")
#: What a paragraph may consist of without holding prose: shortcodes, template tags, pictures, HTML tags, attributes.
_NO_PROSE = re.compile(
    r"\{\{[<%{].*?[>%}]\}\}|\{%.*?%\}|\[?!\[[^\]]*\]\([^)]*\)(?:\]\([^)]*\))?|<[^<>]+>|\{[:.#][^}]*\}", re.DOTALL
)
_SHORTCODE = re.compile(r"\{\{[<%][^{}]*[>%]\}\}\s*|<!--(?:(?!-->).)*-->\s*", re.DOTALL)
_LAST_SHORTCODE = re.compile(r"\s*\{\{[<%][^{}]*[>%]\}\}\Z")
_CELL = re.compile(r"[^|\n]+")
_FOOTNOTE = re.compile(r"[ \t]*\[\^[^\]]+\]:")
#: Containers whose content is not the writer's prose, by the token that opens them.
_CONTAINERS = {"blockquote_open": SegmentKind.QUOTATION, "list_item_open": SegmentKind.LIST_ITEM}
_LEAVES = {
    "fence": SegmentKind.CODE,
    "code_block": SegmentKind.CODE,
    "html_block": SegmentKind.CODE,
    "hr": SegmentKind.FURNITURE,
    "table_open": SegmentKind.TABLE,
}


def read(data: bytes) -> Reading:
    """Read a Markdown file. The layer's text is the file's, line ends apart; the date in its front matter dates it."""
    decoded = decode(data)
    text = decoded.text
    facts: dict[str, Any] = {"encoding": decoded.encoding}
    segments: list[Segment] = []
    body, date = text, None
    if front := _FRONT_MATTER.match(text):
        segments.append(Segment(0, len(front.group().rstrip()), SegmentKind.FRONT_MATTER))
        # The lines keep their numbers.
        body = "\n" * front.group().count("\n") + text[front.end() :]
        facts["register"] = str(Register.ESSAY_BLOG)
        if (written := _DATE.search(front["body"])) and (dated := find(written["value"])):
            date = facts["date"] = dated.iso
    segments += (
        Segment(start, end, kind, date=date) for start, end, kind in _pieces(body, text) if text[start:end].strip()
    )
    return TextLayer(text, segments=tuple(segments), facts=facts), None


def _pieces(body: str, text: str) -> Iterator[tuple[int, int, SegmentKind]]:
    """Ranges of the text with their kinds, in order."""
    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.disable("inline")  # only the blocks are needed
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    containers: list[SegmentKind] = []
    below_table = 0
    heading = False
    for token in parser.parse(body):
        below_table += (token.type == "table_open") - (token.type == "table_close")
        heading = token.type == "heading_open" or (heading and token.type != "heading_close")
        if token.type in _CONTAINERS:
            containers.append(_CONTAINERS[token.type])
        elif token.type in ("blockquote_close", "list_item_close"):
            containers.pop()
        kind = _LEAVES.get(token.type)
        if token.map and kind is SegmentKind.TABLE:
            yield from _table(text, *_trimmed(text, starts[token.map[0]], starts[token.map[1]]))
        elif token.map and kind:
            yield (*_trimmed(text, starts[token.map[0]], starts[token.map[1]]), kind)
        elif token.map and token.type == "inline" and not below_table:
            yield _prose(text, starts, token, containers, heading=heading)


def _table(text: str, start: int, end: int) -> Iterator[tuple[int, int, SegmentKind]]:
    """A table, and the whole sentences in its cells, which are prose."""
    position = start
    for cell in _CELL.finditer(text, start, end):
        first, last = _trimmed(text, *cell.span())
        if last - first and text[last - 1] in ".!?" and len(text[first:last].split()) >= SENTENCE_WORDS:
            yield (*_trimmed(text, position, first), SegmentKind.TABLE)
            yield first, last, SegmentKind.PARAGRAPH
            position = last
    yield (*_trimmed(text, position, end), SegmentKind.TABLE)


def _prose(
    text: str, starts: list[int], token: Token, containers: list[SegmentKind], *, heading: bool
) -> tuple[int, int, SegmentKind]:
    first, last = token.map or (0, 0)
    start, end = _trimmed(text, starts[first], starts[last])
    content = text[start:end]
    if SegmentKind.QUOTATION in containers:
        return start, end, SegmentKind.QUOTATION
    if not any(map(str.isalpha, _NO_PROSE.sub("", content))):
        return start, end, SegmentKind.FURNITURE
    while shortcode := _SHORTCODE.match(text, start, end):
        start = shortcode.end()
    while shortcode := _LAST_SHORTCODE.search(text, start, end):
        end = shortcode.start()
    if heading:
        marks = _HEADING_MARKS.match(content)
        return start + (marks.end() if marks else 0), end, SegmentKind.HEADING
    if _FOOTNOTE.match(content):
        return start, end, SegmentKind.EDITORIAL
    if containers and (marker := _MARKER.match(text, starts[first], end)):
        start = max(start, marker.end())
    return start, end, containers[-1] if containers else SegmentKind.PARAGRAPH


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    end = min(end, len(text))
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
