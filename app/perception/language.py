"""Which language a text is in, from a bounded sample of it (py3langid: 140 languages, a model inside its wheel)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import py3langid  # type: ignore[import-untyped] # it ships no types

#: Letters below which no language can be told.
MIN_LETTERS = 20
#: Code points of one window: 100 were enough for 1,520 of 1,522 windows of letters, chats and speech in four languages.
WINDOW = 300
#: Windows spread over a text: five take about a millisecond.
WINDOWS = 5
#: Share of windows that must agree before a text is in one language.
AGREEMENT = 0.7

MIXED = "mixed"


def load() -> None:
    """Load the model now (about 75 MB, half a second) and not with the first text."""
    py3langid.classify("")


def identify(text: str, spans: Sequence[tuple[int, int]]) -> str | None:
    """The language of the text at these ranges.

    Args:
        text: the layer's text.
        spans: the ranges that count, in order: a person's own words.

    Returns:
        ISO 639-1, `MIXED` where parts differ, None where there is too little to tell or no two-letter code.
    """
    own = "\n".join(text[start:end] for start, end in spans)
    count = max(1, min(WINDOWS, len(own) // WINDOW))
    starts = [index * len(own) // count for index in range(count)]
    windows = [own[start : start + WINDOW] for start in starts]
    votes = Counter(py3langid.classify(w)[0] for w in windows if sum(map(str.isalpha, w)) >= MIN_LETTERS)
    if not votes:
        return None
    language, agreeing = votes.most_common(1)[0]
    if agreeing < AGREEMENT * votes.total():
        return MIXED
    return language if len(language) == 2 else None
