"""Confidence: what the measurements support, what the method can show at most, and what this person's decisions say.

The figure shown is built in steps, each of which moves it up or down; the moves are the explanation, so it adds up by
construction. Two scales: a stated fact or an observed habit starts at nothing and can reach its ceiling; an inferred
disposition starts at an even chance, since it says on which side of the median somebody is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist
from typing import Any

from app.traits.signals import Study
from app.vocabulary import ClaimKind

#: What is left for error where only the reading of the text can be wrong: misread, ironic, somebody else's words.
CEILING_STATED = 0.98
#: As above, and a norm group that may not fit the person's situation.
CEILING_OBSERVED = 0.97
#: Highest validity believed of any text cue: the credible upper limit over 220 papers (Novikov et al. 2021, arXiv
#: 2103.09632).
HIGHEST_R = 0.48
#: No study reports how cues behave beyond two standard deviations; further out the straight line is not believed.
HIGHEST_Z = 2.0

#: Own words below which nothing is weighed fully, and below which nothing is proposed (traits.md section 1).
FULL_WORDS = 3000
LEAST_WORDS = 100
#: Weight of a measurement on the least text; it grows with the logarithm of the words, as intervals shrink.
LEAST_AMOUNT = 0.6
#: Each further package counts half as much as the one before: one person's texts are not independent witnesses.
DAMPING = 0.5
#: The most that counter-evidence takes away, approached where it is as frequent as the evidence and beyond.
COUNTER_WEIGHT = 0.5
#: Decisions imagined beforehand, half of them confirmations (a Beta(2, 2) prior): one decision says little.
PRIOR_DECISIONS = 4
#: The most that the person's decisions about a source move a figure, as a share of the way up or down.
RECORD_WEIGHT = 0.3

#: Weight by the number of independent places: a habit wants instances, a plainly stated fact hardly any.
_REPEATED = {
    ClaimKind.STATED: (0.9, 0.95, 1.0),
    ClaimKind.OBSERVED: (0.7, 0.85, 1.0),
    ClaimKind.INFERRED: (1.0, 1.0, 1.0),
}
_DIGITS = 4


class Grade(StrEnum):
    """What people see instead of the number."""

    WEAK = "weak"
    FAIR = "fair"
    STRONG = "strong"


def grade(shown: float) -> Grade:
    """The grade of a shown confidence: weak below .6, strong from .8."""
    if shown >= 0.8:
        return Grade.STRONG
    return Grade.FAIR if shown >= 0.6 else Grade.WEAK


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one package says about a trait.

    Attributes:
        certainty: 0 to 1, of the measurement itself.
        own_words: of the text it rests on.
        occurrences: independent places where it was seen.
        counter: proven places that speak against it.
        timed: it rests on seconds of a recording and on no words.
        study: published validity, for inferred ones.
        z: standardised score, for inferred ones, after shrinking.
        notes: further measured figures by label.
    """

    certainty: float
    own_words: int = 0
    occurrences: int = 1
    counter: int = 0
    timed: bool = False
    study: Study | None = None
    z: float | None = None
    notes: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """This person's decisions about candidates of the same source (model and claim kind).

    Attributes:
        confirmed: as they were or modified.
        rejected: as wrong.
    """

    confirmed: int = 0
    rejected: int = 0

    @property
    def share(self) -> float:
        """Share confirmed, smoothed: .5 where there are no decisions."""
        return (self.confirmed + PRIOR_DECISIONS / 2) / (self.confirmed + self.rejected + PRIOR_DECISIONS)


@dataclass(frozen=True, slots=True)
class Confidence:
    """`confidence` of a candidate.

    Attributes:
        support: 0 to 1, from the measurements.
        ceiling: the most that the method can show.
        track_record: share of this source's candidates that the person confirmed, smoothed.
        shown: the figure; the values of `explain` add up to it.
        explain: (label, contribution, detail).
    """

    support: float
    ceiling: float
    track_record: float
    shown: float
    explain: tuple[tuple[str, float, str], ...]

    def as_json(self) -> dict[str, Any]:
        """The shape of design.md section 6."""
        return {
            "support": self.support,
            "ceiling": self.ceiling,
            "trackRecord": self.track_record,
            "shown": self.shown,
            "explain": [{"label": label, "value": value, "detail": detail} for label, value, detail in self.explain],
        }


def inferred_ceiling(r: float, z: float) -> float:
    """P(trait above the median) for a cue of validity r and a standardised score z: Phi(r z / sqrt(1 - r^2)).

    Both are taken within what is believed of any text cue, so that r = .30 never shows more than .74.
    """
    r, z = min(abs(r), HIGHEST_R), min(abs(z), HIGHEST_Z)
    return NormalDist().cdf(r * z / math.sqrt(1 - r * r))


def ceiling(kind: ClaimKind, measurements: Sequence[Measurement]) -> float:
    """The most that claims of this kind can show; for inferred ones the mean over packages, weighed by their words."""
    if kind is ClaimKind.STATED:
        return CEILING_STATED
    if kind is not ClaimKind.INFERRED:
        return CEILING_OBSERVED
    weights = [max(m.own_words, 1) for m in measurements]
    ceilings = [inferred_ceiling(m.study.r, m.z) if m.study and m.z is not None else 0.5 for m in measurements]
    return sum(w * c for w, c in zip(weights, ceilings, strict=True)) / sum(weights)


def amount(kind: ClaimKind, measurement: Measurement) -> float:
    """Weight of the amount of own text: .6 at 100 words, 1 from 3,000; stated facts and seconds of sound need none."""
    if kind is ClaimKind.STATED or measurement.timed or measurement.own_words >= FULL_WORDS:
        return 1.0
    if measurement.own_words <= LEAST_WORDS:
        return LEAST_AMOUNT * measurement.own_words / LEAST_WORDS
    grown = math.log(measurement.own_words / LEAST_WORDS) / math.log(FULL_WORDS / LEAST_WORDS)
    return LEAST_AMOUNT + (1 - LEAST_AMOUNT) * grown


def repeated(kind: ClaimKind, measurement: Measurement) -> float:
    """Weight of the number of places where it was seen."""
    weights = _REPEATED.get(kind, _REPEATED[ClaimKind.OBSERVED])
    return weights[min(max(measurement.occurrences, 1), len(weights)) - 1]


def strength(kind: ClaimKind, measurement: Measurement) -> float:
    """What one package supports by itself, counter-evidence aside: 0 to 1."""
    return measurement.certainty * amount(kind, measurement) * repeated(kind, measurement)


def assess(kind: ClaimKind, measurements: Sequence[Measurement], record: TrackRecord | None = None) -> Confidence:
    """The confidence of a candidate.

    Args:
        kind: claim kind.
        measurements: one per package, at least one; several models that read the same text are one measurement.
        record: this person's decisions about the source.

    Returns:
        All figures rounded to four digits, in such a way that the rounded contributions add up to the rounded figure.
    """
    record = record or TrackRecord()
    ordered = sorted(measurements, key=lambda m: -strength(kind, m))
    steps = [*_steps(kind, ordered, record)]
    explain: list[tuple[str, float, str]] = []
    before = 0.0
    for label, reached, detail in steps:
        after = round(reached, _DIGITS)
        value = round(after - before, _DIGITS)
        if value:
            explain.append((label, value, detail))
        before = after
    return Confidence(
        support=round(_support(kind, ordered), _DIGITS),
        ceiling=round(ceiling(kind, ordered), _DIGITS),
        track_record=round(record.share, _DIGITS),
        shown=before,
        explain=tuple(explain),
    )


def _support(kind: ClaimKind, ordered: Sequence[Measurement]) -> float:
    return _together(kind, ordered) * (1 - _against(ordered))


def _together(kind: ClaimKind, ordered: Sequence[Measurement]) -> float:
    """Noisy-or over packages, strongest first, each further one damped."""
    doubt = math.prod(1 - strength(kind, m) * DAMPING**index for index, m in enumerate(ordered))
    return 1 - doubt


def _against(measurements: Sequence[Measurement]) -> float:
    counter = sum(m.counter for m in measurements)
    return COUNTER_WEIGHT * counter / (counter + sum(max(m.occurrences, 1) for m in measurements))


def _steps(kind: ClaimKind, ordered: Sequence[Measurement], record: TrackRecord) -> Iterator[tuple[str, float, str]]:
    """(label, figure reached, detail) after each step."""
    first = ordered[0]
    floor = 0.5 if kind is ClaimKind.INFERRED else 0.0
    top = ceiling(kind, ordered)

    def figure(support: float, most: float = 1.0) -> float:
        return floor + (most - floor) * support

    yield "starting point", floor, "an even chance: above or below the median"
    measured = first.certainty
    yield "measurement", figure(measured), _measured(first)
    measured *= amount(kind, first)
    yield "amount of text", figure(measured), f"{first.own_words} own words; full weight from {FULL_WORDS}"
    measured *= repeated(kind, first)
    yield "places", figure(measured), f"seen in {first.occurrences}; full weight from 3"
    measured = _together(kind, ordered)
    yield "other packages", figure(measured), f"{len(ordered) - 1} more, each counted half as much as the one before"
    measured = _support(kind, ordered)
    yield "counter-evidence", figure(measured), f"{sum(m.counter for m in ordered)} places speak against it"
    limited = figure(measured, top)
    yield "limit of the method", limited, _limit(kind, top, first)
    swing = 2 * RECORD_WEIGHT * (record.share - 0.5)
    judged = limited + swing * (top - limited if swing > 0 else limited)
    yield "your decisions", judged, f"{record.confirmed} confirmed, {record.rejected} rejected from this source"


def _measured(measurement: Measurement) -> str:
    notes = "".join(f"; {label} {value:g}" for label, value in measurement.notes)
    return f"certainty of the measurement {measurement.certainty:.2f}{notes}"


def _limit(kind: ClaimKind, top: float, first: Measurement) -> str:
    if kind is not ClaimKind.INFERRED:
        return f"claims of this kind show {top:.2f} at most"
    study = first.study
    if study is None or first.z is None:
        return "no published validity: no more than an even chance"
    return (
        f"text allows {top:.2f} at most: r = {study.r:.2f}, N = {study.n} {study.population}, doi {study.doi}; "
        f"z = {first.z:.1f}"
    )
