"""Storing what a lane found: gate, fence, features and text layers in one transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB, insert

from app.analysis import Result
from app.consent import ask
from app.database import AnyRow, stable_id
from app.errors import InvalidInput, Reason
from app.features import FeatureDocument, feature_set_id, feature_store, fence, storable
from app.layers import digest
from app.models import TextLayerRecord
from app.services.claims import Claim
from app.services.layers import remember
from app.services.llm import kept as kept_features
from app.services.llm import ledger
from app.services.planning import denied, now
from app.vault import PackageVault
from app.vocabulary import FeatureStatus, Queue, ReasonCode, StepStatus
from config.settings import settings

#: States of steps that leave a feature document: what was found, or why nothing was.
DOCUMENTED = frozenset({StepStatus.DONE, StepStatus.FAILED})

#: End the steps whose token is still ours, or put them off; the others belong to somebody else now. A step that waits
#: for a vendor has used up no attempt: those count the workers that died of it. The run is locked before its steps,
#: as everybody does who takes both: the join waits for its row.
_FINISH = text(
    """
    WITH moved AS (UPDATE runs SET moved_at = now() WHERE run_id = :run RETURNING run_id)
    UPDATE steps SET state = ended.state, reason = nullif(ended.reason, 'null'), processing_time_ms = ended.took,
                     feature_set_id = ended.document, finished_at = CASE WHEN ended.not_before IS NULL THEN now() END,
                     not_before = ended.not_before, waits = coalesce(ended.waits, steps.waits),
                     waiting_since = CASE WHEN ended.not_before IS NULL THEN steps.waiting_since
                                          ELSE coalesce(steps.waiting_since, now()) END,
                     attempts = steps.attempts - CASE WHEN ended.not_before IS NULL THEN 0 ELSE 1 END
    FROM moved, jsonb_to_recordset(:ended)
         AS ended(step_id uuid, token uuid, state text, reason jsonb, took int, document uuid,
                  not_before timestamptz, waits smallint)
    WHERE steps.run_id = moved.run_id AND steps.step_id = ended.step_id AND steps.token = ended.token
    RETURNING steps.step_id
    """
).bindparams(bindparam("ended", type_=JSONB))


@dataclass(slots=True)
class Outcome:
    """What became of one step.

    Attributes:
        step: columns of `steps`, with our token.
        state: final.
        reason: why it is not simply done.
        result: of the analyzer.
        milliseconds: that it took.
        not_before: when to begin again; only with the state `pending`.
        waits: times that the vendor could not answer so far, where it could not.
    """

    step: AnyRow
    state: StepStatus
    reason: Reason | None = None
    result: Result | None = None
    milliseconds: int = 0
    not_before: datetime | None = None
    waits: int | None = None


def store(connection: Connection, claim: Claim, vault: PackageVault, outcomes: list[Outcome]) -> list[StepStatus]:
    """Write what the steps found, unless somebody else took them over or consent ended meanwhile.

    Args:
        connection: the one that holds the lane.
        claim: that the steps were done under.
        vault: of the package.
        outcomes: one per claimed step.

    Returns:
        The states that the steps ended in; those that were taken over are not among them.
    """
    package = claim.package
    for outcome in outcomes:
        _must_be_storable(outcome)
    layers = {outcome.step.step_id: _seal_layers(vault, outcome) for outcome in outcomes}
    with connection.begin():
        scopes = {outcome.step.scope for outcome in outcomes}
        verdicts = ask(connection, package.user_id, package.consent, scopes)
        for outcome in outcomes:
            if not (verdict := verdicts[outcome.step.scope]).is_valid:
                outcome.state, outcome.result, outcome.not_before = StepStatus.DENIED, None, None
                outcome.reason = denied(outcome.step.scope, verdict)
        ours = _finish(connection, outcomes)
        kept = [outcome for outcome in outcomes if outcome.step.step_id in ours]
        for outcome in kept:
            if outcome.result and _is_llm(outcome.step):
                _keep_answers(connection, vault, outcome.step, outcome.result.features)
        documents = [_document(package, outcome) for outcome in kept if outcome.state in DOCUMENTED]
        if documents:
            feature_store().put_many(documents, connection)
        records = [record for outcome in kept if outcome.result for record in layers[outcome.step.step_id]]
        if records:
            _record_layers(connection, records)
    return [outcome.state for outcome in kept]


def _keep_answers(connection: Connection, vault: PackageVault, step: AnyRow, features: dict[str, Any]) -> None:
    """What a model answered: how it was judged, and what the run found, for `replay`."""
    if windows := features.get("perWindow"):
        ledger.judged(connection, step.step_id, windows)
    if settings().llm_recordings:
        kept_features.keep(vault, step.run_id, step.analyzer, features)


def _is_llm(step: AnyRow) -> bool:
    return bool(step.queue == Queue.LLM)


def _must_be_storable(outcome: Outcome) -> None:
    """One analyzer's impossible number may not cost its neighbours their results."""
    try:
        storable(outcome.step.analyzer, outcome.result.features if outcome.result else {})
    except InvalidInput as error:
        outcome.state, outcome.result = StepStatus.FAILED, None
        outcome.reason = Reason(ReasonCode.INTERNAL, error.message)


def _finish(connection: Connection, outcomes: list[Outcome]) -> set[UUID]:
    ended = [
        {
            "step_id": str(outcome.step.step_id),
            "token": str(outcome.step.token),
            "state": str(outcome.state),
            "reason": outcome.reason.as_json() if outcome.reason else None,
            "took": outcome.milliseconds if outcome.not_before is None else None,
            "not_before": outcome.not_before.isoformat() if outcome.not_before else None,
            "waits": outcome.waits,
            "document": str(_feature_set_id(outcome.step)) if outcome.state in DOCUMENTED else None,
        }
        for outcome in outcomes
    ]
    return {row.step_id for row in connection.execute(_FINISH, {"run": outcomes[0].step.run_id, "ended": ended})}


def _feature_set_id(step: AnyRow) -> UUID:
    return feature_set_id(step.package_id, step.analyzer, step.version)


def _document(package: AnyRow, outcome: Outcome) -> FeatureDocument:
    step, result = outcome.step, outcome.result
    failed = outcome.state is StepStatus.FAILED or result is None
    return FeatureDocument(
        feature_set_id=_feature_set_id(step),
        user_id=step.user_id,
        source_package_id=step.package_id,
        modality=step.modality,
        analyzer=step.analyzer,
        version=step.version,
        model_name_or_type=(result.model if result else "") or step.analyzer,
        extracted_features=result.features if result else {},
        timestamp=now(),
        processing_time_ms=outcome.milliseconds,
        status=FeatureStatus.FAILURE if failed or result is None else result.status,
        error_details=outcome.reason.as_json() if outcome.reason else None,
        fence=fence(package.sequence, step.attempts),
    )


def _seal_layers(vault: PackageVault, outcome: Outcome) -> list[dict[str, Any]]:
    """Encrypt the step's text layers into the vault: the object first, its row after."""
    step = outcome.step
    records = []
    for index, layer in enumerate(outcome.result.layers if outcome.result else ()):
        text_layer_id = stable_id("layer", step.package_id, step.analyzer, step.version, index)
        sha256 = digest(layer.text)
        object_key = vault.put(f"layer-{text_layer_id}", json.dumps(layer.as_json()).encode())
        remember(step.user_id, text_layer_id, sha256, layer)
        records.append(
            {
                "text_layer_id": text_layer_id,
                "package_id": step.package_id,
                "user_id": step.user_id,
                "kind": layer.kind,
                "language": layer.language,
                "characters": len(layer.text),
                "own_characters": sum(end - start for start, end in layer.own_spans()),
                "sha256": sha256,
                "object_key": object_key,
                "made_by": f"{step.analyzer} {step.version}",
                "created_at": now(),
            }
        )
    return records


def _record_layers(connection: Connection, records: list[dict[str, Any]]) -> None:
    statement = insert(TextLayerRecord)
    changed = {name: statement.excluded[name] for name in ("language", "characters", "own_characters", "sha256")}
    connection.execute(statement.on_conflict_do_update(index_elements=["text_layer_id"], set_=changed), records)
