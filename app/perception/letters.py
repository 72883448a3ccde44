"""Letters and dated diaries in plain text: who wrote which part of it, and when.

A collection of letters is recognised by its date lines. Each letter takes the date of its own; addresses, greetings and
closings are no prose; what an editor says between two letters is not the writer's; a letter that somebody else signed is
that person's. A single letter is recognised by its greeting.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from app.perception import dates
from app.perception.blocks import Block, speaks_of_itself
from app.vocabulary import SegmentKind

#: Code points of the longest date line, greeting or closing.
LINE_LENGTH = 90
#: Date lines from which a text is a collection, whatever else it holds.
COLLECTION = 3
#: Letters of a collection from which the text before the first one is an introduction.
BOOK = 5

_GREETING = re.compile(
    r"(?:(?:my|our|own|very|most|mon|ma|mein|meine|mi) )*"
    r"(?:dear(?:est)?|beloved|hello|hi|hey|good (?:morning|evening)|sir|madam|liebe[rs]?|liebste[rs]?|hallo|sehr geehrte[rs]?"
    r"|ch[eè]re?s?|bonjour|querid[oa]s?|estimad[oa]s?|hola)\b[^?!]{0,50}$",  # noqa: RUF001 - dashes
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:with|from|yours?|very|ever|always|believe me|i (?:am|remain)|lovingly|affectionate|sincere|faithful|truly|respectful"
    r"|good-?bye|farewell|adieu|love|kisses|best|kind|warm|cheers|regards|thank(?:s|ing you)|hugs|until"
    r"|herzlich|viele|liebe gr|mit |dein|deine|ihr|euer|gru(?:ß|ss)|bis bald|amiti|bien |cordial|je t['’]embrasse|bises"  # noqa: RUF001 - the curly apostrophe
    r"|un abrazo|abrazos|besos|tu |con |saludos|atentamente)",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"(?:\(signed\)\s+)?[^\W\d_][\w'’.-]*\.?(?: (?:(?:von|van|de|la|der|of) )?[^\W\d_][\w'’.-]*){0,4}\W*$"
)  # noqa: RUF001 - the curly apostrophe
_POSTSCRIPT = re.compile(r"P\.? ?S\.?\W", re.IGNORECASE)
_RECIPIENT = re.compile(r"(?:To|An|À|Al?|Letter (?:to|from)) (?:[a-zäöüß]+ ){0,3}[A-ZÄÖÜÉ]")
_REPLY = re.compile(
    r"(?P<name>.{2,60}?)['’]s? (?:reply|answer|letter)\W*$|(?:reply|answer|letter) (?:of|from) (?P<other>.{2,60})$",
    re.I,
)  # noqa: RUF001 - the curly apostrophe
_UNSIGNED = re.compile(r"\[?(?:no|without) signature\W*$|\[unsigned\W*$", re.IGNORECASE)
_THIRD_PERSON = re.compile(
    r"\b(?:she|her|he|his|him|miss|mrs|mr|dr|sie|er|ihr|ihre|elle|il|lui|ella|él)\b", re.IGNORECASE
)
#: Words in small letters that stand in a date line beside names of places.
_PLACE_WORDS = frozenset(
    "at the of de la le les den dem der die am im in à near on du und and for el los y morning afternoon evening night noon"
    " inst street st road avenue hotel ce".split()
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
    greeted = any(_is_greeting(text, block) for block in found[:4])
    if count < COLLECTION and not greeted:
        return False
    letters = _Reader(text, found, heads).read()
    main = _main_name(letters)
    for letter in letters:
        other = letter.author or _somebody_else(letter.signature, main)
        for block in letter.blocks:
            block.date = letter.date
            if block.kind is not SegmentKind.EDITORIAL:
                block.author = block.author or other
    if count >= BOOK:
        _mark_introduction(text, found, letters)
    return True


class _Reader:
    """One pass over the blocks, letter by letter."""

    def __init__(self, text: str, found: list[Block], heads: list[str | None]) -> None:
        self.text = text
        self.found = found
        self.heads = heads
        self.letters: list[_Letter] = []
        self.letter: _Letter | None = None
        recipients = sum(self._is_recipient(block) for block in found)
        #: With a line "To ..." over each letter, what stands between a signature and the next one is the editor's.
        self.edited = recipients >= COLLECTION

    def read(self) -> list[_Letter]:
        for index, block in enumerate(self.found):
            content = self.text[block.start : block.end]
            if self._is_recipient(block):
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
        return self._is_name(index) or (self.letter is not None and _is_greeting(self.text, self.found[index]))

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
        block = self.found[index]
        block.kind = SegmentKind.SALUTATION
        letter = self.letter
        if (
            letter is None
            or (letter.date and not letter.signed)
            or (letter.signed and not self._dates_the_past(letter))
        ):
            letter = self._begin()
            self._take_address(index, letter)
        elif not letter.blocks:
            self._take_address(index, letter)
        letter.date = head
        letter.blocks.append(block)

    def _dates_the_past(self, letter: _Letter) -> bool:
        return letter.date is None

    def _take_address(self, index: int, letter: _Letter) -> None:
        """Lines of an address stand right above the date."""
        above = self.found[index - 1] if index else None
        if above and above.kind is SegmentKind.PARAGRAPH and len(above) <= LINE_LENGTH and _is_place(self.text, above):
            above.kind = SegmentKind.SALUTATION
            letter.blocks.append(above)

    def _part(self, index: int, block: Block, content: str) -> None:
        letter = self.letter
        if letter is None:
            if not _is_greeting(self.text, block):
                return
            letter = self._begin()
        if _POSTSCRIPT.match(content):
            letter.signed = False
        elif letter.signed:
            if self.edited and not speaks_of_itself(content) and len(content) > LINE_LENGTH // 2:
                block.kind = SegmentKind.EDITORIAL
        elif self._is_name(index):
            block.kind = SegmentKind.SALUTATION
            letter.signature = letter.signature or content
            letter.signed = True
        elif _is_greeting(self.text, block) or self._is_closing(index, content):
            block.kind = SegmentKind.SALUTATION
        letter.blocks.append(block)

    def _is_recipient(self, block: Block) -> bool:
        short = block.lines == 1 and len(block) <= LINE_LENGTH
        content = self.text[block.start : block.end]
        return (
            short and ((_RECIPIENT.match(content) and content[-1] not in ",:;?!") or _REPLY.match(content)) is not None
        )

    def _is_closing(self, index: int, content: str) -> bool:
        return len(content) <= LINE_LENGTH and _CLOSING.match(content) is not None and self._ends_soon(index)

    def _is_name(self, index: int) -> bool:
        """A line of capitalised words that ends a letter: a closing stands above it, or the next letter below."""
        block = self.found[index]
        content = self.text[block.start : block.end]
        if (
            block.lines > 1
            or len(content) > 50
            or not _NAME.match(content)
            or not content[:1].isupper()
            and content[:1] != "("
        ):
            return False
        if any(
            word.islower() and word not in _PLACE_WORDS | {"von", "van", "signed"} for word in _WORD.findall(content)
        ):
            return False
        above = self.found[index - 1] if index else None
        closed = above is not None and above.kind is SegmentKind.SALUTATION and self.heads[index - 1] is None
        return closed or self._followed_by_boundary(index)

    def _ends_soon(self, index: int) -> bool:
        """Whether only a signature or a further line of farewell parts it from the letter's end."""
        return any(
            place >= len(self.found) or len(self.found[place]) <= 50 or self._followed_by_boundary(place - 1)
            for place in (index + 1,)
        )

    def _followed_by_boundary(self, index: int) -> bool:
        place = index + 1
        if place >= len(self.found):
            return True
        content = self.text[self.found[place].start : self.found[place].end]
        return bool(
            self.heads[place] is not None
            or self._is_recipient(self.found[place])
            or _POSTSCRIPT.match(content)
            or _UNSIGNED.match(content)
        )

    def _mark_remarks_before(self, index: int) -> None:
        """Paragraphs right above the next letter that speak of the writer as "she" or "he" and never as "I"."""
        for block in reversed(self.found[:index]):
            content = self.text[block.start : block.end]
            if (
                block.kind is not SegmentKind.PARAGRAPH
                or speaks_of_itself(content)
                or not _THIRD_PERSON.search(content)
            ):
                return
            block.kind = SegmentKind.EDITORIAL


def _date_line(text: str, block: Block) -> str | None:
    """The date of a line that holds little else: places, and words that go with them."""
    if block.lines > 3 or len(block) > LINE_LENGTH or block.kind in {SegmentKind.BOILERPLATE, SegmentKind.LIST_ITEM}:
        return None
    content = text[block.start : block.end]
    found = dates.find(content)
    if found is None:
        return None
    rest = _WORD.findall(content[: found.start] + " " + content[found.end :])
    if len(rest) > 9 or any(word.islower() and word not in _PLACE_WORDS for word in rest):
        return None
    return found.iso if len(found.iso) > 4 or block.kind is SegmentKind.PARAGRAPH else None


def _is_place(text: str, block: Block) -> bool:
    words = _WORD.findall(text[block.start : block.end])
    return len(words) < 10 and not any(word.islower() and word not in _PLACE_WORDS for word in words)


def _is_greeting(text: str, block: Block) -> bool:
    return block.lines == 1 and len(block) <= LINE_LENGTH and _GREETING.match(text, block.start, block.end) is not None


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
