"""Plain text as blocks: what the shape of its lines says each stretch is.

A block is a paragraph, a heading, a list item, a stanza: the smallest stretch with one kind. Lines that were only
wrapped belong to one paragraph; lines that stand for themselves are blocks of their own. Every block is a range of the
text, which stays as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from app.layers import Segment
from app.vocabulary import SegmentKind

Range = tuple[int, int]

#: Code points of a line beyond which nobody wrapped it by hand or program.
LONGEST_WRAPPED = 100
#: Code points of the narrowest column that prose is wrapped to.
NARROWEST_WRAPPED = 40
#: Code points and words of the longest heading.
HEADING_LENGTH, HEADING_WORDS = 80, 12
#: Code points of a paragraph that a heading without other signs may stand above.
BODY_LENGTH = 80
#: Lines of the shortest stanza.
STANZA = 4

_LIST = re.compile(r"(?:[-*•‣▪◦]|\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)])[ \t]+[\w\"'(\[*_\u201c\u2018\u00ab\u201e]")
_CODE = re.compile(
    r"(?:def|class|import|from \S+ import|#include|function|var|let|const|public|private|return|SELECT|INSERT|\$ )\b"
    r"|.*[;{}]\s*$|</?[a-z][^>]*>\s*$"
)
_TABLE = re.compile(r"\S(?:\t+| {3,}|\s*\|\s*)\S")
_RULE = re.compile(r"[\s*\-_=~#.•·\u2014\u2013+]*$")
_PAGE = re.compile(
    r"[\[({\u2013\u2014\-\s]*(?:page|pg\.?|p\.|seite|s\.)?\s*\d{1,4}[\])}\u2013\u2014\-\s.]*$", re.IGNORECASE
)
_FOOTNOTE = re.compile(r"\[?(?:footnote|note|fn|anm\.)\s*\d*[\]:.]|\[\d{1,3}\]\s*\S|[¹²³⁴-⁹†‡]\s*\S", re.IGNORECASE)
_LICENCE = re.compile(
    r"project gutenberg|permission is hereby granted|all rights reserved|creative commons|licen[sc]ed under"
    r"|this e-?book is for the use of|produced by .{0,80}(?:team|distributed|proofread)|copyright (?:©|\(c\)|\d{4})|^©"
    r"|this (?:e-?mail|message).{0,80}(?:confidential|intended (?:only )?for)|character set encoding:",
    re.IGNORECASE | re.DOTALL,
)
#: One of these stands in every such text; looking for them first is thirty times faster.
_LICENCE_HINTS = (
    *("gutenberg", "permission is hereby", "rights reserved", "creative commons", "licensed under", "licenced under"),
    *("e-book is", "ebook is", "produced by", "copyright", "©", "confidential", "intended for", "intended only"),
    "character set encoding",
)
_GUTENBERG = re.compile(r"^\*\*\* ?(START|END) OF TH.*$", re.MULTILINE)
_CHAPTER = re.compile(
    r"(?:chapter|book|part|section|letter|volume|appendix|kapitel|teil|buch|chapitre|livre|partie|cap[ií]tulo|parte|libro)\b"
    r"[\s.:]*(?:[ivxlc]+|\d+|one|two|three|four|five|six|seven|eight|nine|ten)?\b.{0,60}$"
    r"|(?:preface|introduction|contents|prologue|epilogue|vorwort|inhalt|préface|prólogo)\W*$"
    r"|[ivxlc]{1,7}\.?$",
    re.IGNORECASE,
)
_APOSTROPHE = "['\u2019]"
_SINGULAR = (
    rf"\bI(?:{_APOSTROPHE}\w+)?\b|\b(?:me|my|mine|myself|ich|mich|mir|meine?[mnrs]?|je|j{_APOSTROPHE}|moi|mes|yo)\b"
)
_FIRST_PERSON = re.compile(_SINGULAR)
_FIRST_PERSONS = re.compile(
    _SINGULAR + r"|\b(?:[Ww]e|us|[Oo]urs?|[Ww]ir|uns|[Uu]nsere?|[Nn]ous|[Nn]osotros|[Mm]y|[Mm]eine?|[Mm]es|[Jj]e)\b"
)
_QUOTED = re.compile(r"“[^”]*(?:”|$)|\"[^\"]*(?:\"|$)|«[^»]*(?:»|$)|„[^“”]*(?:[“”]|$)")
_WORDS = re.compile(r"[^\W\d_]+")


@dataclass(slots=True)
class Block:
    """A stretch of lines with one kind.

    Attributes:
        start: first code point, white space left out.
        end: one past the last code point.
        kind: what it is; `PARAGRAPH` until something says otherwise.
        lines: how many.
        author: as in `Segment`.
        date: as in `Segment`.
    """

    start: int
    end: int
    kind: SegmentKind = SegmentKind.PARAGRAPH
    lines: int = 1
    author: str | None = None
    date: str | None = None

    def __len__(self) -> int:
        return self.end - self.start

    def segment(self) -> Segment:
        """The block in a layer."""
        return Segment(self.start, self.end, self.kind, author=self.author, date=self.date)


def blocks(text: str) -> list[Block]:
    """All blocks of a text, in order, with the kinds that their shapes and places say."""
    runs = list(_runs(text))
    shape = _Shape(text, runs)
    found = [block for run in runs for block in shape.read(run)]
    _mark_boilerplate(text, found)
    _mark_headings(text, found)
    return found


def shape_of(lines: list[str]) -> SegmentKind | None:
    """What a run of trimmed lines is as a whole, where its shape says so; None for prose and lists."""
    return next((kind for shape, kind in _WHOLE if shape(lines)), None)


def is_list_item(line: str) -> bool:
    """Whether a line begins with a bullet or a number."""
    return _LIST.match(line) is not None


def is_title(line: str) -> bool:
    """Whether a short line reads as a heading, where text of another size or a paragraph follows it."""
    return len(line) <= HEADING_LENGTH and (_CHAPTER.match(line) is not None or _reads_as_title(line))


def speaks_of_itself(content: str, *, plural: bool = True) -> bool:
    """Whether it says "I", or "we" where `plural`, outside quotation marks."""
    return bool((_FIRST_PERSONS if plural else _FIRST_PERSON).search(_QUOTED.sub(" ", content)))


def _runs(text: str) -> Iterator[list[Range]]:
    """Ranges of lines that no empty line parts, trimmed at the right."""
    run: list[Range] = []
    position = 0
    for line in text.split("\n"):
        if kept := len(line.rstrip()):
            run.append((position, position + kept))
        elif run:
            yield run
            run = []
        position += len(line) + 1
    if run:
        yield run


class _Shape:
    """Tells what a run of lines is, beside how the rest of the text is laid out."""

    def __init__(self, text: str, runs: list[list[Range]]) -> None:
        self.text = text
        lengths = [end - start for run in runs if len(run) > 1 for start, end in run]
        fitting = sorted(length for length in lengths if length <= LONGEST_WRAPPED)
        #: Column that the text is wrapped to.
        self.width = max(NARROWEST_WRAPPED, fitting[int(len(fitting) * 0.95)] if fitting else 0)
        indents = Counter(self._indent(run) for run in runs)
        self.indent = indents.most_common(1)[0][0] if indents else 0

    def read(self, run: list[Range]) -> Iterator[Block]:
        lines = [self.text[start:end].strip() for start, end in run]
        if kind := shape_of(lines):
            yield self._block(run, kind)
        elif any(map(_LIST.match, lines)):
            yield from self._list(run, lines)
        elif any(line.startswith(">") for line in lines):
            yield from self._quoted(run, lines)
        elif len(run) == 1:
            yield self._block(run, SegmentKind.PARAGRAPH)
        elif self._wrapped(lines):
            set_in = self._indent(run) >= self.indent + 2
            yield self._block(run, SegmentKind.QUOTATION if set_in else SegmentKind.PARAGRAPH)
        else:
            yield from (self._block([line], SegmentKind.PARAGRAPH) for line in run)

    def _block(self, run: list[Range], kind: SegmentKind) -> Block:
        start = run[0][0]
        while self.text[start].isspace():
            start += 1
        return Block(start, run[-1][1], kind, len(run))

    def _indent(self, run: list[Range]) -> int:
        return min(end - start - len(self.text[start:end].lstrip()) for start, end in run)

    def _wrapped(self, lines: list[str]) -> bool:
        """Whether most lines end where the next word would not have fitted."""
        if max(map(len, lines)) > LONGEST_WRAPPED:
            return False
        full = sum(
            len(line) + 1 + len(following.split(maxsplit=1)[0]) > 0.85 * self.width
            for line, following in pairwise(lines)
        )
        return full >= 0.7 * (len(lines) - 1)

    def _list(self, run: list[Range], lines: list[str]) -> Iterator[Block]:
        """Items with the lines that go on under them; lines before the first item are a paragraph."""
        kind, begin = SegmentKind.PARAGRAPH, 0
        for index, line in enumerate(lines):
            if _LIST.match(line):
                if index > begin:
                    yield self._block(run[begin:index], kind)
                kind, begin = SegmentKind.LIST_ITEM, index
        yield self._block(run[begin:], kind)

    def _quoted(self, run: list[Range], lines: list[str]) -> Iterator[Block]:
        """Lines marked as quoted, apart from those that are not."""
        begin = 0
        for index in range(1, len(lines) + 1):
            quoted = lines[begin].startswith(">")
            if index == len(lines) or lines[index].startswith(">") != quoted:
                yield self._block(run[begin:index], SegmentKind.QUOTATION if quoted else SegmentKind.PARAGRAPH)
                begin = index


def _is_rule(lines: list[str]) -> bool:
    return len(lines) == 1 and (_RULE.match(lines[0]) is not None or _PAGE.match(lines[0]) is not None)


def _is_underlined(lines: list[str]) -> bool:
    return len(lines) == 2 and len(lines[0]) <= HEADING_LENGTH and re.fullmatch(r"([=\-~])\1{2,}", lines[1]) is not None


def _is_editorial(lines: list[str]) -> bool:
    if _FOOTNOTE.match(lines[0]):
        return True
    first, last = lines[0], lines[-1].rstrip(".")
    return first.startswith("[") and last.endswith("]") and "]" not in " ".join([*lines[:-1], last])[1:-1]


def _is_table(lines: list[str]) -> bool:
    return len(lines) > 2 and sum(_TABLE.search(line) is not None for line in lines) >= 0.8 * len(lines)


def _is_code(lines: list[str]) -> bool:
    return len(lines) > 1 and sum(_CODE.match(line) is not None for line in lines) >= 0.6 * len(lines)


def _is_stanza(lines: list[str]) -> bool:
    """Short lines that begin with capitals and often end with a mark, but not each with a full stop."""
    if len(lines) < STANZA or max(map(len, lines)) > 65 or any(map(_LIST.match, lines)):
        return False
    capitals = sum(map(_capital, lines))
    words = sum(len(line.split()) for line in lines) / len(lines)
    marked = sum(line[-1] in ',;:.!?—-”"' for line in lines) / len(lines)
    ended = sum(line[-1] in ".!?" for line in lines) / len(lines)
    return capitals >= 0.85 * len(lines) and words >= 3.5 and marked >= 0.3 and ended <= 0.6


def _capital(line: str) -> bool:
    return line.lstrip("“\"'‘«„([_&")[:1].isupper()  # noqa: RUF001 - opening quotation marks are meant


#: What a run of lines is as a whole; the first that fits.
_WHOLE: tuple[tuple[Callable[[list[str]], bool], SegmentKind], ...] = (
    (_is_rule, SegmentKind.FURNITURE),
    (_is_underlined, SegmentKind.HEADING),
    (_is_editorial, SegmentKind.EDITORIAL),
    (_is_code, SegmentKind.CODE),
    (_is_table, SegmentKind.TABLE),
    (_is_stanza, SegmentKind.VERSE),
)


def _mark_boilerplate(text: str, found: list[Block]) -> None:
    begin, end = 0, len(text)
    for marker in _GUTENBERG.finditer(text):
        if marker[1] == "START":
            begin = marker.end()
        else:
            end = min(end, marker.start())
    lowered = text.lower()
    licensed = any(hint in lowered for hint in _LICENCE_HINTS)
    for block in found:
        outside = block.end <= begin or block.start >= end
        if outside or (licensed and _LICENCE.search(text, block.start, block.end)):
            block.kind = SegmentKind.BOILERPLATE


def mark_stanzas(text: str, found: list[Block]) -> None:
    """Find verse of which each line is a paragraph, and take out what opens with a quotation mark: it is another's."""
    begin = 0
    for index in range(len(found) + 1):
        block = found[index] if index < len(found) else None
        if block and block.kind is SegmentKind.PARAGRAPH and block.lines == 1 and len(block) <= 60:
            continue
        lines = found[begin:index]
        if _is_stanza([text[line.start : line.end] for line in lines]):
            for line in lines:
                line.kind = SegmentKind.VERSE
        begin = index + 1
    quoted = False
    for block in found:
        if block.kind is SegmentKind.VERSE:
            quoted = quoted or text[block.start] in '“"«„'
            if quoted:
                block.kind = SegmentKind.QUOTATION
                quoted = text[block.end - 1] not in '”"»“' and block.lines == 1
        else:
            quoted = False


def _mark_headings(text: str, found: list[Block]) -> None:
    above_body = False
    for block in reversed(found):
        if block.kind is SegmentKind.PARAGRAPH and block.lines == 1 and len(block) <= HEADING_LENGTH:
            line = text[block.start : block.end]
            if _CHAPTER.match(line) or (above_body and _reads_as_title(line)):
                block.kind = SegmentKind.HEADING
        above_body = block.kind is SegmentKind.HEADING or len(block) >= BODY_LENGTH


def _reads_as_title(line: str) -> bool:
    """Capitals on all words that matter, no mark at the end, nobody speaking."""
    words = _WORDS.findall(line)
    if not words or len(words) > HEADING_WORDS or line[-1] in ".,;:!?…—-" or not _capital(line):
        return False
    long = [word for word in words if len(word) > 3]
    return (
        bool(long) and sum(word[0].isupper() for word in long) >= 0.75 * len(long) and not _FIRST_PERSONS.search(line)
    )
