"""Layers made by hand for tests of text analyzers and the rules over them."""

from __future__ import annotations

from typing import Any

from app.layers import TextLayer, join
from app.vocabulary import SegmentKind


def layer(
    *paragraphs: str, kind: SegmentKind = SegmentKind.PARAGRAPH, language: str | None = "en", **facts: Any
) -> TextLayer:
    """A layer of own paragraphs."""
    text, segments = join((paragraph, kind, {}) for paragraph in paragraphs)
    return TextLayer(text, language=language, segments=segments, facts=facts)


#: Plain modern sentences in the first person, none of which shows a habit; 10 words each on average.
PLAIN = (
    "I walked to the market on Monday and bought some bread.",
    "My sister came over in the evening and we made soup.",
    "It didn't rain that day, so I painted the old fence.",
    "I've lived in this street since the spring of that year.",
    "We took the early train and sat near the open window.",
    "I wrote three pages about the garden before going to bed.",
    "The dog slept on my coat while I worked at home.",
    "I'm learning to cook and the neighbours lend me their books.",
)


def plain(sentences: int) -> list[str]:
    """That many sentences without a habit, each different in its last words."""
    return [f"{PLAIN[index % len(PLAIN)][:-1]} on walk {_word(index)}." for index in range(sentences)]


def _word(index: int) -> str:
    letters = "abcdefghijklmnop"
    return "".join(letters[int(digit)] for digit in str(index))
