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
from ipaddress import ip_address

from app.analyzers.llm.redact_addresses import addresses
from app.analyzers.llm.redact_names import Names
from app.layers import Segment, TextLayer

#: Of what is taken: a change of it changes what is sent. A test holds it to the own set of benchmarks/redaction.py.
VERSION = "r3"


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
    return bare.isascii() and bare.isalnum() and int("".join(str(int(c, 36)) for c in bare[4:] + bare[:4])) % 97 == 1


def _digits(text: str) -> str:
    return "".join(char for char in text if char in "0123456789")


def _card(text: str) -> bool:
    return 13 <= len(_digits(text)) <= 19 and luhn(_digits(text))


def _phone(text: str) -> bool:
    return 7 <= len(_digits(re.split(r"(?i)\s*(?:x|ext)", text)[0])) <= 15 and not re.fullmatch(_DATE, text)


def _network(text: str) -> bool:
    """Whether this is an address of the internet protocol, version 4 or 6."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _mixed(text: str) -> bool:
    """Letters and digits of an identity card, passport, tax code or wallet: many digits, or it is a word."""
    return 5 <= len(_digits(text)) < len(text) and not re.fullmatch(r"(?i)\d+(?:st|nd|rd|th|km|kg|px|mm|usd|eur)", text)


_DATE = r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?:[T ]\d\d:\d\d(?::\d\d)?)?"
#: Announce a number that would be none by its looks.
_NUMBERED = (
    r"ssn|nino|passport|pass(?:port)? ?(?:no|nr|number)|licen[cs]e|account|acct|a/c|sort code|routing|konto(?:nummer)?|"
    r"steuer-?(?:nummer|id)|ausweis(?:nummer)?|pesel|nip|bsn|personnummer|cpf|cnpj|nif|nie|dni|cédula|insee|sécu|"
    r"codice fiscale|partita iva|rekening(?:nummer)?|pin|cvv|cvc|customer|member(?:ship)?|policy|kundennummer"
)

_ANNOUNCED = re.compile(
    rf"(?i)\b(?:{_NUMBERED})\b[^\w\n]{{1,3}}(?:(?:is|no|nr|number|num|ist|est|es|to|är)\b[^\w\n]{{1,3}}){{0,2}}"
    r"(\w{0,4}\d(?:[- ./]?\w{0,3}\d\w?){3,20})"
)

_Check = Callable[[str], bool] | None
#: (type, pattern, check) in order of precedence: what an earlier one has taken, a later one does not see.
_BEFORE: tuple[tuple[str, re.Pattern[str], _Check], ...] = (
    ("EMAIL", re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"), None),
    ("URL", re.compile(r"(?i)\b(?:https?://|www\.)[^\s<>\"')\]]{1,2000}"), None),
    ("HANDLE", re.compile(r"(?<![\w@.])@ ?(?=\w{0,30}[^\W\d_])\w{2,30}"), None),
    ("IBAN", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"), iban),
    # In small letters a word may follow, so that each group but the bank's must hold a digit.
    ("IBAN", re.compile(r"(?i)\b[A-Z]{2}\d{2} ?\w{4}(?: ?(?=\w{0,3}\d)\w{4}){1,6}(?: ?(?=\w{0,2}\d)\w{1,3})?\b"), iban),
    ("CARD", re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d| ?x ?\d)"), _card),
    ("NUMBER", re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])"), None),
    ("NUMBER", re.compile(r"(?i)\b[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-Z]\b"), None),
    ("NUMBER", re.compile(r"\b(?<![-.])[A-Za-z0-9]{8,64}\b"), _mixed),
    ("NUMBER", re.compile(r"\b[XYZ]?\d{7,8}-?[A-Z]\b|\b\d{6}[-+]\d{4}\b|\b\d{3}\.\d{3}\.\d{3}-\d{2}\b"), None),
    ("NUMBER", _ANNOUNCED, None),
    ("IP", re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"), None),
    ("IP", re.compile(r"(?i)(?<![\w:])(?:[\da-f]{0,4}:){2,7}[\da-f]{0,4}(?![\w:])"), _network),
    ("IP", re.compile(r"(?i)\b(?:[\da-f]{2}[:-]){5}[\da-f]{2}\b"), None),
)  # fmt: skip
_AFTER: tuple[tuple[str, re.Pattern[str], _Check], ...] = (
    ("PHONE", re.compile(r"(?<![\w.])(?:\+|\(|\b)\d[\d ().\-/]{5,20}\d(?: ?(?:x|ext\.?) ?\d{1,6})?\b"), _phone),
    ("NUMBER", re.compile(r"(?<![\w.,])\d{7,}(?![\w])"), None),
)

Entity = tuple[int, int, str]


def entities(text: str, language: str | None = None) -> list[Entity]:
    """Everything but names: (start, end, type), in order, not overlapping."""
    taken: list[Entity] = []
    for recogniser in _BEFORE:
        taken = _joined(taken, _matches(text, *recogniser))
    taken = _joined(taken, ((*_trimmed(text, start, end), "ADDRESS") for start, end in addresses(text, language)))
    for recogniser in _AFTER:
        taken = _joined(taken, _matches(text, *recogniser))
    return taken


def _matches(text: str, kind: str, pattern: re.Pattern[str], check: _Check) -> Iterator[Entity]:
    for match in pattern.finditer(text):
        start, end = _trimmed(text, *match.span(pattern.groups))
        if check is None or check(text[start:end]):
            yield start, end, kind


def _joined(taken: list[Entity], more: Iterable[Entity]) -> list[Entity]:
    """Both in order, without what is partly taken already; sorting two runs is linear."""
    return sorted([*taken, *(one for one in more if _free(taken, one[0], one[1]))])


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


def _left(text: str, taken: Sequence[Entity], start: int, end: int) -> Iterator[tuple[int, int]]:
    """The parts of a range that are not taken."""
    for low, high, _ in taken[max(0, bisect_left(taken, (start, end, "")) - 1) :]:
        if low >= end:
            break
        if high > start:
            yield from _telling(text, start, low)
            start = high
    yield from _telling(text, start, end)


def _telling(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A part without the white space around it, if it has a letter."""
    start, end = _trimmed(text, start, end)
    if any(char.isalnum() for char in text[start:end]):
        yield start, end


class Redactor:
    """The placeholders of one layer: the same thing has the same one in every window and for every task.

    Args:
        layer: what will be sent.
        segments: those of its segments that will.
    """

    def __init__(self, layer: TextLayer, segments: Iterable[Segment]) -> None:
        self._numbers: dict[str, dict[str, int]] = {}
        self._people: dict[str, int] = {}
        self._persons = 0
        parts = [(segment, layer.text[segment.start : segment.end]) for segment in segments]
        authors = {segment.author for segment, _ in parts if segment.author and not segment.own}
        # Whole names first, so that "Bo" in a message is Bo Ek.
        for author in sorted(authors):
            self.author(author)
        self._language = layer.language
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

    def _found(self, text: str) -> list[Entity]:
        taken = entities(text, self._language)
        # A name runs into what stands right behind it ("Ann Lee W1A 1AA"): what is left of it is a name all the same.
        left = (part for start, end in self._names.within(text) for part in _left(text, taken, start, end))
        return sorted([*taken, *((start, end, "PERSON") for start, end in left)])

    def _placeholder(self, kind: str, value: str) -> str:
        folded = " ".join(value.casefold().split())
        if kind == "PERSON":
            return f"[PERSON_{self._person(folded)}]"
        numbers = self._numbers.setdefault(kind, {})
        return f"[{kind}_{numbers.setdefault(folded, len(numbers) + 1)}]"

    def _person(self, folded: str) -> int:
        """One number for "Ann Lee", and for "Ann" and "Lee" where nobody else was called so before."""
        if folded not in self._people:
            self._persons += 1
            self._people[folded] = self._persons
            words = folded.split()
            for word in words if len(words) > 1 else ():
                self._people.setdefault(word, self._persons)
        return self._people[folded]
