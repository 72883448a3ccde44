"""Rules that read sentence classifiers (`text.sentiment_model`, `text.emotion_model`).

A classifier labels sentences; a label is no trait. Models without a neutral label find a feeling in every plain
sentence, so that their shares say nothing; a feeling of one day or one sad letter is no disposition; and no study
known here gives the validity of these labels for a lasting trait, so nothing is inferred. What is left is an
observation: a glad, thankful or fond tone that the model, although it could call sentences neutral, is sure of in
most parts of the text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from app.layers import Span
from app.traits.signals import Measured, Signal
from app.vocabulary import Authorship, ClaimKind, TraitCategory

#: Label that a model must have to be believed.
NEUTRAL = "neutral"
#: Labels that can be said of somebody without reading a bad day into them, and how. Negative ones are never proposed.
TONES = {
    "joy": "Expresses joy in many places",
    "gratitude": "Expresses gratitude in many places",
    "love": "Writes fondly in many places",
    "caring": "Writes caringly in many places",
    "admiration": "Expresses admiration in many places",
    "amusement": "Sounds amused in many places",
    "optimism": "Sounds hopeful in many places",
    "curiosity": "Sounds curious in many places",
}
#: Sentences that must have been read.
MIN_SENTENCES = 60
#: Share of sentences with the label: the lower bound of its interval.
MIN_SHARE = 0.15
#: Tenths of the text in which it is seen, and how sure the model is of it on average.
MIN_PARTS, MIN_SCORE = 7, 0.8
#: The model was trained on other people's texts; how often it errs on this one is not known.
MAX_CERTAINTY = 0.6
#: Writers who are not the person.
NOT_THE_PERSON = frozenset({Authorship.OTHER, Authorship.MIXED, Authorship.FICTION})


def signals(measured: Measured) -> Iterable[Signal]:
    """Tones that are frequent, sure and spread over the text; nothing from models that know no neutral sentence."""
    features = measured.features
    neutral = {label.casefold() for label in features["labels"]} & {NEUTRAL}
    if measured.authorship in NOT_THE_PERSON or not neutral or features["sentences"]["read"] < MIN_SENTENCES:
        return []
    return _tones(measured)


def _tones(measured: Measured) -> Iterator[Signal]:
    features = measured.features
    read = features["sentences"]["read"]
    for label, count in features["counts"].items():
        name = TONES.get(label.casefold())
        low, high = _wilson(count, read)
        if name is None or low < MIN_SHARE or features["parts"][label] < MIN_PARTS:
            continue
        if features["meanTopScore"][label] < MIN_SCORE:
            continue
        yield Signal(
            key=f"emotion:{label.casefold()}:expressed",
            name=name,
            description=(
                f"A local classifier reads {label.casefold()} in {count} of {read} sentences: {count / read:.0%} (95 % "
                f"interval {low:.0%}-{high:.0%}), seen in {features['parts'][label]} of 10 parts of "
                f"{features['ownWords']} own words. No norm to compare it with is at hand."
            ),
            category=TraitCategory.EMOTIONAL_RESPONSE_PATTERN,
            claim_kind=ClaimKind.OBSERVED,
            analyzer=measured.analyzer,
            feature_set_id=measured.feature_set_id,
            evidence=tuple(Span.from_json(best["span"]) for best in features["best"][label]),
            certainty=min(MAX_CERTAINTY, features["meanTopScore"][label]),
            specificity=0.4,
            occurrences=features["parts"][label],
            own_words=features["ownWords"],
            notes={"share": round(count / read, 3), "sentences": float(read)},
        )


def _wilson(count: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    z = 1.96
    share = count / n
    centre = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (centre - spread) / (1 + z * z / n), (centre + spread) / (1 + z * z / n)
