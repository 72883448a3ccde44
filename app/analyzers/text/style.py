"""Linguistic style: counted habits of the person's own words, each with its interval and instances.

Nothing is judged here: what stands out from a norm group is the business of `app.traits.rules_habits`. Word lists are
English; other languages get the marks that need none. Quoted speech is left out throughout.
"""

from __future__ import annotations

from typing import Any

from app.analysis import Context, Result
from app.analyzers.text.style_figures import byar, mean_interval, wilson
from app.analyzers.text.style_lexicon import english
from app.analyzers.text.style_marks import MEASURES, PER_SENTENCE, Marks, read
from app.analyzers.text.style_register import kind_of
from app.errors import Refusal
from app.layers import TextLayer
from app.prose import prose_of
from app.vocabulary import ReasonCode, SegmentKind

#: Instances kept of each habit, and of what only grammar and psychology read.
_KEPT, _KEPT_CLASS = 12, 4
#: Code points of a sentence that reads well as evidence; where hardly any has them, the wider range.
_READABLE, _WIDER = (40, 300), (25, 520)
_FEW = 3
_ANY_LANGUAGE = (
    "questions",
    "exclamations",
    "emoji",
    "ellipses",
    "dashes",
    "parentheses",
    "semicolons",
    "long_words",
    "numbers",
)


def analyse(layer: TextLayer, context: Context) -> Result:  # noqa: ARG001 - the contract of an analyzer
    """Count the habits of a layer.

    Returns:
        Features `{ownWords, sentences, language, register, registerWhy, era, eraWhy, addressed, firstPerson,
        habits}`;
        `firstPerson` in 100 own words; `habits` by key: `{count, exposure, unit, rate, interval, instances}`, for
        measures `sd` and `lowInstances` too.

    Raises:
        Refusal: too_little_own_text, where no word is the person's own.
    """
    prose = prose_of(layer)
    if not prose.own_word_count:
        raise Refusal(ReasonCode.TOO_LITTLE_OWN_TEXT, "no words of the person's own: there is nothing to count")
    is_english = layer.language == "en"
    marks = read(prose, english_lists=is_english)
    kind = kind_of(prose, marks.counts if is_english else {})
    features: dict[str, Any] = {
        "ownWords": marks.words,
        "sentences": len(marks.sentences),
        "language": layer.language,
        "register": str(kind.register),
        "registerWhy": kind.why,
        "era": kind.era,
        "eraWhy": kind.era_why,
        "addressed": kind.addressed,
        "firstPerson": round(prose.first_person_rate, 3),
        "habits": _habits(layer, marks, is_english=is_english),
    }
    return Result(features)


def _habits(layer: TextLayer, marks: Marks, *, is_english: bool) -> dict[str, Any]:
    keys = [*_ANY_LANGUAGE]
    classes: frozenset[str] = frozenset()
    if is_english:
        classes = english().classes
        keys += sorted({*english().habits, *classes, "loose_starts", "requests_direct"})
    pool = _Pool(layer, marks)
    habits = {}
    for key in keys:
        figures = _rate(marks, key)
        figures["instances"] = pool.pick(marks.places.get(key, []), _KEPT_CLASS if key in classes else _KEPT)
        habits[key] = figures
    return habits | _measures(marks, pool)


def _rate(marks: Marks, key: str) -> dict[str, Any]:
    count = marks.counts[key]
    if key in PER_SENTENCE:
        exposure = len(marks.sentences)
        low, high = (100 * bound for bound in wilson(count, exposure))
        rate, unit = 100 * count / max(exposure, 1), "100 sentences"
    else:
        exposure = marks.words
        low, high = (1000 * bound / exposure for bound in byar(count))
        rate, unit = 1000 * count / exposure, "1000 words"
    interval = [round(low, 3), round(high, 3)]
    return {"count": count, "exposure": exposure, "unit": unit, "rate": round(rate, 3), "interval": interval}


def _measures(marks: Marks, pool: _Pool) -> dict[str, Any]:
    found = {}
    for key, values in (("sentence_length", marks.lengths), ("message_length", marks.messages)):
        if key not in MEASURES or not values:
            continue
        mean, spread, low, high = mean_interval(values)
        found[key] = {
            "count": len(values),
            "exposure": len(values),
            "unit": "words",
            "rate": round(mean, 3),
            "interval": [round(low, 3), round(high, 3)],
            "sd": round(spread, 3),
            "instances": pool.pick([(place, n) for place, n in enumerate(marks.lengths) if n > mean], _KEPT),
            "lowInstances": pool.pick([(place, 1) for place, n in enumerate(marks.lengths) if n < mean], _KEPT),
        }
    return found


class _Pool:
    """Picks instances: readable sentences, spread over the whole text, each span made once."""

    def __init__(self, layer: TextLayer, marks: Marks) -> None:
        self._layer = layer
        self._sentences = marks.sentences
        self._spans: dict[int, dict[str, Any]] = {}
        self._readable = [self._fits(place, _READABLE) for place in range(len(marks.sentences))]

    def pick(self, places: list[tuple[int, int]], limit: int) -> list[dict[str, Any]]:
        """Up to `limit` spans out of (index of the sentence, marks in it): of each equal stretch what shows most."""
        chosen = [(place, times) for place, times in places if self._readable[place]]
        if len(chosen) < _FEW:
            chosen = [(place, times) for place, times in places if self._fits(place, _WIDER)]
        best: dict[int, tuple[float, int]] = {}
        total = len(self._sentences)
        for place, times in chosen:
            stretch = place * limit // total
            worth = times / (self._size(place) + 60)
            if stretch not in best or worth > best[stretch][0]:
                best[stretch] = (worth, place)
        return [self._span(place) for _, place in sorted(best.values(), key=lambda found: found[1])]

    def _size(self, place: int) -> int:
        return self._sentences[place].end - self._sentences[place].start

    def _fits(self, place: int, bounds: tuple[int, int]) -> bool:
        """Whether a sentence has that size and is whole: no bracket left open, and written prose has its full stop."""
        if not bounds[0] <= self._size(place) <= bounds[1]:
            return False
        sentence = self._sentences[place]
        content = self._layer.text[sentence.start : sentence.end]
        spoken = self._layer.segments[sentence.segment].kind in {SegmentKind.MESSAGE, SegmentKind.UTTERANCE}
        return content.count("(") == content.count(")") and (spoken or content[-1] not in ",:;-–—")  # noqa: RUF001 - dashes

    def _span(self, place: int) -> dict[str, Any]:
        if place not in self._spans:
            sentence = self._sentences[place]
            self._spans[place] = self._layer.span(sentence.start, sentence.end).as_json()
        return self._spans[place]
