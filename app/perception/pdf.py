"""PDF by PDFium: text with pages and boxes, form values and annotations apart, scanned pages through recognition.

PDFium reads the current revision only; the build we use has no JavaScript. Text that a reader of the page cannot see is
kept as such, since it is a known way to put words into a document.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import pypdfium2 as pdfium  # type: ignore[import-untyped] # it ships no types
from pypdfium2 import raw

from app.errors import Reason, Refusal
from app.layers import Box, TextLayer, join
from app.perception import letters
from app.perception.limits import MAX_CHARACTERS, MAX_OCR_PAGES, MAX_PAGES
from app.perception.pdf_layout import Line, paragraphs
from app.perception.reading import Piece, Reading, damaged
from app.vocabulary import ReasonCode, Register, SegmentKind

#: Dots per inch at which a scanned page is drawn for recognition, and pixels of its longer side at most.
DPI, LONGEST_SIDE = 300, 4000
#: Points below which nobody can read a font.
SMALLEST_FONT = 1.5
#: Share of the largest value from which a colour counts as white, and of opacity below which text cannot be seen.
WHITE, TRANSPARENT = 250, 10

_LINE = re.compile(r"[^\r\n]+")
_LOCKED_ATTACHMENT = re.compile(rb"/EFF\s*/(?!Identity)")
_COMMENTS = frozenset(
    (
        *(raw.FPDF_ANNOT_TEXT, raw.FPDF_ANNOT_FREETEXT, raw.FPDF_ANNOT_HIGHLIGHT, raw.FPDF_ANNOT_UNDERLINE),
        *(raw.FPDF_ANNOT_SQUIGGLY, raw.FPDF_ANNOT_STRIKEOUT, raw.FPDF_ANNOT_STAMP, raw.FPDF_ANNOT_CARET),
    )
)
_UNSEEN_MODES = frozenset((raw.FPDF_TEXTRENDERMODE_INVISIBLE, raw.FPDF_TEXTRENDERMODE_CLIP))


def read(data: bytes) -> Reading:
    """Read a PDF. Boxes are in points from the top left corner of their page.

    Raises:
        Refusal: needs_password, corrupt, limit_exceeded, no_text, or model_missing for a scan without Tesseract.
    """
    document = _opened(data)
    with damaged("PDF"):
        try:
            return _read(document, data)
        finally:
            document.close()


def _opened(data: bytes) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if error.err_code == raw.FPDF_ERR_PASSWORD:
            raise Refusal(
                ReasonCode.NEEDS_PASSWORD,
                "The PDF is protected by a password: upload a copy without one.",
            ) from error
        raise Refusal(
            ReasonCode.CORRUPT, "The PDF is damaged and cannot be read: open it in a viewer and save it again."
        ) from error


def _read(document: pdfium.PdfDocument, data: bytes) -> Reading:
    count = len(document)
    if count > MAX_PAGES:
        raise Refusal(
            ReasonCode.LIMIT_EXCEEDED, f"The PDF has more than {MAX_PAGES} pages: upload it in parts.", pages=count
        )
    if document.get_formtype() != raw.FORMTYPE_NONE:
        document.init_forms()
    lines, extras, scans = _pages(document)
    facts: dict[str, Any] = {"pages": count}
    if scans and not any(line.kind is None for line in lines):
        return _recognised(document, scans, facts)
    text, segments = join([*paragraphs(lines), *extras])
    if not text:
        raise Refusal(ReasonCode.NO_TEXT, "The PDF holds no text and no scanned page.")
    segments, is_letters = letters.mark_segments(text, segments)
    if is_letters:
        facts["register"] = str(Register.LETTERS_DIARIES)
    reason = None
    if scans:
        facts["scanned_pages"] = len(scans)
        reason = Reason(ReasonCode.NO_TEXT, "Pages that are pictures were left out.", {"pages": len(scans)})
    if _LOCKED_ATTACHMENT.search(data):
        reason = Reason(ReasonCode.NEEDS_PASSWORD, "An attachment in the PDF needs a password; it was not read.")
    return TextLayer(text, segments=segments, facts=facts), reason


def _pages(document: pdfium.PdfDocument) -> tuple[list[Line], list[Piece], list[int]]:
    """Lines, annotations and fields of all pages, and the indices of those that are pictures."""
    lines: list[Line] = []
    extras: list[Piece] = []
    scans: list[int] = []
    characters = 0
    for index, page in enumerate(document):
        on_page = [*_lines(page, index + 1)]
        extras += _annotations(document, page, index + 1)
        if not any(line.kind is None for line in on_page) and _has_picture(page):
            # What lies unseen over a scan is another program's recognition of it.
            scans.append(index)
            on_page = []
        lines += on_page
        characters += sum(len(line.text) for line in on_page)
        if characters > MAX_CHARACTERS:
            raise Refusal(ReasonCode.LIMIT_EXCEEDED, "The PDF holds too much text: upload it in parts.", page=index + 1)
        page.close()
    return lines, extras, scans


def _lines(page: pdfium.PdfPage, number: int) -> Iterator[Line]:
    """Lines in the order of the page's content."""
    text_page = page.get_textpage()
    text = text_page.get_text_range()
    if len(text) != text_page.count_chars():
        # Characters beyond the basic plane shift the offsets: count the way PDFium counts.
        text = "".join(chr(raw.FPDFText_GetUnicode(text_page, i) or 32) for i in range(text_page.count_chars()))
    unseen = _unseen(page)
    for found in _LINE.finditer(text):
        content = found.group().strip()
        if not content:
            continue
        first = found.start() + found.group().index(content)
        box = _box(page, text_page, first, len(content))
        kind = SegmentKind.INVISIBLE if unseen(text_page, first, len(content)) else None
        middle = first + len(content) // 2  # a bullet at the beginning is often set in another font
        yield Line(content, number, box, _size(text_page, middle), raw.FPDFText_GetFontWeight(text_page, middle), kind)


def _size(text_page: pdfium.PdfTextPage, place: int) -> float:
    """Points of a character as it is drawn; many programs write size 1 and scale it."""
    matrix = raw.FS_MATRIX()
    scaled = raw.FPDFText_GetMatrix(text_page, place, matrix)
    return float(raw.FPDFText_GetFontSize(text_page, place) * (math.hypot(matrix.c, matrix.d) if scaled else 1.0))


def _box(page: pdfium.PdfPage, text_page: pdfium.PdfTextPage, first: int, count: int) -> Box:
    """Around a range of characters, on the page as it is shown: turned, with the origin at the top left."""
    width, height = page.get_size()
    across, down = ctypes.c_int(), ctypes.c_int()
    xs, ys = [], []
    for index in range(text_page.count_rects(first, count)):
        left, bottom, right, top = text_page.get_rect(index)
        for x, y in ((left, bottom), (right, top)):
            # PDFium maps to whole device pixels: a tenth of a point each.
            raw.FPDF_PageToDevice(page, 0, 0, round(width * 10), round(height * 10), 0, x, y, across, down)
            xs.append(across.value / 10)
            ys.append(down.value / 10)
    return (min(xs), min(ys), max(xs), max(ys)) if xs else (0.0, 0.0, 0.0, 0.0)


def _unseen(page: pdfium.PdfPage) -> Callable[[pdfium.PdfTextPage, int, int], bool]:
    """A test whether a range of characters cannot be seen: drawn invisibly, transparent, tiny, or white on nothing."""
    painted = [
        item.get_bounds()
        for item in page.get_objects(filter=(raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_SHADING))
        if item.type != raw.FPDF_PAGEOBJ_PATH or not _is_white(_fill(raw.FPDFPageObj_GetFillColor, item))
    ]

    def test(text_page: pdfium.PdfTextPage, first: int, count: int) -> bool:
        hidden = 0
        places = sorted({first, first + count // 2, first + count - 1})
        for place in places:
            drawn = raw.FPDFText_GetTextObject(text_page, place)
            colour = _fill(raw.FPDFText_GetFillColor, text_page, place)
            x0, y0, x1, y1 = text_page.get_charbox(place)
            x, y = (x0 + x1) / 2, (y0 + y1) / 2
            on_colour = any(left <= x <= right and low <= y <= high for left, low, right, high in painted)
            hidden += (
                (bool(drawn) and raw.FPDFTextObj_GetTextRenderMode(drawn) in _UNSEEN_MODES)
                or _size(text_page, place) < SMALLEST_FONT
                or colour[3] < TRANSPARENT
                or (_is_white(colour) and not on_colour)
            )
        return hidden == len(places)

    return test


def _fill(get: Callable[..., int], *of: Any) -> tuple[int, int, int, int]:  # noqa: ANN401 - PDFium's handles
    """Red, green, blue, opacity: 0 to 255; black where PDFium knows none."""
    values = [ctypes.c_uint(value) for value in (0, 0, 0, 255)]
    get(*of, *values)
    red, green, blue, opacity = (value.value for value in values)
    return red, green, blue, opacity


def _is_white(colour: tuple[int, int, int, int]) -> bool:
    return min(colour[:3]) >= WHITE


def _has_picture(page: pdfium.PdfPage) -> bool:
    return any(True for _ in page.get_objects(filter=(raw.FPDF_PAGEOBJ_IMAGE,)))


def _annotations(document: pdfium.PdfDocument, page: pdfium.PdfPage, number: int) -> Iterator[Piece]:
    """Reviewers' notes with their authors, and form values with the names of their fields."""
    fields: list[str] = []
    for index in range(raw.FPDFPage_GetAnnotCount(page)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        kind = raw.FPDFAnnot_GetSubtype(annotation)
        if kind in _COMMENTS:
            content = _string(raw.FPDFAnnot_GetStringValue, annotation, b"Contents")
            author = _string(raw.FPDFAnnot_GetStringValue, annotation, b"T") or "unknown"
            yield content.replace("\r", "\n").strip(), SegmentKind.ANNOTATION, {"author": author, "page": number}
        elif kind == raw.FPDF_ANNOT_WIDGET and document.formenv:
            name = _string(raw.FPDFAnnot_GetFormFieldName, document.formenv, annotation)
            value = _string(raw.FPDFAnnot_GetFormFieldValue, document.formenv, annotation).strip()
            if value:
                fields.append(f"{name.rpartition('.')[2].partition('[')[0]}: {value}")
        raw.FPDFPage_CloseAnnot(annotation)
    yield "\n".join(fields), SegmentKind.TABLE, {"page": number}


def _string(get: Callable[..., int], *of: Any) -> str:  # noqa: ANN401 - PDFium's handles
    size = get(*of, None, 0)
    if size <= 2:  # the closing zero alone
        return ""
    buffer = (ctypes.c_ushort * (size // 2))()
    get(*of, buffer, size)
    return bytes(buffer)[: size - 2].decode("utf-16-le", "replace")


def _recognised(document: pdfium.PdfDocument, scans: list[int], facts: dict[str, Any]) -> Reading:
    """Draw the pages and read them as pictures."""
    from app.perception.recognise import lay, recognise  # noqa: PLC0415 - few PDFs are scans, and it loads Pillow

    pages = []
    for number in scans[:MAX_OCR_PAGES]:
        page = document[number]
        scale = min(DPI / 72, LONGEST_SIDE / max(page.get_size()))
        picture = page.render(scale=scale, grayscale=True).to_pil().convert("L")
        found = recognise(picture)
        for paragraph in found:
            paragraph.words = [(s, e, _scaled(box, 1 / scale), sure) for s, e, box, sure in paragraph.words]
        pages.append((number + 1, found))
        page.close()
    if not any(found for _, found in pages):
        raise Refusal(ReasonCode.NO_TEXT, "The PDF is a scan, and no text was found in its pictures.")
    reason = None
    if left_out := len(scans) - len(pages):
        reason = Reason(
            ReasonCode.LIMIT_EXCEEDED, f"Only the first {len(pages)} scanned pages were read.", {"left_out": left_out}
        )
    return lay(pages, {**facts, "scanned_pages": len(scans)}), reason


def _scaled(box: Box, by: float) -> Box:
    left, top, right, bottom = box
    return round(left * by, 1), round(top * by, 1), round(right * by, 1), round(bottom * by, 1)
