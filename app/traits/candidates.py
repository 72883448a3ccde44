"""Signals to candidates: proven, folded, ranked, few.

`draft` works on one package and decides what of it is worth proposing. What several packages contribute to a candidate
is folded in `app.traits.combining`; a contribution holds all that is needed to compute it again without one of them.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from app.layers import Span, TextLayer
from app.traits.confidence import LEAST_WORDS, Measurement, strength
from app.traits.keys import identity, near
from app.traits.proof import Proof, prove
from app.traits.signals import Signal, Study
from app.vocabulary import Authorship, ClaimKind, TraitCategory

#: Candidates of one document, and of one family of rules within it (traits.md section 1). Stated facts lead, and differ
#: more among themselves than habits or topics do.
MOST = 15
MOST_OF_FAMILY = 6
MOST_STATED = 8
#: Pieces of evidence: this many where there are as many, more only where they are spread over the text.
PIECES = 3
MOST_PIECES = 5
MOST_COUNTER = 3
#: Code points beyond which a piece is not readable on its own.
LONGEST_PIECE = 1200
#: A measurement that is more likely wrong than right is not proposed.
LEAST_CERTAINTY = 0.5
#: Share of evidence in common from which the second of two candidates only repeats the first.
SAME_EVIDENCE = 2 / 3

#: Longest trait name and description, in code points.
LONGEST_NAME = 120
LONGEST_DESCRIPTION = 1000

#: Order of claim kinds at comparable worth.
_WEIGHT = {ClaimKind.STATED: 1.5, ClaimKind.OBSERVED: 1.0, ClaimKind.INFERRED: 0.7}
#: What a contribution of each kind weighs at least; stronger kinds come first however strong others are.
_FIRST = {ClaimKind.STATED: 6.0, ClaimKind.OBSERVED: 4.0, ClaimKind.INFERRED: 2.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one package contributes to a candidate: figures and our own words, no passages.

    Attributes:
        key: `Signal.key` of the strongest signal.
        name: as that signal puts it, and so on for the fields that bear its names.
        sources: feature set id by model, of every signal that was folded into this.
        counter: proven places that speak against it.
        timed: it rests on seconds of a recording and on no words.
    """

    key: str
    name: str
    description: str
    category: TraitCategory
    claim_kind: ClaimKind
    sources: dict[str, str]
    certainty: float
    distance: float
    specificity: float
    occurrences: int
    own_words: int
    counter: int
    timed: bool
    study: Study | None = None
    z: float | None = None
    notes: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The shape kept in `candidate_contributions`."""
        return {**_fields(self), "study": asdict(self.study) if self.study else None}

    @classmethod
    def from_json(cls, doc: Mapping[str, Any]) -> Contribution:
        """Read back what `as_json` wrote."""
        study = doc["study"]
        return cls(
            **{
                **doc,
                "category": TraitCategory(doc["category"]),
                "claim_kind": ClaimKind(doc["claim_kind"]),
                "study": Study(**study) if study else None,
            }
        )

    @property
    def weight(self) -> float:
        """Order within a candidate, highest first: by kind, then by strength; 0 where it supports nothing."""
        if self.certainty <= 0:
            return 0.0
        return _FIRST.get(self.claim_kind, 0.0) + strength(self.claim_kind, self)

    def measurement(self) -> Measurement:
        """What confidence is computed from."""
        return Measurement(
            certainty=self.certainty,
            own_words=self.own_words,
            occurrences=self.occurrences,
            counter=self.counter,
            timed=self.timed,
            study=self.study,
            z=self.z,
            notes=tuple(self.notes.items()),
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """A candidate as one package would propose it.

    Attributes:
        identity: `keys.identity`; the same trait has the same one in every package.
        contribution: its figures.
        evidence: proven pieces, best first.
        counter: proven pieces that speak against it, best first.
    """

    identity: str
    contribution: Contribution
    evidence: tuple[Proof, ...]
    counter: tuple[Proof, ...]


@dataclass(frozen=True, slots=True)
class Drafted:
    """What a package proposes.

    Attributes:
        drafts: best first.
        unproven: pieces of evidence that the text does not bear out, by analyzer.
    """

    drafts: tuple[Draft, ...]
    unproven: dict[str, int]


def draft(
    signals: Iterable[Signal],
    layer: TextLayer | None,
    authorship: Authorship = Authorship.UNKNOWN,
    models: Mapping[str, str] | None = None,
) -> Drafted:
    """What a package's signals amount to.

    Args:
        signals: of all its rules.
        layer: the text layer their spans point into.
        authorship: who wrote it, as the person says.
        models: `modelNameOrType` by analyzer, where it is not the analyzer's name.

    Returns:
        At most `MOST` drafts, each with proven evidence, none of them a repetition of another.
    """
    unproven: Counter[str] = Counter()
    proven: dict[str, list[Draft]] = {}
    for signal in signals:
        if not _allowed(signal, authorship):
            continue
        evidence = _proofs(layer, signal.evidence, signal.analyzer, unproven)
        counter = _proofs(layer, signal.counter, signal.analyzer, unproven)
        if not evidence or _too_little(signal, evidence):
            continue
        model = (models or {}).get(signal.analyzer, signal.analyzer)
        one = Draft(
            identity(signal.key, signal.name), _contribution(signal, model, evidence, counter), evidence, counter
        )
        proven.setdefault(one.identity, []).append(one)
    extent = len(layer.text) if layer else 0
    folded = [_spread(_fold(same), extent) for same in proven.values()]
    return Drafted(_chosen(sorted(folded, key=_worth)), dict(unproven))


def _allowed(signal: Signal, authorship: Authorship) -> bool:
    """Whether such a claim may be made at all, whatever the evidence."""
    if authorship is Authorship.OTHER:
        return False
    if authorship is Authorship.FICTION and signal.claim_kind is not ClaimKind.OBSERVED:
        return False
    if signal.claim_kind is ClaimKind.INFERRED and (signal.study is None or signal.z is None):
        return False
    figures = (signal.certainty, signal.distance, signal.specificity, signal.z or 0.0)
    return all(map(math.isfinite, figures)) and signal.certainty >= LEAST_CERTAINTY and bool(_clean(signal.name, 1))


def _too_little(signal: Signal, evidence: tuple[Proof, ...]) -> bool:
    """Whether a count rests on too few own words; a plainly stated fact is no count, nor is what is heard."""
    counted = signal.claim_kind is not ClaimKind.STATED and not all(proof.timed for proof in evidence)
    return counted and signal.own_words < LEAST_WORDS


def _proofs(layer: TextLayer | None, spans: Iterable[Span], analyzer: str, unproven: Counter[str]) -> tuple[Proof, ...]:
    """The spans that hold, best first, none overlapping a better one or repeating its words."""
    kept: list[Proof] = []
    said: set[str] = set()
    for span in spans:
        proof = prove(layer, span)
        if proof is None:
            unproven[analyzer] += 1
        elif (
            span.end - span.start <= LONGEST_PIECE
            and not (span.sha256 and span.sha256 in said)
            and not any(_overlap(proof, other) for other in kept)
        ):
            kept.append(proof)
            said.add(span.sha256)
    return tuple(kept)


def _overlap(one: Proof, other: Proof) -> bool:
    (a, b), (c, d) = one.place, other.place
    return one.timed == other.timed and a < d and c < b


def _contribution(signal: Signal, model: str, evidence: tuple[Proof, ...], counter: tuple[Proof, ...]) -> Contribution:
    return Contribution(
        key=signal.key[:255],
        name=_clean(signal.name, LONGEST_NAME),
        description=_clean(signal.description, LONGEST_DESCRIPTION),
        category=signal.category,
        claim_kind=signal.claim_kind,
        sources={model: str(signal.feature_set_id)},
        certainty=min(signal.certainty, 1.0),
        distance=abs(signal.distance),
        specificity=min(max(signal.specificity, 0.0), 1.0),
        occurrences=max(signal.occurrences, 1),
        own_words=max(signal.own_words, 0),
        counter=len(counter),
        timed=all(proof.timed for proof in evidence),
        study=signal.study,
        z=signal.z,
        notes={label: figure for label, figure in signal.notes.items() if math.isfinite(figure)},
    )


def _clean(text: str, limit: int) -> str:
    """One line without control characters and lone surrogates, which no database or page would take."""
    kept = "".join(" " if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} else char for char in text)
    return " ".join(kept.split())[:limit]


def _fold(same: Sequence[Draft]) -> Draft:
    """One draft of all that say the same: the same text seen by several models counts once."""
    ordered = sorted(same, key=_worth)
    if len(ordered) == 1:
        return ordered[0]
    evidence = _union(one.evidence for one in ordered)
    counter = _union(one.counter for one in ordered)
    sources: dict[str, str] = {}
    for one in reversed(ordered):
        sources |= one.contribution.sources
    best = {**_fields(ordered[0].contribution), "sources": sources, "counter": len(counter)}
    return Draft(ordered[0].identity, Contribution(**best), evidence, counter)


def _fields(contribution: Contribution) -> dict[str, Any]:
    return {name: getattr(contribution, name) for name in Contribution.__slots__}


def _union(pieces: Iterable[tuple[Proof, ...]]) -> tuple[Proof, ...]:
    kept: list[Proof] = []
    for proof in (proof for piece in pieces for proof in piece):
        if not any(_overlap(proof, other) for other in kept):
            kept.append(proof)
    return tuple(kept)


def _spread(one: Draft, extent: int) -> Draft:
    """Keep three to five pieces: the best of each fifth of the text, and the best of the rest up to three."""
    end = max([extent, *(proof.place[1] for proof in one.evidence)])
    seen: set[int] = set()
    chosen: list[Proof] = []
    for proof in one.evidence:
        fifth = int(MOST_PIECES * proof.place[0] / end)
        if fifth not in seen and len(chosen) < MOST_PIECES:
            seen.add(fifth)
            chosen.append(proof)
    for proof in one.evidence:
        if len(chosen) < PIECES and proof not in chosen:
            chosen.append(proof)
    return Draft(one.identity, one.contribution, tuple(chosen), one.counter[:MOST_COUNTER])


def rank(contribution: Contribution, certainty: float) -> float:
    """Certainty x distance from the norm x specificity; the distance saturates, and the claim kinds keep their order.

    Args:
        contribution: its distance, specificity and kind.
        certainty: 0 to 1; the confidence shown, where there is one.
    """
    far = contribution.distance / (1 + contribution.distance)
    return _WEIGHT.get(contribution.claim_kind, 1.0) * certainty * far * contribution.specificity


def _worth(one: Draft) -> tuple[float, str]:
    """Sorting key, best first; equal worth in the order of identities, so that every run chooses the same."""
    supported = strength(one.contribution.claim_kind, one.contribution.measurement())
    return -rank(one.contribution, supported), one.identity


def _chosen(ranked: Sequence[Draft]) -> tuple[Draft, ...]:
    chosen: list[Draft] = []
    families: Counter[str] = Counter()
    for one in ranked:
        family = one.identity.partition(":")[0]
        most = MOST_STATED if one.contribution.claim_kind is ClaimKind.STATED else MOST_OF_FAMILY
        if families[family] < most and not any(_repeats(one, other) for other in chosen):
            chosen.append(one)
            families[family] += 1
        if len(chosen) == MOST:
            break
    return tuple(chosen)


def _repeats(one: Draft, other: Draft) -> bool:
    """Whether a reader who saw `other` would find nothing new in `one`."""
    if near(one.contribution.name, other.contribution.name):
        return True
    # Two facts may well be stated in one sentence; two habits shown by the same sentences are one.
    if one.contribution.claim_kind is ClaimKind.STATED or len(one.evidence) < PIECES:
        return False
    shared = sum(any(_overlap(mine, theirs) for theirs in other.evidence) for mine in one.evidence)
    return shared >= SAME_EVIDENCE * len(one.evidence)
