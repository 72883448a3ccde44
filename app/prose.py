"""Prose: a layer's own words as sentences and tokens, read once and shared by the analyzers that need them.

Only the person's own segments are read (`Segment.own`), and speech quoted inside them is set apart: what somebody else
said is neither a habit nor a fact of the writer. A leaf like `app.layers`: pure, no I/O, nothing heavy.

Quoted speech is recognised in double, low and angle quotation marks always, in single ones where they cannot be
apostrophes, and across paragraphs by the printers' convention (each further paragraph opens with the mark, only the
last closes it). Up to three words without a punctuation mark at their end are a term or an ironic word, which the
writer does say: "promo packet".
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import regex

from app.layers import Segment, TextLayer
from app.vocabulary import SegmentKind

Token = tuple[str, int, int]
Range = tuple[int, int]


def _set(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_LETTER = r"[\p{L}\p{M}--[\p{Han}\p{Hiragana}\p{Katakana}]]"
#: "e.g.", a word (inner apostrophes and hyphens belong to it), a figure, or one character of a script without spaces.
_WORD = regex.compile(
    rf"(?V1)\p{{L}}\.(?:\p{{L}}\.)+(?!\p{{L}})|{_LETTER}+(?:['\-‑]{_LETTER}+)*|\d+(?:[.,:]\d+)*|[\p{{Han}}\p{{Hiragana}}\p{{Katakana}}]"  # noqa: RUF001 - the non-breaking hyphen is meant
)
#: Addresses, targets of Markdown links and the marks that stand for masked addresses are nobody's words.
_MASK = regex.compile(
    r"<(?:mail|phone|ip|url)>|(?<=\])\([^()\n]*+\)|(?:https?://|www\.)\S*[^\s.,;:!?)\]\"'”»]"
    r"|(?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)+",
    flags=regex.IGNORECASE,
)
_MASK_HINT = regex.compile(r"[@<]|\]\(|://|www\.", flags=regex.IGNORECASE)

_QUOTE = regex.compile(
    r"“[^“”]*+(?:“[^“”]*+”[^“”]*+)*+”"
    r"|„[^„“”]*+[“”]"
    r"|«[^«»]*+»"
    r"|»[^«»]*+«"
    r'|(?<![\w"])"(?=\S)[^"]*+"'
    r"|(?<!\w)‘(?=\w)(?:[^‘’]|(?<=\w)’(?=\w))*+(?<!‘)’(?!\w)"  # noqa: RUF001 - single quotation marks are meant
    r"|(?<!\w)'(?=\w)(?:[^'\"]|(?<=\w)'(?=\w))*+(?<=[.,!?…])'(?!\w)"
)
_QUOTE_HINT = regex.compile("[“„«»\"‘']")  # noqa: RUF001 - as above
_TERM_WORDS = 3
#: Inside a quotation up to this many code points no sentence ends, so that evidence keeps both of its quotation marks.
_WHOLE_QUOTE = 400

_STOP = regex.compile(
    r"(?:(?<![.!?…])[.!?…]++|[。！？]++)(?:\[\d+\])?+[\"'”“»«)\]*_]*+"  # noqa: RUF001 - full-width stops are meant
    r"(?:\s*+(?:[:;]-?[)(DP]|\p{Extended_Pictographic}\uFE0F?))*(?=\s|$|(?<=[。！？]))"  # noqa: RUF001 - as above
)
_LINE = regex.compile(r"[^\S\n]*+\n\s*+")
_OPENING = regex.compile(r"[\s\"'“‘(\[*_-]*+")  # noqa: RUF001 - opening marks are meant
_NEXT = regex.compile(r"\s*+[\"'“”„«»‘’(\[*_—–-]*+\s*+(\S?)")  # noqa: RUF001 - as above
#: Read backwards from a full stop: the word it follows.
_LAST = regex.compile(r"(?r)[\p{L}\p{M}\d.]+")
_SPEECH_VERB = regex.compile(
    r"\s+(?:(?:I|he|she|we|they|[A-Z]\w+|the \w+) "
    r"(?:said|says|asked|cried|replied|answered|exclaimed|thought|wrote|added)\b|"
    r"(?:said|says|asked|cried|replied|answered|exclaimed) )"
)

#: Never the last word of a sentence.
_TITLES = _set(
    "mr mrs ms messrs dr prof rev hon gen col capt lt sgt gov sen rep pres st ste mt fr hr frl mme mlle mm sra srta "
    "vs cf viz fig figs vol vols pp eds al ca bzw vgl nr art abs bd ebd sog evtl ggf inkl approx dept adm cmdr supt esq"
)
#: The last word only where a capital letter follows.
_OFTEN_LAST = _set("etc inc ltd co corp jr sr bros usw am pm ave blvd feb jan aug sept oct nov dec vd ud")
#: Abbreviations before a figure, words otherwise.
_BEFORE_FIGURE = _set("no nos p art ch sec vol")

_FIRST_PERSON = {
    "en": _set("i me my mine myself i'm i've i'd i'll im ive we us our ours ourselves we're we've we'd we'll"),
    "de": _set(
        "ich mich mir mein meine meinem meinen meiner meines wir uns unser unsere unserem unseren unserer unseres"
    ),
    "fr": _set("je moi me mon ma mes mien mienne miens miennes nous notre nos nôtre nôtres"),
    "es": _set("yo me mi mis mí mío mía míos mías conmigo nosotros nosotras nos nuestro nuestra nuestros nuestras"),
}
_ELISIONS = ("j'", "m'")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the person's own segments, trimmed.

    Attributes:
        start: first code point in the layer.
        end: one past the last code point, closing marks included.
        segment: index into `layer.segments`.
        first: index of its first token in `Prose.tokens`.
        last: one past the index of its last token; equals `first` where all of it is quoted.
        quoted: somebody else's words: more of its letters stand inside quotation marks than outside.
    """

    start: int
    end: int
    segment: int
    first: int
    last: int
    quoted: bool

    @property
    def words(self) -> int:
        """Own words, those inside quotation marks left out."""
        return self.last - self.first


class Prose:
    """The own words of a layer. Built in one pass; make one per layer and pass it on.

    Attributes:
        layer: what was read.
        quoted: ranges of quoted speech inside own segments, in order, quotation marks included.
        own_text: the layer's text in lower case, offsets unchanged, with all that is not the person's blanked: other
            segments, addresses, quoted speech. It ends with the last own segment.
        tokens: (word in lower case with straight apostrophes, start, end) of every own word outside quoted speech.
        sentences: all sentences of own segments, in order, quoted ones marked.
    """

    def __init__(self, layer: TextLayer) -> None:
        self.layer = layer
        self._own = [(index, s) for index, s in enumerate(layer.segments) if s.own and s.end > s.start]
        text = _lowered(layer.text)
        if _MASK_HINT.search(text):
            text = _MASK.sub(lambda m: " " * len(m.group()), text)
        self._plain = text
        self.quoted: tuple[Range, ...] = tuple(_quotations(layer.text, [s for _, s in self._own]))
        self.own_text = self._own_text()
        self.tokens: list[Token] = [(m.group(), *m.span()) for m in _WORD.finditer(self.own_text)]
        self.sentences: tuple[Sentence, ...] = tuple(self._split())

    @property
    def own_word_count(self) -> int:
        """Own words outside quoted speech."""
        return len(self.tokens)

    @cached_property
    def first_person_rate(self) -> float:
        """First-person pronouns in 100 own words; English forms where the language is not known."""
        forms = _FIRST_PERSON.get(self.layer.language or "en", _FIRST_PERSON["en"])
        elided = self.layer.language == "fr"
        count = sum(1 for word, _, _ in self.tokens if word in forms or (elided and word.startswith(_ELISIONS)))
        return 100 * count / len(self.tokens) if self.tokens else 0.0

    def tokens_of(self, sentence: Sentence) -> list[Token]:
        """Own tokens of a sentence."""
        return self.tokens[sentence.first : sentence.last]

    def quoted_in(self, start: int, end: int) -> tuple[Range, ...]:
        """Quoted speech that touches the range."""
        first = bisect_left(self.quoted, start, key=lambda r: r[1] - 1)
        return self.quoted[first : bisect_left(self.quoted, end, key=lambda r: r[0])]

    def is_quoted(self, start: int, end: int) -> bool:
        """Whether the range touches quoted speech."""
        return bool(self.quoted_in(start, end))

    def sentence_at(self, position: int) -> Sentence | None:
        """The sentence that holds a code point; None between sentences."""
        index = bisect_left(self.sentences, position, key=lambda s: s.end - 1)
        found = self.sentences[index] if index < len(self.sentences) else None
        return found if found and found.start <= position else None

    def _own_text(self) -> str:
        kept: list[str] = []
        position = 0
        for start, end in _without([(s.start, s.end) for _, s in self._own], self.quoted):
            kept.append(" " * (start - position))
            kept.append(self._plain[start:end])
            position = end
        return "".join(kept)

    def _split(self) -> Iterator[Sentence]:
        starts = [token[1] for token in self.tokens]
        for index, segment in self._own:
            for start, end in _pieces(self.layer.text, self._plain, segment, self.layer.language, self.quoted):
                first, last = bisect_left(starts, start), bisect_left(starts, end)
                yield Sentence(start, end, index, first, last, self._mostly_quoted(start, end, first, last))

    def _mostly_quoted(self, start: int, end: int, first: int, last: int) -> bool:
        if not self.is_quoted(start, end):
            return False
        own = sum(len(word) for word, _, _ in self.tokens[first:last])
        return 2 * own < sum(len(m.group()) for m in _WORD.finditer(self._plain, start, end))


_read = threading.local()


def prose_of(layer: TextLayer) -> Prose:
    """The layer's prose, read once where several analyzers of a lane read the same layer one after another."""
    last: Prose | None = getattr(_read, "last", None)
    if last is None or last.layer is not layer:
        last = _read.last = Prose(layer)
    return last


def sentences(layer: TextLayer) -> list[Sentence]:
    """Sentences of the person's own segments; where more than these is needed, make a `Prose`."""
    return [*Prose(layer).sentences]


def own_words(layer: TextLayer) -> int:
    """Own words of a layer, quoted speech left out."""
    return Prose(layer).own_word_count


def mask_quotes(layer: TextLayer) -> list[Range]:
    """Ranges of quoted speech inside own segments."""
    return [*Prose(layer).quoted]


def words(text: str) -> Iterator[Token]:
    """(word in lower case with straight apostrophes, start, end) of any text; addresses and masks are left out."""
    plain = _MASK.sub(lambda m: " " * len(m.group()), _lowered(text))
    return ((m.group(), *m.span()) for m in _WORD.finditer(plain))


def _lowered(text: str) -> str:
    """Lower case with straight apostrophes and unchanged offsets (a few capitals lower to two code points)."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    return lowered.replace("’", "'")  # noqa: RUF001 - the curly apostrophe is meant


def _without(ranges: list[Range], holes: tuple[Range, ...]) -> Iterator[Range]:
    """Ranges with the holes cut out; both in order, every hole inside one range."""
    waiting = iter(holes)
    hole = next(waiting, None)
    for start, end in ranges:
        position = start
        while hole and hole[0] < end:
            yield position, hole[0]
            position = hole[1]
            hole = next(waiting, None)
        yield position, end


def _quotations(text: str, segments: list[Segment]) -> Iterator[Range]:
    if not _QUOTE_HINT.search(text):
        return
    for index, segment in enumerate(segments):
        position = segment.start
        for match in _QUOTE.finditer(text, segment.start, segment.end):
            position = match.end()
            if _is_speech(match.group()[1:-1]):
                yield match.span()
        following = segments[index + 1] if index + 1 < len(segments) else None
        opened = _left_open(text, position, segment, following)
        if opened >= 0:
            yield opened, segment.end


def _is_speech(inner: str) -> bool:
    inner = inner.strip()
    return bool(inner) and (inner[-1] in ".,!?…;—-" or len(inner.split()) > _TERM_WORDS)


def _left_open(text: str, position: int, segment: Segment, following: Segment | None) -> int:
    """Where a quotation opens that the segment does not close; -1 where there is none.

    A mark that only opens is believed even where nothing follows it: better to miss own words than to take another's
    for own.
    """
    marks = [found for mark in "“„«" if (found := text.find(mark, position, segment.end)) >= 0]
    if marks:
        return min(marks)
    found = text.find('"', position, segment.end)
    continues = following is not None and text.startswith('"', following.start)
    return found if found >= 0 and continues else -1


def _pieces(
    text: str, plain: str, segment: Segment, language: str | None, quoted: tuple[Range, ...]
) -> Iterator[Range]:
    """Trimmed ranges of a segment's sentences; what holds no word is joined to the sentence before it."""
    pending: Range | None = None
    start = segment.start
    for end in [*_ends(text, plain, segment, language, quoted), segment.end]:
        low, high = start, end
        while low < high and text[low].isspace():
            low += 1
        while high > low and text[high - 1].isspace():
            high -= 1
        start = end
        if low == high:
            continue
        if _WORD.search(plain, low, high):
            if pending:
                yield pending
            pending = (low, high)
        elif pending:
            pending = (pending[0], high)
    if pending:
        yield pending


def _ends(text: str, plain: str, segment: Segment, language: str | None, quoted: tuple[Range, ...]) -> list[int]:
    """Where sentences of a segment end, the last one left out."""
    # Chat and transcripts often go on in lower case after a full stop, and so do writers who never use capitals.
    spoken = segment.kind in {SegmentKind.MESSAGE, SegmentKind.UTTERANCE}
    lower = spoken or not any(map(str.isupper, text[segment.start : segment.end]))
    ends = []
    begin = segment.start
    for match in _STOP.finditer(plain, segment.start, segment.end):
        end = match.end()
        if not _inside(match.start(), end, quoted) and _ends_here(text, begin, match, language, lower=lower):
            ends.append(end)
            begin = end
    if segment.kind is SegmentKind.MESSAGE:
        ends = sorted({*ends, *(m.start() for m in _LINE.finditer(text, segment.start, segment.end))})
    return ends


def _inside(start: int, end: int, quoted: tuple[Range, ...]) -> bool:
    """Whether a stop lies inside a short quotation that goes on after it."""
    index = bisect_left(quoted, start, key=lambda r: r[1] - 1)
    if index == len(quoted):
        return False
    low, high = quoted[index]
    return low < start and end < high and high - low <= _WHOLE_QUOTE


def _ends_here(text: str, begin: int, match: regex.Match[str], language: str | None, *, lower: bool) -> bool:
    stop = match.group()
    after = _NEXT.match(text, match.end())
    follows = after.group(1) if after else ""
    if stop[0] == "." and not stop.startswith("..") and _abbreviates(text, begin, match.start(), follows, language):
        return False
    if stop[-1] in "\"'”’»" and _SPEECH_VERB.match(text, match.end()):  # noqa: RUF001 - closing marks are meant
        return False
    if follows.islower():
        return lower and not stop.startswith(("..", "…"))
    return True


def _abbreviates(text: str, begin: int, stop: int, follows: str, language: str | None) -> bool:
    """Whether the full stop belongs to the word before it, or to the number of a list."""
    found = _LAST.match(text, begin, stop)
    if found is None or text[found.start() - 1 : found.start()] in {"/", ":", "@"}:
        return False
    last = found.group()
    word = last.lower().replace(".", "")
    opening = _OPENING.match(text, begin, found.start())
    if opening and opening.end() == found.start() and (len(last) == 1 or last.isdigit()):
        return True
    if word in _OFTEN_LAST:
        return not follows.isupper()
    if len(word) == 1 and word.isalpha() and last != "I":
        return last.isupper() or follows.isdigit()
    dotted = "." in last and all(len(part) <= 2 for part in last.split("."))
    ordinal = language == "de" and last.isdigit() and len(last) <= 2
    return dotted or ordinal or word in _TITLES or (word in _BEFORE_FIGURE and follows.isdigit())
