"""DOCX: paragraphs by their styles, tables, footnotes and comments. Tracked deletions and hidden text are left out.

The archive is checked before it is opened, and nothing it refers to outside is followed.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import docx
from docx.document import Document
from docx.oxml.ns import qn
from docx.oxml.parser import parse_xml
from lxml.etree import _Element  # type: ignore[import-untyped] # it ships no types

from app.errors import Refusal
from app.layers import TextLayer, join
from app.perception import letters
from app.perception.limits import MAX_PACK_RATIO, MAX_PARTS, MAX_UNPACKED_BYTES, RATIO_FROM_BYTES
from app.perception.reading import Piece, Reading, damaged
from app.vocabulary import ReasonCode, Register, SegmentKind

_STYLES = (
    (re.compile(r"heading|title|überschrift|titre|título", re.IGNORECASE), SegmentKind.HEADING),
    (re.compile(r"quote|block text|zitat|citation|cita", re.IGNORECASE), SegmentKind.QUOTATION),
    (re.compile(r"^(toc|header|footer|index|table of)", re.IGNORECASE), SegmentKind.FURNITURE),
    (re.compile(r"caption|footnote|endnote", re.IGNORECASE), SegmentKind.EDITORIAL),
    (re.compile(r"code|preformatted|macro|plain text", re.IGNORECASE), SegmentKind.CODE),
    (
        re.compile(r"^(salutation|closing|signature|date|envelope|message header)", re.IGNORECASE),
        SegmentKind.SALUTATION,
    ),
    (re.compile(r"^list|listenabsatz|liste", re.IGNORECASE), SegmentKind.LIST_ITEM),
)
_LEFT_OUT = frozenset(qn(name) for name in ("w:del", "w:moveFrom", "w:instrText", "w:delText", "w:rPr", "w:pPr"))
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_CHARACTERS = {qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
_NOTES = ("footnotes", "endnotes")


def read(data: bytes) -> Reading:
    """Read a DOCX.

    Raises:
        Refusal: corrupt, needs_password or limit_exceeded (an archive that unpacks to far more than a document).
    """
    _check_archive(data)
    with damaged("DOCX"):
        document = docx.Document(BytesIO(data))
        body = [*_pieces(document)]
        notes = [*_notes(document)]
        comments = [*_comments(document)]
    text, segments = join([*body, *notes, *comments])
    facts: dict[str, Any] = {"comments": len(comments), "notes": len(notes)}
    segments, is_letters = letters.mark_segments(text, segments)
    if is_letters:
        facts["register"] = str(Register.LETTERS_DIARIES)
    return TextLayer(text, segments=segments, facts=facts), None


def _check_archive(data: bytes) -> None:
    """Sum of declared sizes, number of parts and ratio, before unpacking; reading stops at the declared size."""
    with damaged("DOCX"), zipfile.ZipFile(BytesIO(data)) as archive:
        parts = archive.infolist()
    if any(part.flag_bits & 1 for part in parts):
        raise Refusal(ReasonCode.NEEDS_PASSWORD, "The document is protected by a password: upload a copy without one.")
    unpacked = sum(part.file_size for part in parts)
    bombs = (p for p in parts if p.file_size > max(RATIO_FROM_BYTES, MAX_PACK_RATIO * p.compress_size))
    if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED_BYTES or any(True for _ in bombs):
        raise Refusal(
            ReasonCode.LIMIT_EXCEEDED,
            f"The document unpacks to {unpacked / 1e6:.0f} MB in {len(parts)} parts, far more than a document holds.",
            unpacked_bytes=unpacked,
            parts=len(parts),
        )


def _pieces(document: Document) -> Iterator[Piece]:
    styles = {style.style_id: style.name or "" for style in document.styles}
    for element in document.element.body:
        yield from _piece(element, styles)


def _piece(element: _Element, styles: dict[str, str]) -> Iterator[Piece]:
    if element.tag == qn("w:p"):
        boxes = [
            box for box in element.iter(qn("w:txbxContent")) if not any(a.tag == _FALLBACK for a in box.iterancestors())
        ]
        content = _text(element).strip()
        if any(map(str.isalnum, content)):
            yield content, SegmentKind.LIST_ITEM if content[0] in "•‣▪◦" else _kind(element, styles), {}
        for box in boxes:
            for paragraph in box:
                yield from _piece(paragraph, styles)
    elif element.tag == qn("w:tbl"):
        yield from _table(element, styles)
    elif element.tag in (
        qn("w:sdt"),
        qn("w:sdtContent"),
        qn("w:ins"),
        qn("w:moveTo"),
        qn("w:customXml"),
        qn("w:smartTag"),
    ):
        for child in element:
            yield from _piece(child, styles)


def _text(element: _Element) -> str:
    """The words of a paragraph as Word shows them; text boxes in it are paragraphs of their own."""
    parts: list[str] = []
    for child in element:
        if child.tag in _LEFT_OUT or child.tag in (_FALLBACK, qn("w:txbxContent")) or _is_hidden(child):
            continue
        if child.tag == qn("w:t"):
            parts.append(child.text or "")
        elif child.tag in _CHARACTERS:
            parts.append(_CHARACTERS[child.tag])
        else:
            parts.append(_text(child))
    return "".join(parts)


def _is_hidden(run: _Element) -> bool:
    return run.tag == qn("w:r") and run.find(f"{qn('w:rPr')}/{qn('w:vanish')}") is not None


def _kind(paragraph: _Element, styles: dict[str, str]) -> SegmentKind:
    properties = paragraph.find(qn("w:pPr"))
    if properties is None:
        return SegmentKind.PARAGRAPH
    style = properties.find(qn("w:pStyle"))
    name = styles.get(style.get(qn("w:val")), "") if style is not None else ""
    for pattern, kind in _STYLES:
        if pattern.search(name):
            return kind
    if properties.find(qn("w:outlineLvl")) is not None:
        return SegmentKind.HEADING
    return SegmentKind.PARAGRAPH if properties.find(qn("w:numPr")) is None else SegmentKind.LIST_ITEM


def _table(table: _Element, styles: dict[str, str]) -> Iterator[Piece]:
    """One piece a table; a table of a single cell is a frame around prose."""
    rows = [row.findall(qn("w:tc")) for row in table.findall(qn("w:tr"))]
    if sum(map(len, rows)) == 1:
        for element in rows[0][0]:
            yield from _piece(element, styles)
        return
    lines = [" | ".join(map(_cell, row)) for row in rows]
    yield "\n".join(line for line in lines if line.strip(" |")), SegmentKind.TABLE, {}


def _cell(cell: _Element) -> str:
    return " ".join(" ".join(_text(paragraph) for paragraph in cell.iter(qn("w:p"))).split())


def _notes(document: Document) -> Iterator[Piece]:
    for relation in document.part.rels.values():
        if relation.is_external or relation.reltype.rpartition("/")[2] not in _NOTES:
            continue
        for note in parse_xml(relation.target_part.blob):
            content = "\n".join(_text(paragraph) for paragraph in note.iter(qn("w:p")))
            yield content.strip(), SegmentKind.EDITORIAL, {}


def _comments(document: Document) -> Iterator[Piece]:
    for comment in document.comments:
        yield comment.text.strip(), SegmentKind.ANNOTATION, {"author": comment.author or "unknown"}
