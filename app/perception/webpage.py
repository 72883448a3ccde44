"""HTML: what a reader sees, in reading order, each stretch with what its element says it is.

Nothing is fetched and nothing is run.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import html  # type: ignore[import-untyped] # it ships no types
from lxml.etree import ParserError  # type: ignore[import-untyped] # as above

from app.errors import Refusal
from app.layers import TextLayer, join
from app.perception.dates import find
from app.perception.encodings import decode
from app.perception.reading import Piece, Reading
from app.vocabulary import ReasonCode, Register, SegmentKind

_SKIPPED = frozenset(
    (
        *("script", "style", "noscript", "template", "nav", "aside", "svg", "math", "iframe", "object", "canvas"),
        *("button", "select", "textarea", "input", "audio", "video", "map", "head"),
    )
)
_KINDS = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), SegmentKind.HEADING),
    **dict.fromkeys(("pre", "samp"), SegmentKind.CODE),
    **dict.fromkeys(("figcaption", "caption"), SegmentKind.EDITORIAL),
    "blockquote": SegmentKind.QUOTATION,
    "li": SegmentKind.LIST_ITEM,
    "footer": SegmentKind.FURNITURE,
    "address": SegmentKind.BOILERPLATE,
}
#: Kinds that hold for everything inside them; a heading in a list item is still a heading.
_DEEP = frozenset(_KINDS.values()) - {SegmentKind.LIST_ITEM}
_BREAKING = frozenset(
    (
        *_KINDS,
        *("p", "div", "section", "article", "main", "header", "ul", "ol", "dl", "dt", "dd", "table", "tr", "hr"),
        *("body", "form", "fieldset", "figure", "details", "summary", "center"),
    )
)
_CLASSES = (
    (re.compile(r"gmail_quote|yahoo_quoted|moz-cite-prefix|protonmail_quote"), SegmentKind.QUOTATION),
    (re.compile(r"gmail_signature|moz-signature"), SegmentKind.BOILERPLATE),
)
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:\D|$)|opacity\s*:\s*0(?:[^.\d]|$)"
)
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
_SPACE = re.compile(r"[ \t\r\n\f\xa0]+")
_DATES = (
    "//meta[@property='article:published_time' or @name='date' or @name='dcterms.date']/@content",
    "//time[1]/@datetime",
)


def read(data: bytes) -> Reading:
    """Read a web page.

    Raises:
        Refusal: corrupt, where there is no element at all; unsupported_type for a chat export.
    """
    text, encoding = _decoded(data)
    tree = _tree(text)
    if tree.xpath("//*[contains(concat(' ', @class, ' '), ' from_name ')]"):
        raise Refusal(
            ReasonCode.UNSUPPORTED_TYPE,
            "This is a chat export, in which most words are other people's; chats are not read yet.",
        )
    facts: dict[str, Any] = {"encoding": encoding}
    written = next((dated.iso for path in _DATES for value in tree.xpath(path) if (dated := find(str(value)))), None)
    if written:
        facts["date"] = written
    if tree.xpath("//article | //meta[@property='og:type' and @content='article']"):
        facts["register"] = str(Register.ESSAY_BLOG)
    layer_text, segments = join((content, kind, {"date": written}) for content, kind, _ in _pieces_of(tree))
    return TextLayer(layer_text, segments=segments, facts=facts), None


def pieces(markup: str) -> list[Piece]:
    """The readable stretches of HTML in order, for readers of formats that hold some."""
    return _pieces_of(_tree(markup))


def _decoded(data: bytes) -> tuple[str, str]:
    if declared := _CHARSET.search(data[:4096]):
        name = declared[1].decode("ascii")
        try:
            return data.decode(name), name.lower()
        except (LookupError, UnicodeDecodeError):
            pass
    decoded = decode(data)
    return decoded.text, decoded.encoding


def _tree(markup: str) -> html.HtmlElement:
    try:
        # Beyond 256 levels the parser drops text silently unless it is told not to; what is too deep fails in the walk.
        parser = html.HTMLParser(huge_tree=True)
        return html.document_fromstring(_DECLARATION.sub("", markup, count=1).replace("\0", ""), parser=parser)
    except (ParserError, ValueError) as error:
        raise Refusal(ReasonCode.CORRUPT, "The web page cannot be read: save it again from the browser.") from error


def _pieces_of(tree: html.HtmlElement) -> list[Piece]:
    walker = _Walker()
    title = " ".join((tree.findtext(".//title") or "").split())
    body = tree.find(".//body")
    if body is not None:
        walker.walk(body, SegmentKind.PARAGRAPH, preformatted=False)
    walker.flush()
    if title and not any(kind is SegmentKind.HEADING and content in title for content, kind, _ in walker.pieces):
        walker.pieces.insert(0, (title, SegmentKind.HEADING, {}))
    return walker.pieces


class _Walker:
    """Gathers text until an element breaks the line."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.buffer: list[str] = []
        self.kind = SegmentKind.PARAGRAPH

    def walk(self, element: html.HtmlElement, kind: SegmentKind, *, preformatted: bool) -> None:
        """Take an element and all in it."""
        tag = element.tag if isinstance(element.tag, str) else ""
        if not tag or tag in _SKIPPED or _is_hidden(element):
            return
        if tag == "table" and _is_data(element):
            self._table(element)
            return
        inner = kind if kind in _DEEP else _kind_of(element, tag, kind)
        breaking = tag in _BREAKING or inner is not kind
        preformatted = preformatted or tag == "pre"
        if breaking:
            self.flush()
        if tag == "br":
            self.buffer.append("\n")
        self.kind = inner
        self._add(element.text, preformatted=preformatted)
        for child in element:
            self.walk(child, inner, preformatted=preformatted)
            self.kind = inner
            self._add(child.tail, preformatted=preformatted)
        if breaking:
            self.flush()
        self.kind = kind

    def flush(self) -> None:
        """End the piece at hand."""
        content = "".join(self.buffer)
        self.buffer = []
        if self.kind is not SegmentKind.CODE:
            content = re.sub(r" ?\n ?", "\n", re.sub(r" {2,}", " ", content))
        if content.strip():
            self.pieces.append((content.strip("\n ").rstrip(), self.kind, {}))

    def _add(self, content: str | None, *, preformatted: bool) -> None:
        if content:
            self.buffer.append(content if preformatted else _SPACE.sub(" ", content))

    def _table(self, table: html.HtmlElement) -> None:
        self.flush()
        rows = [" | ".join(map(_line, row.iter("td", "th"))) for row in table.iter("tr")]
        content = "\n".join(row for row in rows if row.strip(" |"))
        if content:
            self.pieces.append((content, SegmentKind.TABLE, {}))


def _line(cell: html.HtmlElement) -> str:
    return " ".join(" ".join(cell.itertext()).split())


def _kind_of(element: html.HtmlElement, tag: str, kind: SegmentKind) -> SegmentKind:
    marks = f"{element.get('class', '')} {element.get('id', '')}"
    for pattern, marked in _CLASSES:
        if pattern.search(marks):
            return marked
    return _KINDS.get(tag, kind)


def _is_hidden(element: html.HtmlElement) -> bool:
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    return _HIDDEN.search(element.get("style", "").lower()) is not None


def _is_data(table: html.HtmlElement) -> bool:
    """A table of data has header cells or short cells side by side; mail and old pages lay out prose with tables."""
    if table.find(".//table") is not None:
        return False
    if table.find(".//th") is not None:
        return True
    rows = [list(row.iter("td")) for row in table.iter("tr")]
    cells = [len(cell.text_content()) for row in rows for cell in row]
    return len(rows) > 1 and sum(len(row) > 1 for row in rows) > len(rows) / 2 and max(cells) < 200
