"""What identifies others, or opens doors, does not leave: it becomes a placeholder that is the same everywhere.

Pattern recognisers with check digits where there are any, and names by what stands around them (`redact_names`).
Nothing here understands a text: what is missed is published with the recall per type, and too much is rather taken than
too little, since a placeholder costs the reader little and a number much.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.analyzers.llm.redact_names import Names
from app.layers import Segment, TextLayer


@dataclass(frozen=True, slots=True)
class Redaction:
    """A stretch of the layer and what is sent in its place.

    Attributes:
        start: first code point.
        end: one past the last.
        placeholder: "[EMAIL_1]".
    """

    start: int
    end: int
    placeholder: str


def luhn(digits: str) -> bool:
    """Whether the last digit of a card number is the check digit of the others (ISO/IEC 7812)."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban(text: str) -> bool:
    """Whether this is an account number by its check digits (ISO 13616)."""
    bare = re.sub(r"\s", "", text)
    return int("".join(str(int(char, 36)) for char in bare[4:] + bare[:4])) % 97 == 1


def _digits(text: str) -> str:
    return "".join(char for char in text if char in "0123456789")


def _card(text: str) -> bool:
    return 13 <= len(_digits(text)) <= 19 and luhn(_digits(text))


def _phone(text: str) -> bool:
    return 7 <= len(_digits(re.split(r"(?i)\s*(?:x|ext)", text)[0])) <= 15 and not re.fullmatch(_DATE, text)


_STREET = (
    r"street|str\.?|st\.?|road|rd\.?|avenue|ave\.?|lane|ln\.?|drive|dr\.?|boulevard|blvd\.?|court|ct\.?|close|crescent|square|"
    r"terrace|gardens|place|parkway|highway|row|mews|hill|way"
)
_STREET_END = r"(?:stra(?:ss|ß)e|str\.|gasse|weg|allee|platz|straat|laan|gade|vej|gatan|gata|utca|tie|katu)"
_STREET_FIRST = r"rue|avenue|chemin|via|viale|piazza|calle|avenida|plaza|rua|ulica|ul\.|estrada"
_DATE = r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?:[T ]\d\d:\d\d(?::\d\d)?)?"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b"
#: One capitalised or numbered word of an address, and words that may stand between two of them.
_PART = r"[\w.'’-]{1,40}"  # noqa: RUF001 - the curly apostrophe is meant
#: What follows a street: flat, place, code, country.
_TAIL = r"(?:,?\s{1,6}(?-i:[A-ZÀ-Þ][\w'’-]{0,40}\.?|\d{4,6}|(?:[Aa]pt|[Ss]uite|[Ff]lat|[Uu]nit)\.? ?#?\d+)(?!\w)){0,5}"  # noqa: RUF001 - as above

#: (type, pattern, check) in order of precedence: what an earlier one has taken, a later one does not see.
_RECOGNISERS: tuple[tuple[str, re.Pattern[str], Callable[[str], bool] | None], ...] = (
    ("EMAIL", re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"), None),
    ("URL", re.compile(r"(?i)\b(?:https?://|www\.)[^\s<>\"')\]]{1,2000}"), None),
    ("IBAN", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"), iban),
    ("CARD", re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)"), _card),
    ("NUMBER", re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])"), None),
    ("IP", re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"), None),
    (
        "ADDRESS",
        re.compile(
            rf"(?i)(?:\b\d{{1,6}}[a-z]?,? (?:{_PART} ){{1,3}}(?:{_STREET})(?![\w])"
            rf"|\b(?:{_STREET_FIRST}) (?:{_PART},? ){{1,3}}\d+[a-z]?\b"
            rf"|\b\d{{1,6}}[a-z]?,? (?:{_STREET_FIRST}) {_PART}(?: {_PART}){{0,2}}"
            rf"|\b[\w-]{{1,40}}{_STREET_END} ?\d+[a-z]?\b|\b\d+ [\w-]{{1,40}}{_STREET_END}(?!\w)"
            r"|\b(?:apt|apartment|suite|flat|unit|p\.? ?o\.? box)\.? ?#?\d+\w?"
            rf"|\b\d{{1,4}} (?!{_MONTH})(?-i:[A-ZÀ-Þ])(?:{_PART} ){{1,3}}\d{{1,5}}\b"
            rf"|(?<=\baddress )(?:is |: ?)?\d+ (?:{_PART} ){{1,3}}\d*"
            rf"|(?<= at )\d+ (?!{_MONTH})(?-i:[A-ZÀ-Þ]){_PART}(?: (?-i:[A-ZÀ-Þ]){_PART}| \d+){{1,3}})" + _TAIL
        ),
        None,
    ),
    (
        "ADDRESS",
        re.compile(r"(?i)(?<=\bzip)(?: code)?:? ?\d{4,6}\b|(?<=\bpostcode)(?: is|:)? ?\w{2,5}(?: \w{3})?\b"),
        None,
    ),
    ("ADDRESS", re.compile(r"(?<=[^\W\d_] )\d{5}(?:-\d{4})?(?=\.?\s*$)", re.MULTILINE), None),
    ("ADDRESS", re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b|\b[A-Z]{2},? \d{5}(?:-\d{4})?\b"), None),
    ("ADDRESS", re.compile(r"(?m)^[ \t]*\d{1,6}[ \t]*$|^[ \t]*\d+[ \t]+[^\W\d][^\n.!?]{2,40}$"), None),
    ("PHONE", re.compile(r"(?<![\w.])(?:\+|\(|\b)\d[\d ().\-/]{5,20}\d(?: ?(?:x|ext\.?) ?\d{1,6})?\b"), _phone),
    ("NUMBER", re.compile(r"(?<![\w.,])\d{7,}(?![\w])"), None),
)


def entities(text: str) -> list[tuple[int, int, str]]:
    """Everything but names: (start, end, type), in order, not overlapping."""
    taken: list[tuple[int, int, str]] = []
    for kind, pattern, check in _RECOGNISERS:
        for match in pattern.finditer(text):
            start, end = _trimmed(text, *match.span())
            if (check is None or check(text[start:end])) and _free(taken, start, end):
                taken.insert(bisect_left(taken, (start, end, kind)), (start, end, kind))
    return taken


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] in ",;"):
        end -= 1
    return start, end


def _free(taken: Sequence[tuple[int, int, str]], start: int, end: int) -> bool:
    index = bisect_left(taken, (start, end, ""))
    before = taken[index - 1][1] if index else 0
    after = taken[index][0] if index < len(taken) else end
    return start < end and before <= start and end <= after


class Redactor:
    """The placeholders of one layer: the same thing has the same one in every window and for every task.

    Args:
        layer: what will be sent.
        segments: those of its segments that will.
    """

    def __init__(self, layer: TextLayer, segments: Iterable[Segment]) -> None:
        self._numbers: dict[str, dict[str, int]] = {}
        self._people: dict[str, int] = {}
        parts = [(segment, layer.text[segment.start : segment.end]) for segment in segments]
        authors = {segment.author for segment, _ in parts if segment.author and not segment.own}
        # Whole names first, so that "Bo" in a message is Bo Ek.
        for author in sorted(authors):
            self.author(author)
        self._names = Names((text for _, text in parts), authors, layer.language)
        self.redactions: tuple[Redaction, ...] = tuple(
            Redaction(segment.start + start, segment.start + end, self._placeholder(kind, text[start:end]))
            for segment, text in parts
            for start, end, kind in self._found(text)
        )

    def within(self, start: int, end: int) -> Sequence[Redaction]:
        """Redactions of a range; none of them crosses a segment's border."""
        first = bisect_left(self.redactions, start, key=lambda r: r.start)
        return self.redactions[first : bisect_left(self.redactions, end, key=lambda r: r.start)]

    def author(self, name: str | None) -> str:
        """How another author is called: "PERSON_2"."""
        return self._placeholder("PERSON", name)[1:-1] if name else "SOMEBODY"

    def _found(self, text: str) -> Iterator[tuple[int, int, str]]:
        taken = entities(text)
        for start, end in self._names.within(text):
            if _free(taken, start, end):
                taken.insert(bisect_left(taken, (start, end, "")), (start, end, "PERSON"))
        return iter(taken)

    def _placeholder(self, kind: str, value: str) -> str:
        folded = " ".join(value.casefold().split())
        if kind == "PERSON":
            return f"[PERSON_{self._person(folded)}]"
        numbers = self._numbers.setdefault(kind, {})
        return f"[{kind}_{numbers.setdefault(folded, len(numbers) + 1)}]"

    def _person(self, folded: str) -> int:
        """One number for "Ann Lee", and for "Ann" and "Lee" where nobody else was called so before."""
        if folded not in self._people:
            number = max(self._people.values(), default=0) + 1
            self._people[folded] = number
            words = folded.split()
            for word in words if len(words) > 1 else ():
                self._people.setdefault(word, number)
        return self._people[folded]
