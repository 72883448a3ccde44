"""Plain text files: paragraphs, headings, quotations, verse, lists, tables, letters, mapped onto the text as it is."""

from __future__ import annotations

import csv
import re
from collections import Counter
from typing import Any

from app.errors import Refusal
from app.layers import Segment, TextLayer
from app.perception import letters
from app.perception.blocks import blocks, mark_stanzas
from app.perception.encodings import decode
from app.perception.reading import Reading
from app.vocabulary import ReasonCode, Register, SegmentKind

#: Code points that tell whether a file holds data and not prose.
SAMPLE = 20_000
#: Rows of the shortest table that is recognised as a whole file.
ROWS = 5

_JSON_START = re.compile(r'\s*(?:\{\s*"|\{\s*\}|\[\s*[\[{"\]\d]|\[+)')
_JSON_MARKS = re.compile(r'[{}\[\]:",]')
_CHAT_LINE = re.compile(
    r"[\u200e\u202a]?\[?\d{1,4}[./-]\d{1,2}[./-]\d{2,4},?\s+\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:\s*[ap]\.?m\.?)?\]?"
    r"\s*(?:[-\u2013]\s*)?[^:\n]{1,60}: ",
    re.IGNORECASE,
)


def read(data: bytes) -> Reading:
    """Read a text file. A UTF-8 file's text is the layer's text, line ends apart.

    Raises:
        Refusal: corrupt, or unsupported_type for a chat export, in which most words are other people's.
    """
    decoded = decode(data)
    facts: dict[str, Any] = {"encoding": decoded.encoding}
    if decoded.repaired:
        facts["repaired_bytes"] = decoded.repaired
    return layer(decoded.text, facts), None


def layer(text: str, facts: dict[str, Any]) -> TextLayer:
    """The text with its segment map; `facts` gets what the text says about itself."""
    _refuse_chats(text)
    if kind := _data_kind(text):
        start, end = len(text) - len(text.lstrip()), len(text.rstrip())
        return TextLayer(text, segments=(Segment(start, end, kind),) if end > start else (), facts=facts)
    found = blocks(text)
    if letters.mark(text, found):
        facts["register"] = str(Register.LETTERS_DIARIES)
    mark_stanzas(text, found)
    return TextLayer(text, segments=tuple(block.segment() for block in found), facts=facts)


def _refuse_chats(text: str) -> None:
    lines = [line for line in text[:SAMPLE].split("\n") if line.strip()]
    if len(lines) > 2 and sum(_CHAT_LINE.match(line) is not None for line in lines) > 0.5 * len(lines):
        raise Refusal(
            ReasonCode.UNSUPPORTED_TYPE,
            "This is a chat export, in which most words are other people's; chats are not read yet.",
        )


def _data_kind(text: str) -> SegmentKind | None:
    """Whether a whole file is data: JSON is code, delimited columns are a table."""
    sample = text[:SAMPLE]
    if _JSON_START.match(sample) and len(_JSON_MARKS.findall(sample)) > 0.06 * len(sample):
        return SegmentKind.CODE
    lines = [line for line in sample.split("\n") if line.strip()]
    if len(text) > SAMPLE:
        lines = lines[:-1]
    if len(lines) >= ROWS and any(_is_delimited(lines, mark) for mark in "\t;|,"):
        return SegmentKind.TABLE
    return None


def _is_delimited(lines: list[str], mark: str) -> bool:
    """Whether the lines have columns: the same number in nearly all of them, and the first names them."""
    if mark not in lines[0]:
        return False
    try:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=mark))
    except csv.Error:
        return False
    columns, count = widths.most_common(1)[0]
    return columns > 1 and count >= 0.9 * widths.total() and lines[0].rstrip()[-1] not in ".!?"
