"""Marks of habits in a text: how often, out of how much, and in which sentences."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field

import regex

from app.analyzers.text.style_lexicon import english
from app.prose import Prose, Sentence
from app.vocabulary import SegmentKind

_EMOJI = r"[\p{Extended_Pictographic}--[©®™‼⁉\u2190-\u21FF]]"
#: Marks that need no word list, found in own text in lower case.
_SIGNS = {
    "emoji": regex.compile(
        rf"(?V1){_EMOJI}[\uFE0F\p{{EMod}}]*(?:\u200D{_EMOJI}[\uFE0F\p{{EMod}}]*)*|(?<![\w:;])(?:[:;]-?[)(dp\]|/\\o*]|=\)|<3)(?!\w)"
    ),
    "ellipses": regex.compile(r"\.{3,}|…"),
    "dashes": regex.compile(r"—|(?<=\S )[–-]{1,2}(?=\s)|(?<=\w)--+(?=\w|\s)"),  # noqa: RUF001 - the en dash is meant
    "parentheses": regex.compile(r"\((?=[^()\d]{6,})"),
    "semicolons": regex.compile(r";(?=\s)"),
}
#: Openings that school forbids.
_LOOSE_OPENINGS = frozenset(["and", "but", "so", "or", "because", "yet", "plus"])
_LONG_WORD = 7
#: Habits counted at most once a sentence.
PER_SENTENCE = frozenset(["questions", "exclamations", "loose_starts", "requests_direct"])
MEASURES = frozenset(["sentence_length", "message_length"])


@dataclass(slots=True)
class Marks:
    """What a text holds.

    Attributes:
        sentences: own sentences, quoted ones left out; what the places below point into.
        counts: marks by habit.
        places: by habit, (index of the sentence, marks in it) in order.
        lengths: words of each sentence.
        messages: words of each message or utterance.
        words: own words.
    """

    sentences: list[Sentence]
    counts: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    lengths: list[int] = field(default_factory=list)
    messages: list[int] = field(default_factory=list)
    words: int = 0

    def add(self, found: Counter[str], place: int) -> None:
        """Note the marks of one sentence."""
        self.counts.update(found)
        for key, times in found.items():
            self.places.setdefault(key, []).append((place, times))


def read(prose: Prose, *, english_lists: bool) -> Marks:
    """Count every mark of a layer's own words.

    Args:
        prose: the layer read.
        english_lists: whether the text is English; other languages get the marks that need no word list.
    """
    own = [sentence for sentence in prose.sentences if not sentence.quoted and sentence.words]
    marks = Marks(own, words=prose.own_word_count)
    marks.lengths = [sentence.words for sentence in own]
    signs = _signs(prose, own, marks)
    lexicon = english() if english_lists else None
    for place, sentence in enumerate(own):
        words = [word for word, _, _ in prose.tokens[sentence.first : sentence.last]]
        found = Counter(lexicon.marks(words)) if lexicon else Counter[str]()
        found.update(signs.get(place, ()))
        found["long_words"] = sum(len(word) >= _LONG_WORD for word in words)
        found["numbers"] = sum(word[0].isdigit() for word in words)
        ending = _ending(prose, sentence)
        found["questions"] = int("?" in ending)
        found["exclamations"] = int("!" in ending)
        if lexicon:
            found["loose_starts"] = int(words[0] in _LOOSE_OPENINGS)
            found["requests_direct"] = int("?" not in ending and lexicon.opens_request(words))
        marks.add(+found, place)
    marks.messages = _messages(prose)
    return marks


def _ending(prose: Prose, sentence: Sentence) -> str:
    """The closing marks of a sentence, those inside quoted speech left out."""
    tail = prose.own_text[sentence.start : sentence.end]
    return tail[len(tail.rstrip(" .!?…\"'”’»)]*_;:-")) :]  # noqa: RUF001 - closing marks are meant


def _signs(prose: Prose, own: list[Sentence], marks: Marks) -> dict[int, list[str]]:
    """Signs by sentence; those outside every sentence (a message of emoji alone) are counted at once."""
    starts = [sentence.start for sentence in own]
    by_place: dict[int, list[str]] = {}
    for key, pattern in _SIGNS.items():
        for match in pattern.finditer(prose.own_text):
            place = bisect_right(starts, match.start()) - 1
            if place >= 0 and match.start() < own[place].end:
                by_place.setdefault(place, []).append(key)
            else:
                marks.counts[key] += 1
    return by_place


def _messages(prose: Prose) -> list[int]:
    kinds = {SegmentKind.MESSAGE, SegmentKind.UTTERANCE}
    sizes: Counter[int] = Counter()
    for sentence in prose.sentences:
        if prose.layer.segments[sentence.segment].kind in kinds:
            sizes[sentence.segment] += sentence.words
    return [size for size in sizes.values() if size]
