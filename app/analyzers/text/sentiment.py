"""Lexical sentiment: VADER on each own sentence.

VADER (Hutto & Gilbert 2014, doi 10.1609/icwsm.v8i1.14550; MIT) is a rule-based scorer for English short texts; its
compound score runs from -1 to 1. What it misses is irony. A text's sentiment is its writer's mood on that day at most,
so nothing is proposed from these figures alone.
"""

from __future__ import annotations

from functools import cache
from statistics import fmean, pstdev
from typing import Any

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # type: ignore[import-untyped]

from app.analysis import Context, Result
from app.errors import Refusal
from app.layers import TextLayer
from app.prose import Prose, Sentence, prose_of
from app.vocabulary import ReasonCode

#: Sentences scored at most, evenly spread: the standard error of the mean is below .03, and a book takes no minute.
_MOST_SENTENCES = 400
#: Code points of a sentence that are scored: beyond, what looks like one sentence is a table or a text without stops.
_MOST_CHARACTERS = 1000
#: Compound scores from which VADER's authors call a text positive or negative.
_POLAR = 0.05
#: Strongest sentences kept of either sign.
_KEPT = 5


def analyse(layer: TextLayer, context: Context) -> Result:  # noqa: ARG001 - the contract of an analyzer
    """Score the person's own sentences.

    Returns:
        Features `{sentences, scored, mean, sd, positiveShare, negativeShare, neutralShare, strongestPositive,
        strongestNegative}`; scores are VADER's compound, -1 to 1; the strongest are `{score, span}`, best first.

    Raises:
        Refusal: unsupported_type where the text is not English; too_little_own_text where nothing is the person's own.
    """
    if layer.language != "en":
        raise Refusal(ReasonCode.UNSUPPORTED_TYPE, "only English: VADER's lexicon has no other language")
    prose = prose_of(layer)
    own = [sentence for sentence in prose.sentences if not sentence.quoted and sentence.words]
    if not own:
        raise Refusal(ReasonCode.TOO_LITTLE_OWN_TEXT, "no words of the person's own: there is nothing to score")
    chosen = _spread(own)
    scored = [(_score(prose, sentence), sentence) for sentence in chosen]
    scores = [score for score, _ in scored]
    return Result(
        {
            "sentences": len(own),
            "scored": len(chosen),
            "mean": round(fmean(scores), 4),
            "sd": round(pstdev(scores), 4),
            "positiveShare": round(sum(score >= _POLAR for score in scores) / len(scores), 4),
            "negativeShare": round(sum(score <= -_POLAR for score in scores) / len(scores), 4),
            "neutralShare": round(sum(abs(score) < _POLAR for score in scores) / len(scores), 4),
            "strongestPositive": _strongest(layer, scored, 1),
            "strongestNegative": _strongest(layer, scored, -1),
        },
        model="vader-3.3.2",
    )


def _spread(own: list[Sentence]) -> list[Sentence]:
    """All sentences, or as many as are scored at most, evenly spread."""
    step = max(len(own) / _MOST_SENTENCES, 1.0)
    return [own[int(index * step)] for index in range(min(len(own), _MOST_SENTENCES))]


def _score(prose: Prose, sentence: Sentence) -> float:
    """VADER's compound score of a sentence's own words; its lists have straight apostrophes."""
    end = min(sentence.end, sentence.start + _MOST_CHARACTERS)
    kept, position = [], sentence.start
    for start, stop in prose.quoted_in(sentence.start, end):
        kept.append(prose.layer.text[position:start])
        position = stop
    kept.append(prose.layer.text[position:end])
    return float(_vader().polarity_scores(" ".join(kept).replace("’", "'"))["compound"])  # noqa: RUF001 - it is meant


def _strongest(layer: TextLayer, scored: list[tuple[float, Sentence]], sign: int) -> list[dict[str, Any]]:
    """The sentences with the strongest scores of one sign."""
    ordered = sorted((row for row in scored if sign * row[0] >= _POLAR), key=lambda row: -sign * row[0])
    return [
        {"score": round(score, 4), "span": layer.span(sentence.start, sentence.end).as_json()}
        for score, sentence in ordered[:_KEPT]
    ]


@cache
def _vader() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()
