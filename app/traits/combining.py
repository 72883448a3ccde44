"""A candidate from what several packages contribute: the strongest decide, and sums stand for all the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.traits.candidates import Contribution, rank
from app.traits.confidence import Confidence, Totals, TrackRecord, assess_strongest, strength

#: The strongest packages that a candidate's figure is computed from. In the noisy-or, a package at place n counts
#: 2**-n: all beyond the twelfth together raise support by less than max over s of s * prod(1 - s / 2**i) * 2**-11,
#: which is 0.00008, less than the last digit that is shown. What is not damped (counter-evidence, ceilings, the
#: number of packages) comes from `Totals`, which are exact for any number.
MOST_COMBINED = 12


@dataclass(frozen=True, slots=True)
class Combined:
    """A candidate from all its packages: the values of its row."""

    contribution: Contribution
    confidence: Confidence
    rank: float
    models: tuple[str, ...]
    feature_set_ids: tuple[UUID, ...]


def recount(
    totals: Mapping[str, Mapping[str, int]], before: Contribution | None, after: Contribution | None
) -> dict[str, dict[str, int]]:
    """A candidate's totals when one package contributes otherwise.

    Args:
        totals: `Totals` by claim kind.
        before: what the package contributed so far; None where nothing.
        after: what it contributes now; None where nothing.

    Returns:
        As `totals`, without kinds that no package is of.
    """
    whole = {kind: Totals(**one) for kind, one in totals.items()}
    if before is not None:
        part = Totals.of(before.claim_kind, before.measurement())
        whole[str(before.claim_kind)] = whole[str(before.claim_kind)].without(part)
    if after is not None:
        part = Totals.of(after.claim_kind, after.measurement())
        whole[str(after.claim_kind)] = whole.get(str(after.claim_kind), Totals()).with_(part)
    return {kind: one.as_json() for kind, one in whole.items() if one.packages}


def combine(
    contributions: Mapping[str, Contribution],
    records: Mapping[tuple[str, str], TrackRecord],
    totals: Mapping[str, Mapping[str, int]] | None = None,
) -> Combined:
    """A candidate's values from its packages.

    The figure, the models and the feature sets rest on the `MOST_COMBINED` strongest packages, so that the cost does
    not grow with their number; of the others, `totals` tell what is not damped away.

    Args:
        contributions: by package id, at least one: the strongest ones, more, or all.
        records: this person's decisions by (model, claim kind).
        totals: as `recount` gives them; of `contributions` where there are no others.

    Returns:
        The values of its row; the strongest package gives name, description and category.
    """
    read = _strongest(contributions)
    best = read[0]
    kind = best.claim_kind
    models, sets = _named(read)
    record = _pooled(records.get((model, kind), TrackRecord()) for model in models)
    if totals is None:
        whole = Totals.over(kind, (one.measurement() for one in contributions.values() if one.claim_kind is kind))
    else:
        whole = Totals(**totals[kind])
    strengths = [strength(kind, one) for one in read if one.claim_kind is kind]
    confidence = assess_strongest(kind, best.measurement(), strengths, whole, record)
    return Combined(best, confidence, round(rank(best, confidence.shown), 6), models, sets)


def _pooled(records: Iterable[TrackRecord]) -> TrackRecord:
    listed = [*records]
    return TrackRecord(sum(r.confirmed for r in listed), sum(r.rejected for r in listed))


def named(contributions: Mapping[str, Contribution]) -> tuple[tuple[str, ...], tuple[UUID, ...]]:
    """Models and feature sets of the strongest contributions, each sorted."""
    return _named(_strongest(contributions))


def _strongest(contributions: Mapping[str, Contribution]) -> list[Contribution]:
    ordered = sorted(((one.weight, package, one) for package, one in contributions.items()), reverse=True)
    return [one for _, _, one in ordered[:MOST_COMBINED]]


def _named(read: Sequence[Contribution]) -> tuple[tuple[str, ...], tuple[UUID, ...]]:
    models = {model for one in read for model in one.sources}
    return tuple(sorted(models)), tuple(sorted({UUID(its) for one in read for its in one.sources.values()}))
