"""A signal: what one rule reads out of one feature set, before proof, merging and ranking.

Rules are functions `(Measured) -> Iterable[Signal]`, one module per family; `rules.py` lists them by the analyzer they
read. A rule decides what stands out, names it as the person would, and points to the spans that show it. It never
decides confidence: it hands over the measurements that `confidence.py` turns into support, ceiling and explanation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.layers import Span, TextLayer
from app.vocabulary import Authorship, ClaimKind, TraitCategory


@dataclass(frozen=True, slots=True)
class Measured:
    """What a rule reads.

    Attributes:
        analyzer: catalog name the features came from.
        feature_set_id: of the RawAnalysisFeatures document.
        features: its `extractedFeatures`.
        layer: the text layer the locators point into; None for features of a recording without a transcript.
        authorship: who wrote it, as the person says.
        siblings: `extractedFeatures` of the package's other analyzers, by analyzer name.
    """

    analyzer: str
    feature_set_id: UUID
    features: dict[str, Any]
    layer: TextLayer | None
    authorship: Authorship = Authorship.UNKNOWN
    siblings: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Study:
    """Published validity of a cue; without it no rule may infer a disposition.

    Attributes:
        doi: of the paper.
        r: correlation of the cue with the trait, sign removed.
        n: people in the study.
        population: who they were.
    """

    doi: str
    r: float
    n: int
    population: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One rule's finding.

    Attributes:
        key: identity of the trait for one person, whatever package it comes from: "habit:questions:high",
            "fact:occupation:printer", "topic:chess"; lower case, synonyms folded.
        name: what the person would say about themselves, six words at most.
        description: one sentence with the measured figure, its interval, what it was compared with, and how much text
            it rests on.
        category: `traitCategory`.
        claim_kind: stated, observed or inferred.
        analyzer: catalog name.
        feature_set_id: where the figures are.
        evidence: spans that show it, best first, each readable on its own (whole sentences).
        counter: spans that speak against it.
        certainty: 0 to 1, how sure the measurement itself is: for a habit, the probability that the true rate lies
            beyond the norm group's 75th percentile (or below its 25th); for a stated fact, how plainly it is said.
        distance: how far from the norm in standard deviations, shrunk by the measure's reliability; 1.0 for facts.
        specificity: 0 to 1, how much it says about this person rather than about anybody.
        occurrences: independent places where it was seen.
        own_words: of the text it rests on.
        study: for inferred ones.
        z: standardised score for inferred ones, after shrinking.
        notes: further measured facts for the explanation, label to figure; no user content.
    """

    key: str
    name: str
    description: str
    category: TraitCategory
    claim_kind: ClaimKind
    analyzer: str
    feature_set_id: UUID
    evidence: tuple[Span, ...]
    counter: tuple[Span, ...] = ()
    certainty: float
    distance: float = 1.0
    specificity: float = 0.5
    occurrences: int = 1
    own_words: int = 0
    study: Study | None = None
    z: float | None = None
    notes: dict[str, float] = field(default_factory=dict)
