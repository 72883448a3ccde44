"""Dispositions inferred from word classes: the Big Five, by cues that were replicated across studies.

Switched off unless `ECHO_INFER_DISPOSITIONS` is set (`docs/decisions/0007-dispositions.md` says why). Signs of the cues
are those of Ireland & Mehl (Oxford Handbook of Language and Social Psychology, Table 2), sizes those of Yarkoni 2010.

A trait's cues are one composite: the sum of their standardised rates, each with its sign, standardised again over the
norm group, so that cues which go together are not counted twice. Its validity follows from the cues' own,
`sum(r) / sd of the sum`, and is never believed to be above .30, that of text in general (Moreno et al. 2021).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

from app.layers import Span
from app.traits.norms import RELIABLE, Group, group, reliability
from app.traits.signals import Measured, Signal, Study
from app.vocabulary import Authorship, ClaimKind, Register, TraitCategory
from config.settings import settings

#: Validity of text in general: the most that a composite of cues is believed to have.
HIGHEST_R = 0.30
#: Standardised, shrunk score from which a direction is worth saying.
STANDS_OUT = 1.0
MOST = 2
LEAST_WORDS, LEAST_EVIDENCE, MOST_EVIDENCE = 350, 3, 5
_STUDY = Study("10.1016/j.jrp.2010.04.001", 0.0, 694, "bloggers writing English")


@dataclass(frozen=True, slots=True)
class Disposition:
    """A trait and its cues.

    Attributes:
        name: what is proposed where the score is high.
        category: `traitCategory`.
        cues: by counted class, its correlation with the trait.
        private: it shows in text that was written for oneself or for one reader only (Tackman et al. 2019).
    """

    name: str
    category: TraitCategory
    cues: Mapping[str, float]
    private: bool = False


#: Swearing is a cue too, but the norm corpora were cleaned of it; of money, death, leisure and inhibition no size is at
#: hand.
DISPOSITIONS: dict[str, Disposition] = {
    "extraversion": Disposition(
        "Some signs of sociability",
        TraitCategory.BEHAVIORAL_PATTERN,
        {"second_person": 0.16, "first_plural": 0.11, "positive_feeling": 0.10, "social": 0.15, "tentative": -0.11},
    ),
    "agreeableness": Disposition(
        "Some signs of warmth towards others",
        TraitCategory.BEHAVIORAL_PATTERN,
        {
            "first_plural": 0.18,
            "positive_feeling": 0.18,
            "social": 0.13,
            "home": 0.19,
            "family": 0.19,
            "anger": -0.23,
        },
    ),
    "openness": Disposition(
        "Some signs of openness to ideas",
        TraitCategory.BEHAVIORAL_PATTERN,
        {"articles": 0.20, "prepositions": 0.17, "personal_pronouns": -0.21, "family": -0.17, "home": -0.20},
    ),
    "conscientiousness": Disposition(
        "Some signs of conscientiousness",
        TraitCategory.BEHAVIORAL_PATTERN,
        {"achievement": 0.14, "negative_feeling": -0.18},
    ),
    "neuroticism": Disposition(
        "Some signs of worrying",
        TraitCategory.EMOTIONAL_RESPONSE_PATTERN,
        {"first_singular": 0.12, "negative_feeling": 0.16},
        private=True,
    ),
}


def signals(measured: Measured, *, enabled: bool | None = None) -> Iterator[Signal]:
    """Dispositions that the person's words speak for, strongest first, at most `MOST`.

    Args:
        measured: features of text.style.
        enabled: whether to infer at all; `Settings.infer_dispositions` where None.
    """
    if not (settings().infer_dispositions if enabled is None else enabled):
        return
    features = measured.features
    norm = group(features["register"], features["language"])
    if norm is None or features["language"] != "en" or features["ownWords"] < LEAST_WORDS:
        return
    # An inference is about the writer: that the text is their own must have been said.
    if measured.authorship is not Authorship.SELF or _of_another_era(features):
        return
    found = [
        signal
        for key, disposition in DISPOSITIONS.items()
        if not disposition.private or features["register"] in {Register.LETTERS_DIARIES, Register.CHAT}
        if (signal := _signal(measured, norm, key, disposition)) is not None
    ]
    yield from sorted(found, key=lambda signal: -signal.distance)[:MOST]


def _of_another_era(features: Mapping[str, Any]) -> bool:
    """Whether the norm group wrote in another era than the person."""
    return bool((features["register"] == Register.LETTERS_DIARIES) != (features["era"] == "early")) and features[
        "register"
    ] in {Register.LETTERS_DIARIES, Register.ESSAY_BLOG}


def composite(rates: Mapping[str, float], figures: Mapping[str, Mapping[str, Any]], cues: Mapping[str, float]) -> float:
    """Sum of the cues' standardised rates, each with the sign of its correlation; square-root scale."""
    total = 0.0
    for key, r in cues.items():
        standardised = (sqrt(rates[key]) - float(figures[key]["rootMean"])) / float(figures[key]["rootSd"])
        total += standardised if r > 0 else -standardised
    return total


def _signal(measured: Measured, norm: Group, key: str, disposition: Disposition) -> Signal | None:
    features = measured.features
    standard = norm.dispositions.get(key)
    if standard is None or any(cue not in features["habits"] for cue in disposition.cues):
        return None
    trust = reliability(standard["reliability"], features["ownWords"])
    if trust is None or trust < RELIABLE:
        return None
    rates = {cue: features["habits"][cue]["rate"] for cue in disposition.cues}
    raw = composite(rates, norm.habits, disposition.cues) / standard["sd"]
    z = trust * raw
    evidence = _evidence(features, norm, disposition)
    if z < STANDS_OUT or len(evidence) < LEAST_EVIDENCE:
        return None
    validity = min(sum(map(abs, disposition.cues.values())) / standard["sd"], HIGHEST_R)
    words = ", ".join(f"{'more' if r > 0 else 'fewer'} {_CLASSES[cue]}" for cue, r in disposition.cues.items())
    return Signal(
        key=f"disposition:{key}:high",
        name=disposition.name,
        description=(
            f"Taken together, {words}: {raw:.1f} standard deviations ({z:.1f} after allowing for chance) from "
            f"{norm.label}, in {features['ownWords']:,} own words; word counts correlate with this trait by "
            f"r = {validity:.2f} at most (Yarkoni 2010, N = {_STUDY.n})."
        ),
        category=disposition.category,
        claim_kind=ClaimKind.INFERRED,
        analyzer=measured.analyzer,
        feature_set_id=measured.feature_set_id,
        evidence=evidence,
        certainty=round(min(trust, 0.95), 4),
        distance=round(z, 3),
        specificity=0.4,
        occurrences=len(evidence),
        own_words=features["ownWords"],
        study=Study(_STUDY.doi, round(validity, 3), _STUDY.n, _STUDY.population),
        z=round(z, 3),
        notes={"composite (SD)": round(raw, 2), "reliability at this length": round(trust, 2)},
    )


def _evidence(features: Mapping[str, Any], norm: Group, disposition: Disposition) -> tuple[Span, ...]:
    """Instances of the cues that speak for the trait, the farthest from the norm first."""
    found: dict[int, Span] = {}
    towards = [cue for cue, r in disposition.cues.items() if r > 0]
    for cue in sorted(towards, key=lambda cue: -features["habits"][cue]["rate"] / max(norm.habits[cue]["mean"], 0.01)):
        for span in features["habits"][cue]["instances"]:
            found.setdefault(span["start"], Span.from_json(span))
    return tuple(found.values())[:MOST_EVIDENCE]


_CLASSES = {
    "second_person": "you-words",
    "first_plural": "we-words",
    "first_singular": "I-words",
    "positive_feeling": "words of good feeling",
    "negative_feeling": "words of bad feeling",
    "social": "words about people and talk",
    "tentative": "tentative words",
    "home": "words about home",
    "family": "words about family",
    "anger": "angry words",
    "articles": "articles",
    "prepositions": "prepositions",
    "personal_pronouns": "personal pronouns",
    "achievement": "words about achieving",
}
