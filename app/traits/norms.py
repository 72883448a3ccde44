"""Norm groups: what other people's rates are, so that "often" has a "compared with what".

The figures are `data/norms-1.json`, computed by `scripts/norms.py` (`data/README.md` says what each means). Rates are
compared on a square-root scale, on which counts of rare marks are nearly normal.

- A difference is shrunk by the measure's split-half reliability at the text's length (Kelley's regression to the mean):
  the expected true place of a person at distance z is `reliability * z`, with a spread of `sqrt(1 - reliability)`.
- Reliability is known at 350, 1,000 and 3,000 words. Between two of them `reliability / (1 - reliability)`, which by
  Spearman-Brown grows in proportion to length, is interpolated on logarithmic scales; below and beyond them it is
  extended in proportion to length, up to .95, since a longer text of the same days says no more about other days.
- A group's own mean is known no better than its number of writers allows: differences are divided by
  `sd * sqrt(1 + 1/n)` (Crawford & Howell 1998, doi 10.1076/clin.12.4.482.7241).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp, log, sqrt
from statistics import NormalDist
from typing import Any

#: Below this a measure says too little about a text of that length.
RELIABLE = 0.6
_MOST_RELIABLE = 0.95
_FILE = "norms-1.json"
_QUARTILE = NormalDist().inv_cdf(0.75)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A rate beside a norm group.

    Attributes:
        habit: key of the habit.
        group: the norm group.
        mean: of the group, in the habit's unit.
        z: distance from the group's mean in standard deviations, on the square-root scale.
        z_shrunk: the same, shrunk by reliability.
        reliability: split-half, at the text's length.
        percentile: share of people expected below, 0 to 100, after shrinking.
        above: probability that the true rate lies beyond the group's 75th percentile.
        below: probability that it lies below the 25th.
    """

    habit: str
    group: Group
    mean: float
    z: float
    z_shrunk: float
    reliability: float
    percentile: float
    above: float
    below: float

    @property
    def reliable(self) -> bool:
        """Whether the measure says enough at this length of text."""
        return self.reliability >= RELIABLE


@dataclass(frozen=True, slots=True)
class Group:
    """Writers of one register and language.

    Attributes:
        name: "letters_diaries/en".
        version: of the set of figures.
        writers: how many, one vote each.
        words: of all their texts.
        years: when they wrote, "1660-1922".
        habits: figures by habit.
        dispositions: by trait, standard deviation and reliability of the composite of its cues.
    """

    name: str
    version: str
    writers: int
    words: int
    years: str
    habits: Mapping[str, Mapping[str, Any]]
    dispositions: Mapping[str, Mapping[str, Any]]

    @property
    def label(self) -> str:
        """How people read it: "letters and diaries of 41 writers, 1660-1922"."""
        register = self.name.partition("/")[0]
        return f"{_LABELS.get(register, register)} of {self.writers} {_PEOPLE.get(register, 'writers')}, {self.years}"

    def compare(self, habit: str, rate: float, interval: Sequence[float], own_words: int) -> Comparison | None:
        """Compare a rate.

        Args:
            habit: its key.
            rate: in the habit's unit.
            interval: the rate's 95 % interval.
            own_words: of the text it was counted in.

        Returns:
            The comparison, or None where the group has no usable figures of this habit.
        """
        figures = self.habits.get(habit)
        if figures is None or figures["rootSd"] <= 0:
            return None
        trust = reliability(figures["reliability"], own_words)
        if trust is None:
            return None
        spread = figures["rootSd"] * sqrt(1 + 1 / self.writers)
        root = sqrt(max(rate, 0.0))
        z = (root - figures["rootMean"]) / spread
        true = NormalDist(figures["rootMean"] + trust * z * spread, spread * sqrt(1 - trust))
        error = max((sqrt(max(interval[1], 0.0)) - sqrt(max(interval[0], 0.0))) / (2 * 1.96), 1e-9)
        counted = NormalDist(root, error)
        # Skewed habits have percentiles beyond those of a normal curve; the one that asks for more is taken.
        high = max(sqrt(figures["percentiles"]["75"]), figures["rootMean"] + _QUARTILE * figures["rootSd"])
        low = min(sqrt(figures["percentiles"]["25"]), figures["rootMean"] - _QUARTILE * figures["rootSd"])
        return Comparison(
            habit=habit,
            group=self,
            mean=figures["mean"],
            z=z,
            z_shrunk=trust * z,
            reliability=trust,
            percentile=100 * NormalDist().cdf(trust * z),
            above=min(1 - true.cdf(high), 1 - counted.cdf(high)),
            below=min(true.cdf(low), counted.cdf(low)) if low > 0 else 0.0,
        )


_LABELS = {
    "letters_diaries": "letters and diaries",
    "essay_blog": "blogs and essays",
    "chat": "chat messages",
    "speech": "recorded talk",
}
_PEOPLE = {"speech": "speakers"}


def reliability(known: Mapping[str, float], own_words: int) -> float | None:
    """Split-half reliability at a length of text, from those known at some lengths; None where none is known."""
    points = sorted((int(words), _ratio(figure)) for words, figure in known.items() if figure > 0)
    if not points or own_words <= 0:
        return None
    below = [point for point in points if point[0] <= own_words]
    above = [point for point in points if point[0] > own_words]
    if below and above:
        (short, low), (long, high) = below[-1], above[0]
        share = log(own_words / short) / log(long / short)
        ratio = exp(log(low) + share * (log(high) - log(low)))
    else:
        words, nearest = below[-1] if below else above[0]
        ratio = nearest * own_words / words
    return min(ratio / (1 + ratio), _MOST_RELIABLE)


def _ratio(figure: float) -> float:
    capped = min(figure, 0.99)
    return capped / (1 - capped)


@cache
def groups() -> dict[str, Group]:
    """All norm groups by name."""
    document = json.loads((files(__package__) / "data" / _FILE).read_text("utf-8"))
    return {
        name: Group(
            name=name,
            version=document["version"],
            writers=row["writers"],
            words=row["words"],
            years=row["years"],
            habits=row["habits"],
            dispositions=row["dispositions"],
        )
        for name, row in document["groups"].items()
    }


def group(register: str, language: str | None) -> Group | None:
    """The norm group of a register and language; None where there is none, and then no "often" may be said."""
    return groups().get(f"{register}/{language}")
