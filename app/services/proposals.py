"""Proposals: what one package says about a person, folded into their candidates under the person's lock.

A candidate that the person decided on is theirs: here it can gain evidence and a flag, never another name, figure or
status.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, not_, null, or_, select, union, union_all
from sqlalchemy.dialects.postgresql import insert

from app.database import AnyRow, stable_id
from app.layers import TextLayer
from app.models import EvidenceSnippet, SettledTrait
from app.models import ExtractedTraitCandidate as Candidate
from app.services.planning import now
from app.traits.candidates import Contribution, Draft, combine
from app.traits.confidence import TrackRecord
from app.traits.keys import fold_name, opposite
from app.traits.proof import Proof, evidence_type, locator
from app.vocabulary import CandidateStatus

CONFIRMED = frozenset({CandidateStatus.CONFIRMED, CandidateStatus.REFINED})
#: The person has spoken: only the person changes these.
DECIDED = CONFIRMED | {CandidateStatus.REJECTED}

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
    "contributions",
    "new_evidence_against",
    "updated_at",
)
_THEIRS = ("originating_models", "feature_set_ids", "contributions", "new_evidence_against", "updated_at")

#: Columns of a row, by name.
Values = dict[str, Any]
Records = dict[tuple[str, str], TrackRecord]


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

    The caller holds the person (`app.services.candidates.hold_person`). Doing it again changes nothing.
    """
    decided = decisions_of(connection, source.user_id)
    parts = _route(source.user_id, drafts, decided)
    records = track_records(decided)
    rows = _touched(connection, source, parts)
    theirs: list[Values] = []
    ours: list[Values] = []
    for identity, part in parts.items():
        row = rows.get(identity)
        if row is not None and row["status"] in DECIDED:
            theirs.append(_added(row, source, part))
        else:
            ours.append(_proposed(row, source, part, records))
    left = [row for identity, row in rows.items() if identity not in parts and _taken_out(row, source)]
    ours += [_without(row, source, records) for row in left]
    changed = [values for values in ours if _differs(values, rows)]
    _write(connection, changed, _OURS)
    gained = [values for values in theirs if _differs(values, rows)]
    _write(connection, gained, _THEIRS)
    replaced = [values["candidate_id"] for values in ours if values["candidate_id"] in rows]
    stored = _write_evidence(connection, source, parts.values(), replaced)
    return Proposed(len(parts), stored, bool(changed or gained))


def decisions_of(connection: Connection, user_id: str) -> Sequence[AnyRow]:
    """All that the person decided on: candidates with their status, and names that they gave, without one."""
    candidates = select(
        Candidate.candidate_id,
        Candidate.trait_name,
        Candidate.claim_kind,
        Candidate.originating_models,
        Candidate.status,
    ).where(Candidate.user_id == user_id, Candidate.status.in_([str(status) for status in DECIDED]))
    named = (
        select(
            SettledTrait.candidate_id,
            SettledTrait.trait_name,
            Candidate.claim_kind,
            Candidate.originating_models,
            null().label("status"),
        )
        .outerjoin(Candidate, Candidate.candidate_id == SettledTrait.candidate_id)
        .where(SettledTrait.user_id == user_id)
    )
    return connection.execute(union_all(candidates, named)).all()


def track_records(decided: Iterable[AnyRow]) -> Records:
    """This person's decisions by (model, claim kind)."""
    counts: dict[tuple[str, str], list[int]] = {}
    for row in decided:
        for model in row.originating_models if row.status in DECIDED else ():
            count = counts.setdefault((model, row.claim_kind), [0, 0])
            count[row.status == CandidateStatus.REJECTED] += 1
    return {source: TrackRecord(*count) for source, count in counts.items()}


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


def _touched(connection: Connection, source: Source, parts: Mapping[UUID, _Part]) -> dict[UUID, Values]:
    """The candidates that the package speaks about, now or as it was analysed before."""
    before = select(EvidenceSnippet.candidate_id).where(
        EvidenceSnippet.package_id == source.package_id, EvidenceSnippet.user_id == source.user_id
    )
    meant = select(Candidate.candidate_id).where(Candidate.candidate_id.in_(list(parts)))
    found = connection.execute(
        select(Candidate.__table__).where(
            Candidate.user_id == source.user_id, Candidate.candidate_id.in_(union(before, meant))
        )
    )
    return {row["candidate_id"]: {**row} for row in found.mappings()}


def _taken_out(row: Values, source: Source) -> bool:
    """Whether the package is to be taken out of a candidate that it no longer speaks about."""
    contribution = row["contributions"].get(str(source.package_id))
    if contribution is None or row["status"] in DECIDED:
        return False
    return source.kept.isdisjoint(contribution["sources"].values())


def _proposed(row: Values | None, source: Source, part: _Part, records: Records) -> Values:
    """Values of a candidate that is ours to shape."""
    contributions = {**(row["contributions"] if row else {}), str(source.package_id): part.contribution.as_json()}
    return {
        "candidate_id": part.candidate_id,
        "user_id": source.user_id,
        "created_at": row["created_at"] if row else now(),
        "status": _open_status(row),
        **combined_values(contributions, records),
    }


def _open_status(row: Values | None) -> str:
    if row is None or row["status"] == CandidateStatus.SUPERSEDED:
        return str(CandidateStatus.CANDIDATE)
    return str(row["status"])


def _without(row: Values, source: Source, records: Records) -> Values:
    """Values of a candidate that the package no longer supports; archived where no other does."""
    rest = {package: one for package, one in row["contributions"].items() if package != str(source.package_id)}
    if supported(rest):
        return {**row, **combined_values(rest, records)}
    return {**row, "status": str(CandidateStatus.SUPERSEDED), "contributions": rest, "updated_at": now()}


def _added(row: Values, source: Source, part: _Part) -> Values:
    """Values of a decided candidate with what the package adds: its evidence, and a flag where it speaks against it."""
    package = str(source.package_id)
    before = row["contributions"].get(package)
    if row["status"] == CandidateStatus.REJECTED:
        against = before is None
    else:
        against = part.contribution.counter > (before["counter"] if before else 0)
    contributions = {**row["contributions"], package: part.contribution.as_json()}
    read = [Contribution.from_json(one) for one in contributions.values()]
    return {
        **row,
        "contributions": contributions,
        "originating_models": sorted({model for one in read for model in one.sources}),
        "feature_set_ids": sorted({UUID(identity) for one in read for identity in one.sources.values()}),
        "new_evidence_against": row["new_evidence_against"] or against,
        "updated_at": now(),
    }


def supported(contributions: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether any package speaks for the candidate."""
    return any(one["certainty"] > 0 for one in contributions.values())


def combined_values(contributions: Mapping[str, Mapping[str, Any]], records: Records) -> Values:
    """The computed columns of a candidate, from all its packages.

    Args:
        contributions: by package, at least one of which supports it.
        records: this person's decisions.
    """
    whole = combine(contributions, records)
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
        "contributions": {package: dict(one) for package, one in contributions.items()},
        "new_evidence_against": False,
        "updated_at": now(),
    }


def _differs(values: Mapping[str, Any], rows: Mapping[UUID, Values]) -> bool:
    """Whether anything but the time of writing is new, so that a repeated merge leaves versions alone."""
    row = rows.get(values["candidate_id"])
    return row is None or any(value != row[name] for name, value in values.items() if name != "updated_at")


def _write(connection: Connection, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Insert candidates, or change these columns of them."""
    if not rows:
        return
    statement = insert(Candidate)
    changed = {name: statement.excluded[name] for name in columns}
    decided = or_(*(Candidate.status == str(status) for status in sorted(DECIDED)))
    ours = columns is _OURS
    # The person's lock keeps decided candidates apart already; a statement that cannot touch them needs no lock.
    guarded = statement.on_conflict_do_update(
        index_elements=["candidate_id"], set_=changed, where=not_(decided) if ours else decided
    )
    # With RETURNING, SQLAlchemy sends all rows in one statement; without, an upsert goes row by row.
    connection.execute(guarded.returning(Candidate.candidate_id), [*rows])


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
        statement = insert(EvidenceSnippet)
        changed = {name: statement.excluded[name] for name in ("counter", "position", "label", "locator")}
        replacing = statement.on_conflict_do_update(index_elements=["evidence_id"], set_=changed)
        connection.execute(replacing.returning(EvidenceSnippet.evidence_id), [*rows.values()])
    return len(rows)


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
