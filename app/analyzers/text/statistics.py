"""Text statistics: size, sentence lengths, vocabulary, readability.

Readability formulas are English and come from `textstat`; it is given our own counts of sentences and words, since its
own take "Mr." for the end of a sentence. Vocabulary and sentence lengths hold for any language that parts its words by
spaces.
"""

from __future__ import annotations

import warnings
from math import exp, lgamma
from statistics import fmean, stdev
from typing import Any

from app.analysis import Context, Result
from app.errors import Refusal
from app.layers import TextLayer
from app.prose import Prose, prose_of
from app.vocabulary import ReasonCode

with warnings.catch_warnings():
    # textstat finds its word list through pkg_resources, which warns that it is old; requirements.txt pins both.
    warnings.simplefilter("ignore", UserWarning)
    from textstat.textstat import textstatistics  # type: ignore[import-untyped]

#: Words below which readability formulas, made for passages of 100 words, say nothing.
_LEAST_WORDS = 100
#: Words read at most: figures of a text's beginning, middle and end do not change beyond.
_MOST_WORDS = 20_000
#: Type-token ratio at which a stretch of MTLD ends (McCarthy & Jarvis 2010, doi 10.3758/BRM.42.2.381).
_MTLD_END = 0.72
#: Words of the samples that HD-D imagines (same source).
_SAMPLE = 42
_FORMULAS = (
    "flesch_reading_ease",
    "flesch_kincaid_grade",
    "smog_index",
    "gunning_fog",
    "automated_readability_index",
    "coleman_liau_index",
    "dale_chall_readability_score",
)


def analyse(layer: TextLayer, context: Context) -> Result:  # noqa: ARG001 - the contract of an analyzer
    """Count a layer's own words.

    Returns:
        Features `{language, characters, ownWords, quotedShare, sentences, paragraphs, sentenceLength{mean, sd, median,
        longest}, wordLength, vocabulary{mtld, hdd, types}, readability}`; lengths in words, word length in letters;
        `vocabulary` and `readability` are None where the text is too short, `readability` where it is not English.

    Raises:
        Refusal: too_little_own_text, where no word is the person's own.
    """
    prose = prose_of(layer)
    words = [word for word, _, _ in prose.tokens]
    if not words:
        raise Refusal(ReasonCode.TOO_LITTLE_OWN_TEXT, "no words of the person's own: there is nothing to count")
    own = [sentence for sentence in prose.sentences if sentence.words]
    own_characters = sum(end - start for start, end in layer.own_spans())
    enough = len(words) >= _LEAST_WORDS
    return Result(
        {
            "language": layer.language,
            "characters": len(layer.text),
            "ownWords": len(words),
            "quotedShare": round(sum(end - start for start, end in prose.quoted) / max(own_characters, 1), 4),
            "sentences": len(own),
            "paragraphs": sum(segment.own for segment in layer.segments),
            "sentenceLength": _lengths([sentence.words for sentence in own]),
            "wordLength": round(fmean(len(word) for word in words), 3),
            "vocabulary": _vocabulary(words[:_MOST_WORDS]) if enough else None,
            "readability": _readability(prose) if enough and layer.language == "en" else None,
        }
    )


def _lengths(lengths: list[int]) -> dict[str, float]:
    ordered = sorted(lengths)
    return {
        "mean": round(fmean(ordered), 3),
        "sd": round(stdev(ordered), 3) if len(ordered) > 1 else 0.0,
        "median": float(ordered[len(ordered) // 2]),
        "longest": float(ordered[-1]),
    }


def _vocabulary(words: list[str]) -> dict[str, float]:
    return {
        "mtld": round((mtld(words) + mtld(words[::-1])) / 2, 2),
        "hdd": round(hdd(words), 4),
        "types": float(len(set(words))),
    }


def mtld(words: list[str]) -> float:
    """Mean length of stretches that keep a type-token ratio above .72, in one direction (McCarthy & Jarvis 2010)."""
    stretches, seen, length = 0.0, set[str](), 0
    for word in words:
        length += 1
        seen.add(word)
        if len(seen) / length <= _MTLD_END:
            stretches, seen, length = stretches + 1, set(), 0
    if length:
        stretches += (1 - len(seen) / length) / (1 - _MTLD_END)
    return len(words) / stretches if stretches else float(len(words))


def hdd(words: list[str]) -> float:
    """Expected type-token ratio of 42 words drawn at random: HD-D (McCarthy & Jarvis 2010).

    Each type contributes the probability that it is drawn at all, by the hypergeometric distribution.
    """
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    total = len(words)
    all_ways = _log_ways(total, _SAMPLE)
    missing: dict[int, float] = {}
    for count in set(counts.values()):
        rest = total - count
        missing[count] = exp(_log_ways(rest, _SAMPLE) - all_ways) if rest >= _SAMPLE else 0.0
    return sum(1 - missing[count] for count in counts.values()) / _SAMPLE


def _log_ways(things: int, chosen: int) -> float:
    return lgamma(things + 1) - lgamma(chosen + 1) - lgamma(things - chosen + 1)


class _Readability(textstatistics):  # type: ignore[misc]  # textstat is untyped
    """textstat with our counts of sentences and words."""

    def __init__(self, sentences: int, words: int) -> None:
        super().__init__()
        self._sentences = sentences
        self._words = words

    def sentence_count(self, text: str) -> int:  # noqa: ARG002 - textstat's signature
        """Own sentences."""
        return self._sentences

    def lexicon_count(self, text: str, removepunct: bool = True) -> int:  # noqa: ARG002, FBT001, FBT002 - textstat's
        """Own words."""
        return self._words


def _readability(prose: Prose) -> dict[str, Any]:
    """The formulas over the words that are read at most."""
    tokens = prose.tokens[:_MOST_WORDS]
    last = tokens[-1][2]
    counted = _Readability(sum(1 for s in prose.sentences if s.words and s.start < last), len(tokens))
    text = " ".join(word for word, _, _ in tokens)
    try:
        return {name: round(float(getattr(counted, name)(text)), 2) for name in _FORMULAS}
    finally:
        # textstat keeps the texts it was asked about in process-wide caches; setting its language empties them.
        counted.set_lang("en_US")
