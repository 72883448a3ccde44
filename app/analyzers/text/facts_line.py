"""A sentence as the stated-facts grammar reads it: words, contractions taken apart, and the marks between them."""

from __future__ import annotations

from collections.abc import Container, Iterator

from app.analyzers.text.facts_lexicon import lexicon
from app.prose import Prose, Sentence

#: Stands where other people's words, addresses or figures of another script were.
BARRIER = "\x00"
#: Stands where two words are joined by a sign, as in code: no phrase ends there.
JOINED = "\x01"
#: Stands behind the last word.
END = ""

_ENDINGS = ("'m", "'re", "'ve", "'d", "'ll", "'s")
#: Spellings of chats without apostrophe.
_LAZY = {
    "im": ("i", "'m"),
    "ive": ("i", "'ve"),
    "dont": ("do", "n't"),
    "cant": ("ca", "n't"),
    "didnt": ("did", "n't"),
    "wont": ("wo", "n't"),
    "doesnt": ("does", "n't"),
    "wasnt": ("was", "n't"),
    "isnt": ("is", "n't"),
    "havent": ("have", "n't"),
    "couldnt": ("could", "n't"),
    "cannot": ("can", "not"),
    "gonna": ("going", "to"),
    "wanna": ("want", "to"),
    "gotta": ("got", "to"),
}
_THIRD = {"has": "have", "is": "am", "does": "do", "'s": "'ve", "was": "was"}
_MARKS = {
    ",": ",",
    ";": ";",
    ":": ":",
    "–": "—",  # noqa: RUF001 - the dash is meant
    "—": "—",
    "⸺": "—",
    "(": "(",
    ")": ")",
    "[": "(",
    "]": ")",
    "…": "…",
    "/": "/",
    "|": ";",
    "•": ";",
    "?": "?",
    "!": "!",
    ".": ".",
    "&": "&",
    "%": "%",
}
_JOINING = frozenset("_:.=<>\\@#$+~^")


def parts(word: str) -> tuple[str, ...]:
    """A word with its contraction taken apart: "don't" to "do", "n't"."""
    if word in _LAZY:
        return _LAZY[word]
    if "'" not in word:
        return (word,)
    if word.endswith("n't") and len(word) > 3:
        return word[:-3], "n't"
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending):
            return word[: -len(ending)], ending
    return (word,)


def _first_person(word: str) -> str:
    """From "loves" to "love"; empty where the word is no third person of a known verb."""
    if word in _THIRD:
        return _THIRD[word]
    bases = lexicon()["bases"]
    return next((word[:-cut] for cut in (1, 2) if word.endswith("s") and word[:-cut] in bases), "")


class Line:
    """One sentence.

    Attributes:
        text: the whole layer.
        sentence: what was read.
        words: lower-case words and punctuation marks, `END` behind the last.
        starts: first code point of each in the layer.
        ends: one past the last code point of each.
    """

    __slots__ = ("ends", "sentence", "starts", "text", "words")

    def __init__(self, prose: Prose, sentence: Sentence) -> None:
        self.text = prose.layer.text
        self.sentence = sentence
        self.words: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        position = sentence.start
        for word, start, end in prose.tokens_of(sentence):
            self._gap(position, start)
            self._word(word, start, end)
            position = end
        self._gap(position, sentence.end)
        self._add(END, sentence.end, sentence.end)

    def _add(self, word: str, start: int, end: int) -> None:
        self.words.append(word)
        self.starts.append(start)
        self.ends.append(end)

    def _word(self, word: str, start: int, end: int) -> None:
        pieces = parts(word)
        at = start
        for piece in pieces[:-1]:
            self._add(piece, at, min(at + len(piece), end))
            at = min(at + len(piece), end)
        self._add(pieces[-1], at, end)

    def _gap(self, start: int, end: int) -> None:
        """Punctuation between two words; one mark says as much as three."""
        if end - start <= 1 and (start == end or self.text[start] == " "):
            return
        gap = self.text[start:end]
        if any(char.isalnum() for char in gap):
            self._add(BARRIER, start, end)
            return
        if end < self.sentence.end and gap[0] in _JOINING and not any(char.isspace() for char in gap):
            self._add(JOINED, start, end)
            return
        if "--" in gap:
            gap = gap.replace("--", "—")
        for char in gap:
            mark = _MARKS.get(char)
            if mark:
                self._add(mark, start, end)

    def in_first_person(self, index: int) -> Line:
        """A copy whose next verb stands in the first person: "who has always loved" as "I have always loved"."""
        copy = object.__new__(Line)
        copy.text, copy.sentence, copy.starts, copy.ends = self.text, self.sentence, self.starts, self.ends
        copy.words = [*self.words]
        for at in range(index, min(index + 4, len(copy.words))):
            if turned := _first_person(copy.words[at]):
                copy.words[at] = turned
                break
        return copy

    def __len__(self) -> int:
        return len(self.words)

    def word(self, index: int) -> str:
        """The word there; `END` outside."""
        return self.words[index] if 0 <= index < len(self.words) else END

    def original(self, index: int) -> str:
        """The word as written."""
        return self.text[self.starts[index] : self.ends[index]]

    def capital(self, index: int) -> bool:
        """Whether the word begins with a capital letter."""
        return index < len(self.words) and self.text[self.starts[index]].isupper() if self.word(index) else False

    def is_word(self, index: int) -> bool:
        """Whether a word stands there and no punctuation."""
        word = self.word(index)
        return bool(word) and (word[0].isalnum() or word[0] == "'" or word == "n't")

    def matches(self, index: int, phrase: str) -> bool:
        """Whether these words stand there: "a bit of"."""
        return all(self.word(index + offset) == word for offset, word in enumerate(phrase.split()))

    def skip(self, index: int, words: Container[str]) -> int:
        """The first index from there on whose word is not one of these."""
        while self.word(index) and self.word(index) in words:
            index += 1
        return index

    def skip_back(self, index: int, words: Container[str]) -> int:
        """The first index from there backwards whose word is not one of these."""
        while index >= 0 and self.words[index] in words:
            index -= 1
        return index

    def find(self, word: str) -> Iterator[int]:
        """Where a word stands."""
        return (index for index, found in enumerate(self.words) if found == word)
