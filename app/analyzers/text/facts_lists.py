"""Lists under an announcement: "These are a few of my favourite things:" and then the things."""

from __future__ import annotations

from collections.abc import Iterator

from app.analyzers.text.facts_line import Line
from app.analyzers.text.facts_phrase import Phrase, noun, thing
from app.prose import Prose

#: Words of the announcement, and what they make of the items.
_ANNOUNCED = {
    "my favourite things": "like", "my favorite things": "like", "things i love": "love", "things i like": "like", "things i enjoy": "enjoy",
    "my hobbies": "hobby", "my interests": "interested in", "my hobbies and interests": "hobby", "things i hate": "hate",
    "things i dislike": "dislike",
}  # fmt: skip
_MOST_WORDS = 4
_MOST_ITEMS = 12


def announced(prose: Prose, index: int, line: Line) -> Iterator[tuple[Line, str, Phrase]]:
    """Items of the list that the sentence at this index announces: (item, predicate, what it names)."""
    if prose.layer.text[line.sentence.end - 1] != ":":
        return
    joined = " ".join(line.words)
    predicate = next((kind for words, kind in _ANNOUNCED.items() if f" {words} :" in f" {joined}"), "")
    if not predicate:
        return
    for sentence in prose.sentences[index + 1 : index + 1 + _MOST_ITEMS]:
        item = Line(prose, sentence)
        if not 0 < sentence.words <= _MOST_WORDS or item.word(len(item) - 2) in {".", "?", "!", ":"}:
            return
        found = noun(item, 0) or thing(item, 0)
        if found is None:
            return
        yield item, predicate, found
