"""Confidence: what the measurements support, what the method can show at most, and what this person's decisions say.

The figure shown is built in steps, each of which moves it up or down; the moves are the explanation, so it adds up by
construction. Two scales: a stated fact or an observed habit starts at nothing and can reach its ceiling; an inferred
disposition starts at an even chance, since it says on which side of the median somebody is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist
from typing import Any, Protocol

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
#: Ceilings are summed in millionths: integers can be taken out of a sum again without leaving anything behind.
_MILLIONTHS = 1_000_000


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


class Weighable(Protocol):
    """What strength is computed from: a measurement, or what holds one."""

    @property
    def certainty(self) -> float: ...  # noqa: D102 - as in Measurement, and so below
    @property
    def own_words(self) -> int: ...  # noqa: D102
    @property
    def occurrences(self) -> int: ...  # noqa: D102
    @property
    def timed(self) -> bool: ...  # noqa: D102


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


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all measurements of one kind: what a figure needs of those packages that are not looked at again.

    Attributes:
        packages: how many.
        occurrences: independent places.
        counter: places that speak against it.
        words: own words, at least one for each package.
        reach: words times what each package can show at most, in millionths; inferred ones only.
    """

    packages: int = 0
    occurrences: int = 0
    counter: int = 0
    words: int = 0
    reach: int = 0

    @classmethod
    def of(cls, kind: ClaimKind, measurement: Measurement) -> Totals:
        """Those of one package."""
        words = max(measurement.own_words, 1)
        most = 0.0
        if kind is ClaimKind.INFERRED:
            study, z = measurement.study, measurement.z
            most = inferred_ceiling(study.r, z) if study and z is not None else 0.5
        occurrences = max(measurement.occurrences, 1)
        return cls(1, occurrences, measurement.counter, words, round(words * most * _MILLIONTHS))

    @classmethod
    def over(cls, kind: ClaimKind, measurements: Iterable[Measurement]) -> Totals:
        """Those of several packages."""
        whole = cls()
        for measurement in measurements:
            whole = whole.with_(cls.of(kind, measurement))
        return whole

    def with_(self, other: Totals) -> Totals:
        """Both together."""
        return Totals(
            self.packages + other.packages,
            self.occurrences + other.occurrences,
            self.counter + other.counter,
            self.words + other.words,
            self.reach + other.reach,
        )

    def without(self, other: Totals) -> Totals:
        """What is left when a part is taken out; exact, since all figures are integers."""
        return Totals(
            self.packages - other.packages,
            self.occurrences - other.occurrences,
            self.counter - other.counter,
            self.words - other.words,
            self.reach - other.reach,
        )

    def as_json(self) -> dict[str, int]:
        """Figures by name."""
        return {
            "packages": self.packages,
            "occurrences": self.occurrences,
            "counter": self.counter,
            "words": self.words,
            "reach": self.reach,
        }


def ceiling(kind: ClaimKind, totals: Totals) -> float:
    """The most that claims of this kind can show; for inferred ones the mean over packages, weighed by their words."""
    if kind is ClaimKind.STATED:
        return CEILING_STATED
    if kind is not ClaimKind.INFERRED:
        return CEILING_OBSERVED
    return totals.reach / totals.words / _MILLIONTHS


def amount(kind: ClaimKind, measurement: Weighable) -> float:
    """Weight of the amount of own text: .6 at 100 words, 1 from 3,000; stated facts and seconds of sound need none."""
    if kind is ClaimKind.STATED or measurement.timed or measurement.own_words >= FULL_WORDS:
        return 1.0
    if measurement.own_words <= LEAST_WORDS:
        return LEAST_AMOUNT * measurement.own_words / LEAST_WORDS
    grown = math.log(measurement.own_words / LEAST_WORDS) / math.log(FULL_WORDS / LEAST_WORDS)
    return LEAST_AMOUNT + (1 - LEAST_AMOUNT) * grown


def repeated(kind: ClaimKind, measurement: Weighable) -> float:
    """Weight of the number of places where it was seen."""
    weights = _REPEATED.get(kind, _REPEATED[ClaimKind.OBSERVED])
    return weights[min(max(measurement.occurrences, 1), len(weights)) - 1]


def strength(kind: ClaimKind, measurement: Weighable) -> float:
    """What one package supports by itself, counter-evidence aside: 0 to 1."""
    return measurement.certainty * amount(kind, measurement) * repeated(kind, measurement)


def assess(kind: ClaimKind, measurements: Sequence[Measurement], record: TrackRecord | None = None) -> Confidence:
    """The confidence of a candidate from all its packages.

    Args:
        kind: claim kind.
        measurements: one per package, at least one; several models that read the same text are one measurement.
        record: this person's decisions about the source.

    Returns:
        As `assess_strongest`.
    """
    weighed = sorted(((strength(kind, m), m) for m in measurements), key=lambda one: -one[0])
    totals = Totals.over(kind, measurements)
    return assess_strongest(kind, weighed[0][1], [strong for strong, _ in weighed], totals, record or TrackRecord())


def assess_strongest(
    kind: ClaimKind, first: Measurement, strengths: Sequence[float], totals: Totals, record: TrackRecord
) -> Confidence:
    """The confidence of a candidate from its strongest packages.

    Args:
        kind: claim kind.
        first: the strongest measurement.
        strengths: of the strongest packages, `first` included, highest first.
        totals: over all packages.
        record: this person's decisions about the source.

    Returns:
        All figures rounded to four digits, in such a way that the rounded contributions add up to the rounded figure.
    """
    together = _together(strengths)
    steps = [*_steps(kind, first, together, totals, record)]
    explain: list[tuple[str, float, str]] = []
    before = 0.0
    for label, reached, detail in steps:
        after = round(reached, _DIGITS)
        value = round(after - before, _DIGITS)
        if value:
            explain.append((label, value, detail))
        before = after
    return Confidence(
        support=round(together * (1 - _against(totals)), _DIGITS),
        ceiling=round(ceiling(kind, totals), _DIGITS),
        track_record=round(record.share, _DIGITS),
        shown=before,
        explain=tuple(explain),
    )


def _together(strengths: Iterable[float]) -> float:
    """Noisy-or over packages, strongest first, each further one damped."""
    return 1 - math.prod(1 - strong * DAMPING**index for index, strong in enumerate(strengths))


def _against(totals: Totals) -> float:
    return COUNTER_WEIGHT * totals.counter / (totals.counter + totals.occurrences)


def _steps(
    kind: ClaimKind, first: Measurement, together: float, totals: Totals, record: TrackRecord
) -> Iterator[tuple[str, float, str]]:
    """(label, figure reached, detail) after each step."""
    floor = 0.5 if kind is ClaimKind.INFERRED else 0.0
    top = ceiling(kind, totals)

    def figure(support: float, most: float = 1.0) -> float:
        return floor + (most - floor) * support

    yield "starting point", floor, "an even chance: above or below the median"
    measured = first.certainty
    yield "measurement", figure(measured), _measured(first)
    measured *= amount(kind, first)
    yield "amount of text", figure(measured), f"{first.own_words} own words; full weight from {FULL_WORDS}"
    measured *= repeated(kind, first)
    yield "places", figure(measured), f"seen in {first.occurrences}; full weight from 3"
    others = f"{totals.packages - 1} more, each counted half as much as the one before"
    yield "other packages", figure(together), others
    measured = together * (1 - _against(totals))
    yield "counter-evidence", figure(measured), f"{totals.counter} places speak against it"
    limited = figure(measured, top)
    yield "limit of the method", limited, _limit(kind, top, first)
    swing = 2 * RECORD_WEIGHT * (record.share - 0.5)
    judged = limited + swing * (top - limited if swing > 0 else limited)
    yield "your decisions", judged, f"{record.confirmed} confirmed, {record.rejected} rejected from this source"


def _measured(measurement: Measurement) -> str:
    notes = "".join(f"; {label} {value:g}" for label, value in sorted(measurement.notes))
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
