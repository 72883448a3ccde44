"""Run one lane of one run: claim its steps, analyse, store. Any number of times, in parallel, late: the rows decide.

Order: session lock on the lane -> consent gate -> claim with a fresh token -> commit -> work -> consent gate ->
features and text layers -> steps whose token is still ours -> commit. A first attempt claims the whole lane at once; a
repeated one claims step by step, so that a poison input stops after its own attempts and takes no neighbour with it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Connection, bindparam, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.analysis import Blob, Context, Result
from app.analyzers.catalog import AnalyzerRow, analyzer
from app.consent import covered, gate_shared
from app.database import AnyRow, engine, relaxed, stable_id
from app.errors import EchoError, Reason, Refusal
from app.features import FeatureDocument, feature_set_id, feature_store, fence
from app.layers import TextLayer, digest
from app.models import PackageKey, Run, Step, TextLayerRecord, UserDataPackage
from app.services.failpoints import failpoint
from app.services.layers import load_layer, main_layer, remember
from app.services.planning import denied, model_folder, now
from app.vault import open_package
from app.vocabulary import Authorship, FeatureStatus, Phase, ReasonCode, RunStatus, StepStatus
from config.settings import settings

log = structlog.get_logger()

#: Reasons that mean "nothing to do here" for an analyzer that reads a text layer.
SKIPPING = frozenset(
    {ReasonCode.UNSUPPORTED_TYPE, ReasonCode.MODEL_MISSING, ReasonCode.TOO_LITTLE_OWN_TEXT, ReasonCode.NO_TEXT}
)


@dataclass(frozen=True, slots=True)
class LaneOutcome:
    """What a lane's task returns: ids and counts only."""

    run_id: str
    lane: str
    ended: dict[str, int] = field(default_factory=dict)
    busy: bool = False


@dataclass(slots=True)
class _Outcome:
    """What became of one step."""

    step: AnyRow
    state: StepStatus
    reason: Reason | None = None
    result: Result | None = None
    milliseconds: int = 0


def lane_key(run_id: UUID, lane: str) -> int:
    """The advisory lock of a lane: 63 bits of its stable id."""
    return stable_id("lane", run_id, lane).int >> 65


@contextmanager
def lane_lock(run_id: UUID, lane: str) -> Iterator[Connection | None]:
    """Hold the lane, if no living worker does.

    Yields:
        A connection while we hold it, else None. PostgreSQL frees the lock if we die.
    """
    with engine().connect() as connection:
        key = lane_key(run_id, lane)
        got = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar()
        connection.commit()
        if not got:
            yield None
            return
        try:
            yield connection
        except BaseException:
            # Whatever state the connection is in, closing it frees the lock.
            connection.invalidate()
            raise
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
        connection.commit()


def run_lane(run_id: UUID, lane: str, *, timeouts: tuple[type[Exception], ...] = ()) -> LaneOutcome:
    """Do what is still to be done in a lane.

    Args:
        run_id: of the run.
        lane: `AnalyzerRow.lane`.
        timeouts: exceptions by which the worker says that time is up.

    Returns:
        Ids and counts.
    """
    outcome = LaneOutcome(str(run_id), lane)
    with lane_lock(run_id, lane) as connection:
        if connection is None:
            return LaneOutcome(str(run_id), lane, busy=True)
        artifact: _Artifact | None = None
        while steps := _claim(connection, run_id, lane):
            failpoint("lane.claimed")
            artifact = artifact or _Artifact(connection, steps[0])
            outcomes = [_analyse(step, artifact, timeouts) for step in steps]
            failpoint("lane.worked")
            for ended in _store(connection, artifact, outcomes):
                outcome.ended[ended] = outcome.ended.get(ended, 0) + 1
            failpoint("lane.stored")
    return outcome


def _claim(connection: Connection, run_id: UUID, lane: str) -> Sequence[AnyRow]:
    """Claim the lane's open steps, all of them on a first attempt, the next one on a repeated attempt."""
    with connection.begin():
        relaxed(connection)
        rows = connection.execute(
            select(
                Step.step_id,
                Step.attempts,
                Step.scope,
                Step.analyzer,
                Run.user_id,
                Run.consent_token_id,
                Run.state.label("run_state"),
            )
            .join(Run, Run.run_id == Step.run_id)
            .where(
                Step.run_id == run_id,
                Step.lane == lane,
                Step.state.in_([str(StepStatus.PENDING), str(StepStatus.RUNNING)]),
                Step.attempts < settings().max_attempts,
                or_(Step.not_before.is_(None), Step.not_before <= now()),
            )
            .order_by(Step.attempts.desc(), Step.analyzer)
        ).all()
        if not rows or RunStatus(rows[0].run_state).final:
            return []
        gate_shared(connection, rows[0].user_id)
        allowed = covered(connection, rows[0].user_id, rows[0].consent_token_id, {row.scope for row in rows})
        for row in rows:
            if row.scope not in allowed:
                _deny(connection, row.step_id, row.scope)
        rows = [row for row in rows if row.scope in allowed]
        chosen = rows[:1] if any(row.attempts for row in rows) else rows
        if not chosen:
            return []
        claimed = (
            update(Step)
            .where(Step.step_id.in_([row.step_id for row in chosen]))
            .values(
                state=str(StepStatus.RUNNING),
                attempts=Step.attempts + 1,
                token=uuid4(),
                started_at=now(),
                reason=None,
            )
            .returning(Step.__table__)
        )
        steps = sorted(connection.execute(claimed).all(), key=lambda step: str(step.analyzer))
        connection.execute(update(Run).where(Run.run_id == run_id).values(moved_at=now()))
        return steps


def _deny(connection: Connection, step_id: UUID, scope: str) -> None:
    connection.execute(
        update(Step)
        .where(Step.step_id == step_id)
        .values(state=str(StepStatus.DENIED), reason=denied(scope).as_json(), finished_at=now(), token=None)
    )


class _Artifact:
    """What the steps of a lane read, decrypted and decoded once, in memory, when the first of them asks."""

    def __init__(self, connection: Connection, step: AnyRow) -> None:
        with connection.begin():
            package = connection.execute(
                select(
                    UserDataPackage.__table__,
                    PackageKey.wrapped_key,
                    Run.sequence,
                    Run.consent_token_id.label("consent"),
                )
                .join(PackageKey, PackageKey.package_id == UserDataPackage.package_id)
                .join(Run, Run.package_id == UserDataPackage.package_id)
                .where(Run.run_id == step.run_id)
            ).one_or_none()
        if package is None:
            raise Refusal(ReasonCode.CORRUPT, "the package's data key is gone: it was erased")
        self.package = package
        self.phase = Phase(step.phase)
        self.vault = open_package(package.user_id, package.package_id, package.wrapped_key)
        self._connection = connection
        self._read: Blob | TextLayer | None = None

    def read(self) -> Blob | TextLayer:
        """The artifact of the lane's phase.

        Raises:
            Refusal: there is no text layer.
        """
        if self._read is None:
            self._read = self._blob() if self.phase is Phase.PERCEIVE else self._layer()
        return self._read

    def _blob(self) -> Blob:
        return Blob(self.vault.get(self.package.object_key), self.package.media_type)

    def _layer(self) -> TextLayer:
        with self._connection.begin():
            record = main_layer(self._connection, self.package.package_id)
            if record is None:
                raise Refusal(ReasonCode.NO_TEXT, "the package has no text layer")
            return load_layer(self._connection, self.package.user_id, record.text_layer_id)

    def context(self, row: AnalyzerRow) -> Context:
        """What the analyzer may know besides the artifact."""
        options = {**row.options, **settings().analyzer_options.get(row.name, {})}
        if folder := model_folder(row):
            options |= {"model": folder, "task": row.model}
        return Context(Authorship(self.package.details.get("authorship", Authorship.UNKNOWN)), options)


def _analyse(step: AnyRow, artifact: _Artifact, timeouts: tuple[type[Exception], ...]) -> _Outcome:
    """Run one analyzer; whatever it does becomes an outcome, never a crash of the lane."""
    begun = time.perf_counter()
    row = analyzer(step.analyzer)
    if other := settings().analyzer_implementations.get(row.name):
        row = replace(row, implementation=other)
    failpoint(f"lane.analyse.{row.name}")
    try:
        result = _call(row, artifact)
        outcome = _Outcome(step, StepStatus.DONE, result.reason, result)
    except Refusal as refusal:
        skipped = refusal.reason.code in SKIPPING and row.phase is Phase.INTERPRET
        outcome = _Outcome(step, StepStatus.SKIPPED if skipped else StepStatus.FAILED, refusal.reason)
    except timeouts:
        outcome = _failed(step, ReasonCode.TIMED_OUT, "the analyzer took longer than its limit: try a shorter file")
    except (MemoryError, RecursionError):
        outcome = _failed(step, ReasonCode.LIMIT_EXCEEDED, "the file needs more memory than an analyzer may use")
    except EchoError:
        raise
    except Exception as error:  # noqa: BLE001 - a failing analyzer is recorded; its message may hold content and is not
        log.warning("analyzer_failed", analyzer=row.name, step=str(step.step_id), error=type(error).__name__)
        outcome = _failed(step, ReasonCode.INTERNAL, f"the analyzer failed ({type(error).__name__}): this is our fault")
    outcome.milliseconds = round((time.perf_counter() - begun) * 1000)
    return outcome


def _failed(step: AnyRow, code: ReasonCode, message: str) -> _Outcome:
    return _Outcome(step, StepStatus.FAILED, Reason(code, message))


def _call(row: AnalyzerRow, artifact: _Artifact) -> Result:
    read, context = artifact.read(), artifact.context(row)
    if not row.sandboxed:
        run: Callable[..., Result] = row.load()
        return run(read, context)
    from app.perception.sandbox import sandbox  # noqa: PLC0415 - only workers of sandboxed analyzers need it

    if not isinstance(read, Blob):
        raise Refusal(ReasonCode.INTERNAL, "only perceiving analyzers run in the sandbox")
    return sandbox().call(row.implementation, read, context, deadline_s=row.deadline_s)


def _store(connection: Connection, artifact: _Artifact, outcomes: list[_Outcome]) -> list[str]:
    """Write what the steps found, unless somebody else took them over or consent ended meanwhile.

    Returns:
        The states that the steps ended in.
    """
    package = artifact.package
    layers = {outcome.step.step_id: _seal_layers(artifact, outcome) for outcome in outcomes}
    with connection.begin():
        gate_shared(connection, package.user_id)
        scopes = {outcome.step.scope for outcome in outcomes}
        allowed = covered(connection, package.user_id, package.consent, scopes)
        for outcome in outcomes:
            if outcome.step.scope not in allowed:
                outcome.state, outcome.reason, outcome.result = StepStatus.DENIED, denied(outcome.step.scope), None
        ours = _finish(connection, outcomes)
        kept = [outcome for outcome in outcomes if outcome.step.step_id in ours]
        documents = [
            _document(artifact, outcome) for outcome in kept if outcome.state in {StepStatus.DONE, StepStatus.FAILED}
        ]
        if documents:
            feature_store().put_many(documents, connection)
        records = [record for outcome in kept if outcome.result for record in layers[outcome.step.step_id]]
        if records:
            statement = insert(TextLayerRecord)
            changed = {
                name: statement.excluded[name] for name in ("language", "characters", "own_characters", "sha256")
            }
            connection.execute(statement.on_conflict_do_update(index_elements=["text_layer_id"], set_=changed), records)
        connection.execute(update(Run).where(Run.run_id == outcomes[0].step.run_id).values(moved_at=now()))
    return [str(outcome.state) for outcome in kept]


def _finish(connection: Connection, outcomes: list[_Outcome]) -> set[UUID]:
    """End the steps whose token is still ours; the others belong to somebody else now."""
    ours = set()
    statement = (
        update(Step)
        .where(Step.step_id == bindparam("of"), Step.token == bindparam("held"))
        .values(
            state=bindparam("new_state"),
            reason=bindparam("why"),
            processing_time_ms=bindparam("took"),
            feature_set_id=bindparam("document"),
            finished_at=bindparam("ended"),
        )
    )
    for outcome in outcomes:
        step = outcome.step
        stored = outcome.state in {StepStatus.DONE, StepStatus.FAILED}
        changed = connection.execute(
            statement,
            {
                "of": step.step_id,
                "held": step.token,
                "new_state": str(outcome.state),
                "why": outcome.reason.as_json() if outcome.reason else None,
                "took": outcome.milliseconds,
                "document": _feature_set_id(step) if stored else None,
                "ended": now(),
            },
        )
        if changed.rowcount:
            ours.add(step.step_id)
    return ours


def _feature_set_id(step: AnyRow) -> UUID:
    return feature_set_id(step.package_id, step.analyzer, step.version)


def _document(artifact: _Artifact, outcome: _Outcome) -> FeatureDocument:
    step, result = outcome.step, outcome.result
    failed = outcome.state is StepStatus.FAILED
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
        fence=fence(artifact.package.sequence, step.attempts),
    )


def _seal_layers(artifact: _Artifact, outcome: _Outcome) -> list[dict[str, Any]]:
    """Encrypt the step's text layers into the vault; object first, row after."""
    records = []
    step = outcome.step
    for index, layer in enumerate(outcome.result.layers if outcome.result else ()):
        text_layer_id = stable_id("layer", step.package_id, step.analyzer, step.version, index)
        sha256 = digest(layer.text)
        object_key = artifact.vault.put(f"layer-{text_layer_id}", json.dumps(layer.as_json()).encode())
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
