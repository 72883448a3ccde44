"""Letters and dated diaries: who wrote which part of a text, and when.

A collection of letters is recognised by its date lines. Each letter takes the date of its own; addresses, greetings and
closings are no prose; what an editor says between two letters is not the writer's; a letter that somebody else signed
is that person's. A single letter is recognised by its greeting.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from app.layers import Segment
from app.perception import dates
from app.perception.blocks import Block, speaks_of_itself
from app.vocabulary import SegmentKind

#: Code points of the longest date line, greeting or closing.
LINE_LENGTH = 90
#: Code points of the longest signature.
NAME_LENGTH = 50
#: Date lines from which a text is a collection, whatever else it holds.
COLLECTION = 3
#: Letters of a collection from which the text before the first one is an introduction.
BOOK = 5

_GREETING = re.compile(
    r"(?:(?:my|our|own|very|most|mon|ma|mein|meine|mi) )*"
    r"(?:dear(?:est)?|beloved|hello|hi|hey|good (?:morning|evening)|sir|madam|liebe[rs]?|liebste[rs]?|hallo"
    r"|sehr geehrte[rs]?|ch[eè]re?s?|bonjour|querid[oa]s?|estimad[oa]s?|hola)\b[^?!]{0,50}$",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:with|from|yours?|very|ever|always|believe me|i remain|i am,|lovingly|affectionate|sincere|faithful|truly"
    r"|respectful|good-?bye|farewell|adieu|love|kisses|best|kind|warm|cheers|regards|thank(?:s|ing you)|hugs|until"
    r"|herzlich|viele|liebe gr|mit |dein|deine|ihr|euer|gru(?:ß|ss)|bis bald|amiti|bien |cordial|bises"
    r"|je t['\u2019]embrasse|un abrazo|abrazos|besos|tu |con |saludos|atentamente)",
    re.IGNORECASE,
)
#: What a sentence has and a farewell has not.
_VERB = re.compile(r"\b(?:is|was|are|were|has|have|had|will|ist|war|sind|hat|est|sont|es|son)\b")
_NAME = re.compile(r"(?:\(signed\) )?[A-ZÀ-Þ][\w'\u2019.-]*(?: [\w'\u2019.-]+){0,5}\W*")
_NAME_WORDS = frozenset({"von", "van", "de", "la", "der", "of", "y", "signed"})
_POSTSCRIPT = re.compile(r"P\.? ?S\.?\W", re.IGNORECASE)
_RECIPIENT = re.compile(r"(?:To|An|À|Al?|Letter (?:to|from)) (?:[a-zäöüß]+ ){0,3}[A-ZÄÖÜÉ]")
_REPLY = re.compile(
    r"(?P<name>[^?!\u201c\u201d\"]{2,40}?)['\u2019]s? (?:reply|answer|letter)\W*$"
    r"|(?:reply|answer|letter) (?:of|from) (?P<other>.{2,60})$",
    re.IGNORECASE,
)
_UNSIGNED = re.compile(r"\[?(?:no|without) signature\W*$|\[unsigned\W*$", re.IGNORECASE)
_THIRD_PERSON = re.compile(
    r"\b(?:she|her|he|his|him|miss|mrs|mr|dr|sie|er|ihr|ihre|elle|il|lui|ella|él)\b", re.IGNORECASE
)
#: Words in small letters that stand in a date line beside names of places.
_PLACE_WORDS = frozenset(
    (
        *("at", "the", "of", "de", "la", "le", "les", "den", "dem", "der", "die", "am", "im", "in", "à", "near", "on"),
        *("du", "und", "and", "for", "el", "los", "y", "morning", "afternoon", "evening", "night", "noon", "ce"),
        *("inst", "street", "st", "road", "avenue", "hotel"),
    )
)
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(slots=True)
class _Letter:
    blocks: list[Block] = field(default_factory=list)
    date: str | None = None
    author: str | None = None
    signature: str = ""
    signed: bool = False


def mark(text: str, found: list[Block]) -> bool:
    """Give the blocks of letters their kinds, dates and authors, where the text is made of letters.

    Args:
        text: the whole text.
        found: its blocks, changed in place.

    Returns:
        Whether it is: the register of letters and diaries.
    """
    heads = [_date_line(text, block) for block in found]
    count = sum(head is not None for head in heads)
    greeted = any(is_greeting(text[block.start : block.end]) for block in found[:4])
    if count < COLLECTION and not greeted:
        return False
    letters = _Reader(text, found, heads).read()
    main = _main_name(letters)
    for letter in letters:
        other = letter.author or _somebody_else(letter.signature, main)
        for block in letter.blocks:
            block.date = letter.date or block.date
            if block.kind is not SegmentKind.EDITORIAL:
                block.author = block.author or other
    if count >= BOOK:
        _mark_introduction(text, found, letters)
    return True


def mark_segments(text: str, segments: Iterable[Segment]) -> tuple[tuple[Segment, ...], bool]:
    """As `mark`, for documents that are no plain text: the segments anew, and whether they are letters."""
    before = [*segments]
    found = [Block(s.start, s.end, s.kind, text.count("\n", s.start, s.end) + 1, s.author, s.date) for s in before]
    is_letters = mark(text, found)
    pairs = zip(before, found, strict=True)
    return tuple(replace(s, kind=b.kind, author=b.author, date=b.date) for s, b in pairs), is_letters


class _Reader:
    """One pass over the blocks, letter by letter."""

    def __init__(self, text: str, found: list[Block], heads: list[str | None]) -> None:
        self.text = text
        self.found = found
        self.heads = heads
        self.letters: list[_Letter] = []
        self.letter: _Letter | None = None
        recipients = sum(self._is_recipient(index) for index in range(len(found)))
        #: With a line "To ..." over each letter, what stands between a signature and the next one is the editor's.
        self.edited = recipients >= COLLECTION

    def read(self) -> list[_Letter]:
        for index, block in enumerate(self.found):
            content = self._content(index)
            if self._is_recipient(index):
                self._begin_at_recipient(index, content)
            elif (head := self.heads[index]) is not None:
                self._date(index, head)
            elif block.kind is SegmentKind.HEADING and not self._belongs(index):
                self.letter = None
            elif block.kind in {SegmentKind.PARAGRAPH, SegmentKind.HEADING}:
                self._part(index, block, content)
            elif self.letter:
                self.letter.signed = self.letter.signed or _UNSIGNED.match(content) is not None
                self.letter.blocks.append(block)
        return self.letters

    def _belongs(self, index: int) -> bool:
        """Whether what looks like a heading is a letter's greeting or signature."""
        return self._is_name(index) or (self.letter is not None and is_greeting(self._content(index)))

    def _content(self, index: int) -> str:
        return self.text[self.found[index].start : self.found[index].end]

    def _begin(self) -> _Letter:
        self.letter = _Letter()
        self.letters.append(self.letter)
        return self.letter

    def _begin_at_recipient(self, index: int, content: str) -> None:
        if self.edited and self.letter and not self.letter.signed:
            self._mark_remarks_before(index)
        letter = self._begin()
        self.found[index].kind = SegmentKind.HEADING
        if reply := _REPLY.match(content):
            letter.author = (reply["name"] or reply["other"]).strip()

    def _date(self, index: int, head: str) -> None:
        """A date opens a letter, unless the one at hand waits for it: at its head, or under its signature."""
        letter = self.letter
        if letter is None or letter.date:
            before, letter = letter, self._begin()
            above = self.found[index - 1] if index else None
            if above and above.kind is SegmentKind.PARAGRAPH and _is_place(self._content(index - 1)):
                letter.blocks.append(above)
                if before and above in before.blocks:
                    before.blocks.remove(above)
        for block in letter.blocks:
            if block.kind is SegmentKind.PARAGRAPH and _is_place(self.text[block.start : block.end]):
                block.kind = SegmentKind.SALUTATION
        self.found[index].kind = SegmentKind.SALUTATION
        letter.date = head
        letter.blocks.append(self.found[index])

    def _part(self, index: int, block: Block, content: str) -> None:
        letter = self.letter
        if letter is None:
            if not is_greeting(content):
                return
            letter = self._begin()
        if _POSTSCRIPT.match(content):
            letter.signed = False
        elif letter.signed:
            if self.edited and not speaks_of_itself(content, plural=False) and len(content) > NAME_LENGTH:
                block.kind = SegmentKind.EDITORIAL
        elif self._is_name(index):
            block.kind = SegmentKind.SALUTATION
            letter.signature = letter.signature or content
            letter.signed = True
        elif is_greeting(content) or (is_closing(content) and self._ends_soon(index)):
            block.kind = SegmentKind.SALUTATION
        letter.blocks.append(block)

    def _is_recipient(self, index: int) -> bool:
        """A line "To ..." or "...'s reply" over a letter."""
        content = self._content(index)
        if self.found[index].lines > 1 or len(content) > LINE_LENGTH or content[-1] in ",:;?!":
            return False
        return bool(_RECIPIENT.match(content) or _REPLY.match(content))

    def _is_name(self, index: int) -> bool:
        """A line of capitalised words that ends a letter: a closing stands above it, or the next letter below."""
        content = self._content(index)
        if len(content) > NAME_LENGTH or not _NAME.fullmatch(content) or _has_small_words(content, _NAME_WORDS):
            return False
        above = self.found[index - 1] if index else None
        closed = above is not None and above.kind is SegmentKind.SALUTATION and self.heads[index - 1] is None
        after_postscript = self.letter is not None and bool(self.letter.signature)
        return closed or after_postscript or self._followed_by_boundary(index)

    def _ends_soon(self, index: int) -> bool:
        """Whether at most a signature or a further line of farewell parts it from the letter's end."""
        return self._followed_by_boundary(index) or len(self.found[index + 1]) <= NAME_LENGTH

    def _followed_by_boundary(self, index: int) -> bool:
        place = index + 1
        if place >= len(self.found):
            return True
        content = self._content(place)
        return bool(
            (self.heads[place] is not None and not self.edited)
            or self._is_recipient(place)
            or _POSTSCRIPT.match(content)
            or _UNSIGNED.match(content)
        )

    def _mark_remarks_before(self, index: int) -> None:
        """Paragraphs right above the next letter that speak of the writer as "she" or "he" and never as "I"."""
        for block in reversed(self.found[:index]):
            content = self.text[block.start : block.end]
            remark = _THIRD_PERSON.search(content) and not speaks_of_itself(content)
            if block.kind is not SegmentKind.PARAGRAPH or not remark:
                return
            block.kind = SegmentKind.EDITORIAL


def _date_line(text: str, block: Block) -> str | None:
    """The date of a line that holds little else: places, and words that go with them."""
    if block.lines > 3 or len(block) > LINE_LENGTH or block.kind is SegmentKind.BOILERPLATE:
        return None
    content = text[block.start : block.end]
    found = dates.find(content)
    if found is None or (block.kind is SegmentKind.LIST_ITEM and found.start):
        return None
    rest = content[: found.start] + " " + content[found.end :]
    if len(_WORD.findall(rest)) > 9 or _has_small_words(rest, _PLACE_WORDS):
        return None
    return found.iso if len(found.iso) > 4 or block.kind is SegmentKind.PARAGRAPH else None


def _is_place(content: str) -> bool:
    return (
        len(content) <= LINE_LENGTH and len(_WORD.findall(content)) < 10 and not _has_small_words(content, _PLACE_WORDS)
    )


def _has_small_words(content: str, allowed: frozenset[str]) -> bool:
    return any(word.islower() and word not in allowed for word in _WORD.findall(content))


def is_greeting(content: str) -> bool:
    """Whether a line is a letter's opening: "My dear Anna," and its kin."""
    return "\n" not in content and len(content) <= LINE_LENGTH and _GREETING.match(content) is not None


def is_closing(content: str) -> bool:
    """Whether a line could be a farewell; what stands below it decides."""
    says = _VERB.search(content) or speaks_of_itself(content)
    return len(content) <= LINE_LENGTH and not says and _CLOSING.match(content) is not None


def _main_name(letters: list[_Letter]) -> set[str]:
    """Words and initials of the name that most letters are signed with; empty where no name prevails."""
    signed = [_names(letter.signature) for letter in letters if letter.signature and not letter.author]
    last = Counter(names[-1] for names in signed if names)
    if not last:
        return set()
    name, count = last.most_common(1)[0]
    if count < 2 or count < 0.5 * len(signed):
        return set()
    return {word for names in signed if name in names for word in names}


def _names(signature: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(signature.replace("(signed)", ""))]


def _somebody_else(signature: str, main: set[str]) -> str | None:
    names = _names(signature)
    if not main or not names or set(names) & main:
        return None
    initials = {name[0] for name in main}
    return None if all(len(name) == 1 and name in initials for name in names) else signature.strip(" .,")


def _mark_introduction(text: str, found: list[Block], letters: list[_Letter]) -> None:
    """What a collection opens with, as long as nobody says "I" in it."""
    first = min(block.start for letter in letters for block in letter.blocks)
    for block in found:
        if block.start >= first:
            return
        if block.kind is SegmentKind.PARAGRAPH and not speaks_of_itself(text[block.start : block.end]):
            block.kind = SegmentKind.EDITORIAL
