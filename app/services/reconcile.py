"""The reconciler: finds runs that stopped moving and sets them going again. It holds no state of its own.

It repairs what messages lost: a worker killed, a broker emptied, a publisher that died after its commit. Everything it
does is also done by the fast path; doing it twice changes nothing.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import Connection, and_, exists, func, or_, select, text, update

from app.database import AnyRow, transaction
from app.errors import Reason
from app.models import Run, Step
from app.services import dispatch
from app.services.claims import lane_key
from app.services.interpret import interpret
from app.services.planning import now
from app.services.ports import Lane, Pipeline
from app.vocabulary import Phase, Queue, ReasonCode, RunStatus, StepStatus
from config.settings import settings

log = structlog.get_logger()

#: Advisory lock of whoever ticks at this moment.
TICK_LOCK = 7_240_202

#: Runs looked at in one tick.
BATCH = 200

#: Seconds after which a run whose steps have all ended, and which nobody moved on, is moved on.
ENDED_AFTER_S = 3.0

#: Times that a run whose steps have all ended is moved on before it is given up: its merge fails every time.
MAX_DISPATCHES = 12

#: The wait before a dispatch is repeated doubles up to this many times.
MAX_DOUBLINGS = 4


#: A step of the run that has not ended, and that it may be begun.
_OPEN = and_(Step.run_id == Run.run_id, Step.state.in_([str(s) for s in StepStatus if not s.final]))
_BEGINS = or_(Step.not_before.is_(None), Step.not_before <= func.now())


def tick(pipeline: Pipeline) -> dict[str, int]:
    """Fill the window and mend what stopped.

    Returns:
        Counts of what was done.
    """
    with transaction() as connection:
        if not connection.execute(text(f"SELECT pg_try_advisory_xact_lock({TICK_LOCK})")).scalar():
            return {}
        done = {"published": dispatch.fill(pipeline), "mended": 0}
        for run in _stopped():
            done["mended"] += _mend(run, pipeline)
        return done


def _stopped() -> list[AnyRow]:
    with transaction() as connection:
        runs = connection.execute(
            select(Run.run_id, Run.phase, Run.moved_at, Run.dispatches)
            .where(
                Run.state == str(RunStatus.RUNNING),
                Run.moved_at < now() - timedelta(seconds=ENDED_AFTER_S),
                # Those that only wait for a vendor would keep the others from being looked at.
                or_(~exists().where(_OPEN), exists().where(_OPEN, _BEGINS)),
            )
            .order_by(Run.moved_at)
            .limit(BATCH)
        ).all()
    return list(runs)


def _mend(run: AnyRow, pipeline: Pipeline) -> bool:
    patience = settings().stale_after_s * 2 ** min(max(run.dispatches - 1, 0), MAX_DOUBLINGS)
    stale = run.moved_at < now() - timedelta(seconds=patience)
    with transaction() as connection:
        steps = connection.execute(
            select(Step.step_id, Step.phase, Step.queue, Step.lane, Step.state, Step.attempts, Step.not_before).where(
                Step.run_id == run.run_id
            )
        ).all()
        still_open = [step for step in steps if not StepStatus(step.state).final]
        free = {lane for lane in {step.lane for step in still_open} if _free(connection, run.run_id, lane)}
        lost = [s for s in still_open if s.lane in free and s.attempts >= settings().max_attempts]
        due = [s for s in still_open if s not in lost and s.lane in free and _due(s)]
        # A wait that is over since the run was last dispatched is no reason for doubt: nothing was lost.
        waited = [step for step in due if step.not_before and step.not_before > run.moved_at]
        if not stale and still_open and not lost and not waited:
            return False
        # The run before its steps, as everybody locks them.
        if due:
            _dispatched(connection, run.run_id, again=not waited)
        if lost:
            _give_up(connection, [step.step_id for step in lost])
    if due:
        phase = Phase(due[0].phase)
        return pipeline.publish(run.run_id, phase, sorted({Lane(Queue(s.queue), s.lane) for s in due}))
    if len(lost) < len(still_open) or not (stale or lost or run.dispatches <= 1):
        return False
    if run.dispatches >= MAX_DISPATCHES:
        return _fail(run.run_id)
    return _move_on(run.run_id, pipeline)


def _free(connection: Connection, run_id: UUID, lane: str) -> bool:
    """Whether no living worker holds the lane."""
    key = lane_key(run_id, lane)
    return bool(connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": key}).scalar())


def _due(step: AnyRow) -> bool:
    return step.not_before is None or step.not_before <= now()


def _dispatched(connection: Connection, run_id: UUID, *, again: bool = True) -> None:
    connection.execute(
        update(Run)
        .where(Run.run_id == run_id)
        .values(dispatches=Run.dispatches + int(again), dispatched_at=now(), moved_at=now())
    )
    log.info("run_dispatched_again", run=str(run_id))


def _give_up(connection: Connection, step_ids: list[UUID]) -> None:
    reason = Reason(
        ReasonCode.WORKER_LOST,
        "the worker died on this file every time it was tried: the file is left out; the other steps go on",
        {"attempts": settings().max_attempts},
    )
    connection.execute(
        update(Step)
        .where(Step.step_id.in_(step_ids))
        .values(state=str(StepStatus.FAILED), reason=reason.as_json(), finished_at=now(), token=None)
    )


def _fail(run_id: UUID) -> bool:
    """Its steps have ended and merging it fails every time: say so instead of trying for ever."""
    reason = Reason(
        ReasonCode.INTERNAL, "what the analyzers found could not be merged: this is our fault; analyse again"
    )
    with transaction() as connection:
        connection.execute(
            update(Run)
            .where(Run.run_id == run_id, Run.state == str(RunStatus.RUNNING))
            .values(state=str(RunStatus.FAILED), phase=str(Phase.ENDED), reason=reason.as_json(), finished_at=now())
        )
    log.error("run_given_up", run=str(run_id))
    return True


def _move_on(run_id: UUID, pipeline: Pipeline) -> bool:
    """All steps of the phase have ended and nobody went on: do it now."""
    with transaction() as connection:
        _dispatched(connection, run_id)
    following = interpret(run_id)
    return following is not None and pipeline.publish(run_id, *following)


def hasten(run_id: UUID) -> None:
    """Make the next tick look at a run, whatever its patience."""
    with transaction() as connection:
        connection.execute(
            update(Run)
            .where(Run.run_id == run_id, Run.state == str(RunStatus.RUNNING))
            .values(dispatches=0, moved_at=now() - timedelta(seconds=settings().stale_after_s + 1))
        )
