"""Pictures of text to text, by Tesseract through pytesseract: paragraphs with boxes, words with confidences.

pytesseract hands pictures over as files. They lie in memory: in `/dev/shm`, which the sandboxed child sees as a folder
of its own that is gone with it. Where there is no such folder nothing is recognised.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytesseract  # type: ignore[import-untyped] # it ships no types
from PIL import Image
from pytesseract import Output, TesseractError, TesseractNotFoundError

from app.errors import Refusal
from app.layers import Box, Segment, TextLayer
from app.perception.blocks import is_list_item, is_title, shape_of
from app.perception.language import identify
from app.vocabulary import ReasonCode, SegmentKind

#: Pixels that Tesseract gets at most; a 300 dpi A4 page has 8.7 million.
MOST_PIXELS = 16_000_000
#: Pixels of the longer side below which text is likely too small for Tesseract, which wants capitals of 20 and more.
SMALL_SIDE = 1200
LARGEST_ZOOM = 3.0
#: Seconds for one page.
PAGE_SECONDS = 40
#: Confidence in percent below which one or two characters are noise, as drawings and textures give.
NOISE = 60.0
#: Mean confidence in percent below which what was found is no text: photographs give 20 to 50, clean print above 90.
LEAST_CONFIDENCE = 55.0
#: Plausible words below which a picture holds no text, and the confidence in percent that makes one plausible.
LEAST_WORDS, PLAUSIBLE = 2, 60.0

MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - memory, in the sandbox a mount of its own
INSTALL = "apt-get install tesseract-ocr"
#: Tesseract's names of languages, by ISO 639-1; one is used where its data is installed.
_LANGUAGES = dict(
    pair.split("=")
    for pair in (
        *("de=deu", "fr=fra", "es=spa", "it=ita", "pt=por", "nl=nld", "pl=pol", "sv=swe", "da=dan", "no=nor", "fi=fin"),
        *("cs=ces", "hu=hun", "ro=ron", "tr=tur", "ru=rus", "uk=ukr", "el=ell"),
    )
)

Word = tuple[int, int, Box, float]


@dataclass(slots=True)
class Paragraph:
    r"""A recognised paragraph.

    Attributes:
        text: its lines, parted by `\n`; a word that was broken at a line's end is whole again.
        kind: by the shape of its lines.
        box: of all its words, pixels of the picture.
        confidence: mean over its characters, 0 to 1.
        words: (start, end, box, confidence 0 to 1), offsets in `text`.
    """

    text: str = ""
    kind: SegmentKind = SegmentKind.PARAGRAPH
    words: list[Word] = field(default_factory=list)

    @property
    def box(self) -> Box:
        """Around all words."""
        left, top, right, bottom = zip(*(box for _, _, box, _ in self.words), strict=True)
        return min(left), min(top), max(right), max(bottom)

    @property
    def confidence(self) -> float:
        """Mean over characters, 0 to 1."""
        return sum((end - start) * sure for start, end, _, sure in self.words) / sum(e - s for s, e, _, _ in self.words)


def recognise(picture: Image.Image) -> list[Paragraph]:
    """Read a picture: English first, again in the language it turns out to be in where Tesseract has it.

    Args:
        picture: one page, mode "L".

    Returns:
        Paragraphs in reading order; none where no text is found.

    Raises:
        Refusal: model_missing (no Tesseract, no memory-backed folder), timed_out, or corrupt where Tesseract gives up.
    """
    installed = languages()
    zoom = _zoom(picture.size)
    if zoom != 1:
        size = (max(1, round(picture.width * zoom)), max(1, round(picture.height * zoom)))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    found = _paragraphs(_tesseract(picture, "eng" if "eng" in installed else installed[0]), zoom)
    if not found:
        return []
    text = "\n".join(paragraph.text for paragraph in found)
    better = _LANGUAGES.get(identify(text, [(0, len(text))]) or "")
    if better in installed:
        found = _paragraphs(_tesseract(picture, better), zoom) or found
    return found


def lay(pages: list[tuple[int, list[Paragraph]]], facts: dict[str, Any]) -> TextLayer:
    """Lay recognised pages one after another.

    Args:
        pages: (page number from 1, its paragraphs).
        facts: what the layer says about itself.
    """
    texts: list[str] = []
    segments: list[Segment] = []
    words: list[tuple[int, int, int, Box, float]] = []
    position = 0
    for page, paragraphs in pages:
        for paragraph in paragraphs:
            end = position + len(paragraph.text)
            sure = round(paragraph.confidence, 3)
            segments.append(Segment(position, end, paragraph.kind, page=page, box=paragraph.box, confidence=sure))
            words += ((position + s, position + e, page, box, round(c, 2)) for s, e, box, c in paragraph.words)
            texts.append(paragraph.text)
            position = end + 2
    return TextLayer("\n\n".join(texts), kind="ocr", segments=tuple(segments), words=tuple(words), facts=facts)


@cache
def languages() -> tuple[str, ...]:
    """What Tesseract can read here.

    Raises:
        Refusal: model_missing.
    """
    try:
        found = tuple(name for name in pytesseract.get_languages() if name != "osd")
    except (TesseractNotFoundError, TesseractError, OSError):
        found = ()
    if not found:
        raise Refusal(
            ReasonCode.MODEL_MISSING,
            f"Text in pictures needs Tesseract, which is not installed: {INSTALL}",
            command=INSTALL,
        )
    return found


def _zoom(size: tuple[int, int]) -> float:
    longer, pixels = max(size), size[0] * size[1]
    if pixels > MOST_PIXELS:
        return float((MOST_PIXELS / pixels) ** 0.5)
    return min(LARGEST_ZOOM, SMALL_SIDE / longer) if longer < SMALL_SIDE else 1.0


@contextmanager
def _in_memory() -> Iterator[None]:
    """Temporary files go to memory, or nowhere."""
    if not (MEMORY_FOLDER.is_mount() and os.access(MEMORY_FOLDER, os.W_OK)):
        raise Refusal(
            ReasonCode.MODEL_MISSING,
            f"Text in pictures needs a memory-backed folder at {MEMORY_FOLDER}: mount a tmpfs there.",
        )
    before = tempfile.tempdir
    folder = MEMORY_FOLDER / f"echosphere-page-{os.getpid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
        shutil.rmtree(folder, ignore_errors=True)


def _tesseract(picture: Image.Image, language: str) -> dict[str, list[Any]]:
    picture.format = "PPM"  # pytesseract would pack it as PNG, which takes longer than reading it
    try:
        with _in_memory():
            table: dict[str, list[Any]] = pytesseract.image_to_data(
                picture, lang=language, config="--dpi 300", timeout=PAGE_SECONDS, output_type=Output.DICT
            )
    except TesseractError as error:
        raise Refusal(ReasonCode.CORRUPT, "Tesseract gave up on this picture.", status=error.status) from error
    except RuntimeError as error:
        raise Refusal(
            ReasonCode.TIMED_OUT, f"Reading one page took longer than {PAGE_SECONDS} s: try a smaller picture."
        ) from error
    return table


def _paragraphs(table: dict[str, list[Any]], zoom: float) -> list[Paragraph]:
    columns = ("block_num", "par_num", "line_num", "left", "top", "width", "height", "conf", "text")
    rows = [
        row
        for row in zip(*(table[name] for name in columns), strict=True)
        if str(row[8]).strip() and (float(row[7]) >= NOISE or sum(map(str.isalnum, row[8])) > 2)
    ]
    if not _is_text(rows):
        return []
    found = []
    for _, paragraph in groupby(rows, itemgetter(0, 1)):
        found.append(_paragraph([list(line) for _, line in groupby(paragraph, itemgetter(2))], zoom))
    for above, below in pairwise(found):
        if above.kind is SegmentKind.PARAGRAPH and len(below.text) > len(above.text) and is_title(above.text):
            above.kind = SegmentKind.HEADING
    _mark_verse(found)
    return found


def _mark_verse(found: list[Paragraph]) -> None:
    """Tesseract breaks a poem into paragraphs as it likes: its lines are looked at together."""
    for prose, run in groupby(found, lambda paragraph: paragraph.kind is SegmentKind.PARAGRAPH):
        poem = [*run]
        if prose and shape_of("\n".join(paragraph.text for paragraph in poem).split("\n")) is SegmentKind.VERSE:
            for paragraph in poem:
                paragraph.kind = SegmentKind.VERSE


def _is_text(rows: list[tuple[Any, ...]]) -> bool:
    """Whether Tesseract is sure enough: textures of photographs give it single letters and marks."""
    letters = sum(len(row[8]) for row in rows)
    mean = sum(float(row[7]) * len(row[8]) for row in rows) / letters if letters else 0.0
    plausible = sum(float(row[7]) >= PLAUSIBLE and sum(map(str.isalpha, row[8])) >= 2 for row in rows)
    return mean >= LEAST_CONFIDENCE and plausible >= LEAST_WORDS


def _paragraph(lines: list[list[tuple[Any, ...]]], zoom: float) -> Paragraph:
    result = Paragraph()
    parts: list[str] = []
    position = 0
    for number, line in enumerate(lines):
        for index, (*_, left, top, width, height, sure, text) in enumerate(line):
            if index or number:
                broken = not index and parts[-1][-1:] in "-=¬⸗" and len(parts[-1]) > 1 and text[:1].islower()
                if broken:
                    parts[-1] = parts[-1][:-1]
                    position -= 1
                    start, end, box, confidence = result.words[-1]
                    result.words[-1] = (start, end - 1, box, confidence)
                gap = "" if broken else " " if index else "\n"
                parts.append(gap)
                position += len(gap)
            box = (left / zoom, top / zoom, (left + width) / zoom, (top + height) / zoom)
            result.words.append((position, position + len(text), box, float(sure) / 100))
            parts.append(text)
            position += len(text)
    result.text = "".join(parts)
    shown = result.text.split("\n")
    result.kind = shape_of(shown) or (SegmentKind.LIST_ITEM if is_list_item(shown[0]) else SegmentKind.PARAGRAPH)
    return result
