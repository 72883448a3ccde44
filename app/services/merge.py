"""Merge: what analyzers found becomes the person's candidates and concepts. Any number of times, in parallel, late.

It reads rows only and computes before it locks anything. Then, in one transaction: consent gate -> run -> person (the
order that everybody keeps, so that nothing deadlocks) -> candidates, evidence, outbox, end of the run. An older run
that comes late ends itself and changes nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, Select, Update, bindparam, exists, insert, or_, select, update
from sqlalchemy.orm import aliased

from app.consent import Verdict, ask
from app.database import AnyRow, transaction
from app.errors import NotFound, Reason
from app.features import FeatureDocument, feature_store
from app.layers import TextLayer
from app.models import CandidateContribution, Concept, GraphOutbox, Run, Step, UserDataPackage
from app.services import access
from app.services.candidates import hold_person
from app.services.concepts import keep
from app.services.ending import EndedStep, ending
from app.services.layers import load_main_layer
from app.services.planning import denied, now
from app.services.proposals import Proposed, Source, propose
from app.traits.candidates import Drafted, draft
from app.traits.concepts import Concepts
from app.traits.rules import CONCEPTS, RULES, concepts_of, signals_of
from app.traits.signals import Measured, Signal
from app.vault import VaultError
from app.vocabulary import AccessAction, Authorship, FeatureStatus, Phase, ReasonCode, RunStatus, StepStatus

log = structlog.get_logger()

AnySelect = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class MergeOutcome:
    """What a merge came to.

    Attributes:
        run_id: of the run.
        state: of the run now; None where there is no such run.
        candidates: that the package supports now; 0 where this call changed nothing.
        evidence: pieces stored.
        unproven: pieces that the text did not bear out, by analyzer.
    """

    run_id: UUID
    state: RunStatus | None
    candidates: int = 0
    evidence: int = 0
    unproven: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Found:
    """What is read before anything is locked.

    Attributes:
        run: columns of `runs`, and the package's `details`.
        steps: of the run, all ended.
        documents: features of its done steps that rules read, and their siblings.
        layer: the package's main text layer.
        layer_id: of that layer.
    """

    run: AnyRow
    steps: Sequence[AnyRow]
    documents: Sequence[FeatureDocument] = ()
    layer: TextLayer | None = None
    layer_id: UUID | None = None

    @property
    def scopes(self) -> frozenset[str]:
        """All that its steps needed."""
        return frozenset(step.scope for step in self.steps)


@dataclass(frozen=True, slots=True)
class _Judged:
    """What the rules made of it.

    Attributes:
        drafted: candidates of the package.
        concepts: that the package is about; None where they stay as they were, since looking for them failed.
        troubles: rules that failed, as reasons.
    """

    drafted: Drafted
    concepts: Concepts | None = None
    troubles: tuple[Reason, ...] = ()


def merge(run_id: UUID) -> MergeOutcome:
    """Turn a run's features into candidates, and end the run.

    Args:
        run_id: of the run. Nothing happens while its steps are open, or once it has ended.

    Returns:
        Ids and counts.
    """
    with transaction() as connection:
        found = _read(connection, run_id)
        if not isinstance(found, _Found):
            return MergeOutcome(run_id, found)
        outcome = None if found.documents else _settle(connection, found, _judge(found, found.scopes))
    if outcome is None:
        judged = _judge(found, found.scopes)
        with transaction() as connection:
            outcome = _settle(connection, found, judged)
    log.info("run_merged", run=str(run_id), state=str(outcome.state), candidates=outcome.candidates)
    if outcome.unproven:
        log.warning("evidence_unproven", run=str(run_id), unproven=outcome.unproven)
    return outcome


# Statements of every merge are built once per process: with empty analyzers, building them took half of the time.


@cache
def _reading_run() -> AnySelect:
    return (
        select(Run.__table__, UserDataPackage.details)
        .join(UserDataPackage, UserDataPackage.package_id == Run.package_id)
        .where(Run.run_id == bindparam("run"))
    )


@cache
def _reading_steps() -> AnySelect:
    return (
        select(Step.analyzer, Step.phase, Step.state, Step.scope, Step.reason, Step.feature_set_id)
        .where(Step.run_id == bindparam("run"))
        .order_by(Step.analyzer)
    )


@cache
def _locking_run(*, logged: bool) -> AnySelect:
    """State of the run under its lock; whether a later run of the package ended well; what it left when merged before.

    Args:
        logged: with an entry in the access log.
    """
    newer = aliased(Run)
    ended = or_(newer.state == str(RunStatus.DONE), newer.state == str(RunStatus.PARTIAL))
    outdated = exists().where(newer.package_id == bindparam("package"), newer.sequence > bindparam("sequence"), ended)
    before = exists().where(CandidateContribution.package_id == bindparam("package"))
    about = exists().where(Concept.package_id == bindparam("package"))
    locking = (
        select(Run.state, outdated.label("outdated"), before.label("merged_before"), about.label("had_concepts"))
        .where(Run.run_id == bindparam("run"))
        .with_for_update(of=Run)
    )
    return locking.add_cte(access.logging()) if logged else locking


@cache
def _ending_run() -> Update:
    return (
        update(Run)
        .where(Run.run_id == bindparam("run"))
        .values(
            state=bindparam("ended"),
            reason=bindparam("why"),
            phase=str(Phase.ENDED),
            moved_at=bindparam("moment"),
            finished_at=bindparam("moment"),
        )
    )


def _read(connection: Connection, run_id: UUID) -> _Found | RunStatus | None:
    """What there is to merge; the run's state where it is not the time, or no longer."""
    run = connection.execute(_reading_run(), {"run": run_id}).one_or_none()
    if run is None:
        return None
    state = RunStatus(run.state)
    # In the perceiving phase the interpreting steps are not planned yet, so that all steps having ended says nothing.
    if state.final or run.phase == Phase.PERCEIVE:
        return state
    steps = connection.execute(_reading_steps(), {"run": run_id}).all()
    if not all(StepStatus(step.state).final for step in steps):
        return state
    done = {step.analyzer: step.feature_set_id for step in steps if step.state == StepStatus.DONE}
    if RULES.keys().isdisjoint(done):
        return _Found(run, steps)
    documents = feature_store().of_package(run.user_id, run.package_id, connection)
    documents = [one for one in documents if one.feature_set_id == done.get(one.analyzer)]
    layer_id, layer = _layer(connection, run.user_id, run.package_id)
    return _Found(run, steps, documents, layer, layer_id)


def _layer(connection: Connection, user_id: str, package_id: UUID) -> tuple[UUID | None, TextLayer | None]:
    """Main layer's id and text; None where there is none or it was erased meanwhile: nothing is proven with it then."""
    try:
        return load_main_layer(connection, user_id, package_id) or (None, None)
    except (NotFound, VaultError) as error:
        log.warning("layer_unreadable", package=str(package_id), error=type(error).__name__)
        return None, None


def _judge(found: _Found, scopes: frozenset[str]) -> _Judged:
    """Apply the rules to what analyzers under these scopes found."""
    allowed = {step.analyzer for step in found.steps if step.scope in scopes}
    documents = [one for one in found.documents if one.analyzer in allowed and one.status is not FeatureStatus.FAILURE]
    features = {one.analyzer: one.extracted_features for one in documents}
    authorship = Authorship(found.run.details.get("authorship", Authorship.UNKNOWN))
    signals: list[Signal] = []
    concepts: Concepts | None = Concepts()
    troubles: list[Reason] = []
    for one in documents:
        siblings = {name: its for name, its in features.items() if name != one.analyzer}
        measured = Measured(one.analyzer, one.feature_set_id, one.extracted_features, found.layer, authorship, siblings)
        try:
            signals += signals_of(measured)
            concepts = concepts_of(measured) or concepts
        except Exception as error:  # noqa: BLE001 - one rule's fault may not cost the person what the others found
            log.warning("rule_failed", analyzer=one.analyzer, error=type(error).__name__)
            troubles.append(_trouble(one.analyzer, error))
            concepts = None if one.analyzer in CONCEPTS else concepts
    models = {one.analyzer: one.model_name_or_type for one in documents}
    return _Judged(draft(signals, found.layer, authorship, models), concepts, tuple(troubles))


def _trouble(analyzer: str, error: Exception) -> Reason:
    return Reason(
        ReasonCode.INTERNAL,
        f"a rule that reads {analyzer} failed ({type(error).__name__}), which is our fault; the others were applied",
        {"analyzer": analyzer},
    )


def _settle(connection: Connection, found: _Found, judged: _Judged) -> MergeOutcome:
    """Write candidates and the end of the run, if both are still to be written and consent still covers them."""
    run = found.run
    # A crash that loses this commit leaves the run open, and it is merged again.
    verdicts = ask(connection, run.user_id, run.consent_token_id, found.scopes, relaxed=True)
    given = {"run": run.run_id, "package": run.package_id, "sequence": run.sequence}
    if found.documents:
        given |= access.values(run.user_id, "worker:control", AccessAction.MERGE, "merge", run.package_id)
    row = connection.execute(_locking_run(logged=bool(found.documents)), given).one_or_none()
    if row is None or RunStatus(row.state).final:
        return MergeOutcome(run.run_id, RunStatus(row.state) if row else None)
    allowed = frozenset(scope for scope, verdict in verdicts.items() if verdict.is_valid)
    if allowed != found.scopes:
        judged = _judge(found, allowed)
    steps = [_ended(step, verdicts) for step in found.steps]
    steps += [EndedStep(Phase.MERGE, StepStatus.FAILED, trouble) for trouble in judged.troubles]
    state, reason = ending(steps)
    proposed = Proposed()
    ended_well = state in {RunStatus.DONE, RunStatus.PARTIAL}
    if ended_well and not row.outdated:
        proposed = _write(connection, found, judged, row)
    why = reason.as_json() if reason else None
    ends = {"run": run.run_id, "ended": str(state), "why": why, "moment": now()}
    connection.execute(_ending_run(), ends)
    return MergeOutcome(run.run_id, state, proposed.candidates, proposed.evidence, judged.drafted.unproven)


def _write(connection: Connection, found: _Found, judged: _Judged, before: AnyRow) -> Proposed:
    """Candidates and concepts, as far as there are any or were."""
    failed = {
        s.analyzer: str(s.feature_set_id) for s in found.steps if s.state == StepStatus.FAILED and s.feature_set_id
    }
    concepts = judged.concepts if CONCEPTS.keys().isdisjoint(failed) else None
    if concepts is not None and not (concepts.places or before.had_concepts):
        concepts = None
    drafts = judged.drafted.drafts
    if not (drafts or before.merged_before or concepts):
        return Proposed()
    run, proposed = found.run, Proposed()
    hold_person(connection, run.user_id)
    if drafts or before.merged_before:
        source = Source(run.user_id, run.package_id, found.layer, found.layer_id, frozenset(failed.values()))
        proposed = propose(connection, source, drafts)
    changed = concepts is not None and keep(connection, run.user_id, run.package_id, concepts)
    if proposed.changed or changed:
        connection.execute(insert(GraphOutbox), {"user_id": run.user_id, "cause": "merge"})
    return proposed


def _ended(step: AnyRow, verdicts: Mapping[str, Verdict]) -> EndedStep:
    """A step as it counts for the end: one that consent no longer covers is denied, whatever it did."""
    verdict = verdicts[step.scope]
    if not verdict.is_valid and step.state == StepStatus.DONE:
        return EndedStep(Phase(step.phase), StepStatus.DENIED, denied(step.scope, verdict))
    return EndedStep(Phase(step.phase), StepStatus(step.state), Reason.from_json(step.reason) if step.reason else None)
