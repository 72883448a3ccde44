"""Proposals: what one package says about a person, folded into their candidates under the person's lock.

A candidate that the person decided on is theirs: here it can gain evidence and a flag, never another name, figure or
status.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, not_, or_, true
from sqlalchemy.dialects.postgresql import Insert

from app.database import AnyRow, stable_id
from app.layers import TextLayer
from app.models import EvidenceSnippet
from app.models import ExtractedTraitCandidate as Candidate
from app.services.bulk import packed, upsert
from app.services.contributions import Known, contribute, look_up, take_out
from app.services.planning import now
from app.services.records import CONFIRMED, DECIDED, Records, decisions_of, rejected_before, track_records
from app.traits.candidates import Contribution, Draft
from app.traits.combining import combine, named, recount
from app.traits.keys import fold_name, opposite
from app.traits.proof import Proof, evidence_type, locator
from app.vocabulary import CandidateStatus

#: What a merge may change of a candidate that is still ours, and of one that the person decided on.
_OURS = (
    "trait_key",
    "trait_name",
    "trait_description",
    "trait_category",
    "claim_kind",
    "confidence_score",
    "confidence",
    "rank",
    "originating_models",
    "feature_set_ids",
    "status",
    "totals",
    "new_evidence_against",
    "updated_at",
)
_THEIRS = ("originating_models", "feature_set_ids", "totals", "new_evidence_against", "updated_at")
_NEW = ("candidate_id", "user_id", "created_at")
_EVIDENCE = (
    "evidence_id",
    "candidate_id",
    "user_id",
    "package_id",
    "counter",
    "position",
    "type",
    "text_layer_id",
    "locator",
    "sha256",
    "label",
    "verified_by",
)

#: Columns of a row, by name.
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """The package that proposes.

    Attributes:
        user_id: whose.
        package_id: of the upload.
        layer: its main text layer, where it has one.
        layer_id: of that layer.
        kept: feature sets whose analysis failed this time: what rests on them is left as it was.
    """

    user_id: str
    package_id: UUID
    layer: TextLayer | None = None
    layer_id: UUID | None = None
    kept: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Proposed:
    """What became of it.

    Attributes:
        candidates: that this package supports now.
        evidence: pieces stored.
        changed: whether any candidate is other than before.
    """

    candidates: int = 0
    evidence: int = 0
    changed: bool = False


@dataclass(frozen=True, slots=True)
class _Part:
    """A draft on its way to a candidate.

    Attributes:
        candidate_id: where it belongs.
        contribution: what the package contributes there.
        evidence: proofs with whether they speak against the candidate.
    """

    candidate_id: UUID
    contribution: Contribution
    evidence: tuple[tuple[Proof, bool], ...]


def candidate_id(user_id: str, identity: str) -> UUID:
    """The id of a person's candidate, from its folded key."""
    return stable_id("candidate", user_id, identity)


def propose(connection: Connection, source: Source, drafts: Sequence[Draft]) -> Proposed:
    """Fold a package's drafts into the person's candidates and take out what the package no longer says.

    The caller holds the person (`app.services.candidates.hold_person`). Doing it again changes nothing. What is read
    and written depends on the drafts, and not on how many packages the person has.
    """
    decided = decisions_of(connection, source.user_id)
    parts = _route(source.user_id, drafts, decided)
    records = track_records(decided)
    known = look_up(connection, source.user_id, parts, source.package_id)
    refused = rejected_before(connection, source.user_id, [identity for identity in parts if identity not in known])
    theirs: list[Values] = []
    ours: list[Values] = []
    for identity, part in parts.items():
        before = known.get(identity)
        if before is not None and before.row["status"] in DECIDED:
            theirs.append(_added(before, source, part))
        else:
            ours.append(_proposed(before, source, part, records))
            if identity in refused:
                ours[-1]["status"] = str(CandidateStatus.REJECTED)
    left = {identity: one for identity, one in known.items() if identity not in parts and _taken_out(one, source)}
    ours += [_without(one, records) for one in left.values()]
    changed = [values for values in ours if _differs(values, known)]
    _write(connection, changed, _OURS)
    gained = [values for values in theirs if _differs(values, known)]
    _write(connection, gained, _THEIRS)
    contributed = {identity: part.contribution for identity, part in parts.items() if _says_else(part, known)}
    contribute(connection, source.user_id, source.package_id, contributed)
    take_out(connection, source.package_id, left)
    replaced = [one["candidate_id"] for one in ours if _mine(known.get(one["candidate_id"])) is not None]
    stored = _write_evidence(connection, source, parts.values(), replaced)
    return Proposed(len(parts), stored, bool(changed or gained))


def _route(user_id: str, drafts: Sequence[Draft], decided: Sequence[AnyRow]) -> dict[UUID, _Part]:
    """Where each draft belongs: to the decided candidate that it is a synonym of, else to its own.

    What the person added in their own words is not proposed to them; the contrary of what they confirmed is evidence
    against it, and no candidate.
    """
    status = {row.candidate_id: row.status for row in decided if row.status is not None}
    named = _names(decided)
    parts: dict[UUID, _Part] = {}
    for draft in drafts:
        mine = candidate_id(user_id, draft.identity)
        contrary = opposite(draft.identity)
        against = candidate_id(user_id, contrary) if contrary else None
        name = fold_name(draft.contribution.name)
        if mine not in status and name in named:
            synonym = named[name]
            if synonym is None:
                continue
            mine = synonym
        if mine not in status and status.get(against) in CONFIRMED and against is not None:
            part = _contradicting(against, draft)
        else:
            part = _supporting(mine, draft)
        parts[part.candidate_id] = _joined(parts.get(part.candidate_id), part)
    return parts


def _names(decided: Sequence[AnyRow]) -> dict[frozenset[str], UUID | None]:
    """The candidate that a folded name belongs to; None for names of the person's own traits, which rest on none."""
    own = {fold_name(row.trait_name): None for row in decided if row.candidate_id is None}
    return {**own, **{fold_name(row.trait_name): row.candidate_id for row in decided if row.candidate_id is not None}}


def _supporting(identity: UUID, draft: Draft) -> _Part:
    pieces = (*((proof, False) for proof in draft.evidence), *((proof, True) for proof in draft.counter))
    return _Part(identity, draft.contribution, pieces)


def _contradicting(identity: UUID, draft: Draft) -> _Part:
    """Nothing for it, all against it."""
    contribution = replace(draft.contribution, certainty=0.0, counter=len(draft.evidence))
    return _Part(identity, contribution, tuple((proof, True) for proof in draft.evidence))


def _joined(first: _Part | None, part: _Part) -> _Part:
    """Two drafts of one package that are one trait: the better one, which comes first, with the evidence of both."""
    if first is None:
        return part
    sources = {**part.contribution.sources, **first.contribution.sources}
    counter = first.contribution.counter + part.contribution.counter
    contribution = replace(first.contribution, sources=sources, counter=counter)
    return _Part(first.candidate_id, contribution, (*first.evidence, *part.evidence))


def _mine(before: Known | None) -> Contribution | None:
    return before.mine if before else None


def _says_else(part: _Part, known: Mapping[UUID, Known]) -> bool:
    return part.contribution != _mine(known.get(part.candidate_id))


def _taken_out(before: Known, source: Source) -> bool:
    """Whether the package is to be taken out of a candidate that it no longer speaks about."""
    if before.mine is None or before.row["status"] in DECIDED:
        return False
    return source.kept.isdisjoint(before.mine.sources.values())


def _proposed(before: Known | None, source: Source, part: _Part, records: Records) -> Values:
    """Values of a candidate that is ours to shape."""
    contributions = _with(before, source, part)
    totals = recount(before.row["totals"] if before else {}, _mine(before), part.contribution)
    return {
        "candidate_id": part.candidate_id,
        "user_id": source.user_id,
        "created_at": before.row["created_at"] if before else now(),
        "status": _open_status(before),
        **combined_values(contributions, totals, records),
    }


def _with(before: Known | None, source: Source, part: _Part) -> dict[str, Contribution]:
    return {**(before.others if before else {}), str(source.package_id): part.contribution}


def _open_status(before: Known | None) -> str:
    if before is None or before.row["status"] == CandidateStatus.SUPERSEDED:
        return str(CandidateStatus.CANDIDATE)
    return str(before.row["status"])


def _without(before: Known, records: Records) -> Values:
    """Values of a candidate that the package no longer supports; archived where no other does."""
    totals = recount(before.row["totals"], before.mine, None)
    if supported(before.others):
        return {**before.row, **combined_values(before.others, totals, records)}
    return {**before.row, "status": str(CandidateStatus.SUPERSEDED), "totals": totals, "updated_at": now()}


def _added(before: Known, source: Source, part: _Part) -> Values:
    """Values of a decided candidate with what the package adds: its evidence, and a flag where it speaks against it."""
    row = before.row
    if row["status"] == CandidateStatus.REJECTED:
        against = before.mine is None
    else:
        against = part.contribution.counter > (before.mine.counter if before.mine else 0)
    models, feature_sets = named(_with(before, source, part))
    return {
        **row,
        "totals": recount(row["totals"], before.mine, part.contribution),
        "originating_models": list(models),
        "feature_set_ids": list(feature_sets),
        "new_evidence_against": row["new_evidence_against"] or against,
        "updated_at": now(),
    }


def supported(contributions: Mapping[str, Contribution]) -> bool:
    """Whether any package speaks for the candidate; the strongest are enough to tell."""
    return any(one.certainty > 0 for one in contributions.values())


def combined_values(
    contributions: Mapping[str, Contribution], totals: Mapping[str, Mapping[str, int]], records: Records
) -> Values:
    """The computed columns of a candidate.

    Args:
        contributions: the strongest by package, at least one of which supports it.
        totals: over all packages.
        records: this person's decisions.
    """
    whole = combine(contributions, records, totals)
    return {
        "trait_key": whole.contribution.key,
        "trait_name": whole.contribution.name,
        "trait_description": whole.contribution.description,
        "trait_category": str(whole.contribution.category),
        "claim_kind": str(whole.contribution.claim_kind),
        "confidence_score": whole.confidence.shown,
        "confidence": whole.confidence.as_json(),
        "rank": whole.rank,
        "originating_models": list(whole.models),
        "feature_set_ids": list(whole.feature_set_ids),
        "totals": dict(totals),
        "new_evidence_against": False,
        "updated_at": now(),
    }


def _differs(values: Mapping[str, Any], known: Mapping[UUID, Known]) -> bool:
    """Whether anything but the time of writing is new, so that a repeated merge leaves versions alone."""
    before = known.get(values["candidate_id"])
    return before is None or any(value != before.row[name] for name, value in values.items() if name != "updated_at")


def _write(connection: Connection, rows: Sequence[Mapping[str, Any]], columns: tuple[str, ...]) -> None:
    """Insert candidates, or change these columns of them."""
    if rows:
        connection.execute(_writing(columns), packed(rows))


@cache
def _writing(columns: tuple[str, ...]) -> Insert:
    decided = or_(*(Candidate.status == str(status) for status in sorted(DECIDED)))
    # The person's lock keeps decided candidates apart already; a statement that cannot touch them needs no lock.
    touched = not_(decided) if columns is _OURS else decided
    return upsert(Candidate, (*_NEW, *_OURS), _NEW[:1], columns, touched)


def _write_evidence(connection: Connection, source: Source, parts: Iterable[_Part], replaced: Sequence[UUID]) -> int:
    """Store a package's evidence; that of candidates which are still ours replaces what it gave them before."""
    rows: dict[UUID, dict[str, Any]] = {}
    for part in parts:
        for position, (proof, counter) in enumerate(part.evidence):
            row = _evidence(source, part.candidate_id, proof) | {"counter": counter, "position": position}
            rows.setdefault(row["evidence_id"], row)
    if replaced:
        connection.execute(
            delete(EvidenceSnippet).where(
                EvidenceSnippet.candidate_id.in_(replaced),
                EvidenceSnippet.package_id == source.package_id,
                EvidenceSnippet.evidence_id.not_in(list(rows)),
            )
        )
    if rows:
        connection.execute(_writing_evidence(), packed(rows.values()))
    return len(rows)


@cache
def _writing_evidence() -> Insert:
    changed = ("counter", "position", "label", "locator")
    return upsert(EvidenceSnippet, _EVIDENCE, _EVIDENCE[:1], changed, true())


def _evidence(source: Source, identity: UUID, proof: Proof) -> Values:
    layer, layer_id = (None, None) if proof.timed else (source.layer, source.layer_id)
    where = locator(layer, proof.span)
    return {
        "evidence_id": stable_id("evidence", identity, source.package_id, layer_id, *proof.place),
        "candidate_id": identity,
        "user_id": source.user_id,
        "package_id": source.package_id,
        "type": str(evidence_type(layer, proof)),
        "text_layer_id": layer_id,
        "locator": where | ({"textLayer": str(layer_id)} if layer_id else {}),
        "sha256": proof.span.sha256 if layer_id else "",
        "label": proof.span.label[:64],
        "verified_by": str(proof.verified_by),
    }
