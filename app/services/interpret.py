"""Between the chords: perception has ended, so decide what reads its text layers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, exists, select, update
from sqlalchemy.dialects.postgresql import insert

from app.analyzers.catalog import interpreting
from app.consent import ask
from app.database import AnyRow, transaction
from app.models import Run, Step, TextLayerRecord
from app.services.llm.vendors import missing_vendor
from app.services.planning import now, open_lanes, plan
from app.services.ports import Lane
from app.vocabulary import Phase, RunStatus, StepStatus

#: The run with each of its steps; of a step, its phase and what `open_lanes` reads.
_READ = (
    select(
        Run.run_id,
        Run.package_id,
        Run.user_id,
        Run.consent_token_id,
        Run.state.label("run_state"),
        Run.phase.label("run_phase"),
        exists().where(TextLayerRecord.package_id == Run.package_id).label("has_text"),
        Step.phase,
        Step.queue,
        Step.lane,
        Step.state,
    )
    .join(Step, Step.run_id == Run.run_id)
    .where(Run.run_id == bindparam("run"))
)
_TURN = (
    update(Run)
    .where(
        Run.run_id == bindparam("run"),
        Run.phase == str(Phase.PERCEIVE),
        Run.state.in_([str(state) for state in RunStatus if not state.final]),
    )
    .values(phase=bindparam("next"), moved_at=bindparam("moment"))
)


def interpret(run_id: UUID) -> tuple[Phase, list[Lane]] | None:
    """Plan the interpreting steps of a run whose perception has ended. Any number of times.

    Args:
        run_id: of the run.

    Returns:
        What to publish next: the interpreting lanes, or the merge; None where perception has not ended or the run has.
    """
    with transaction() as connection:
        rows = connection.execute(_READ, {"run": run_id}).all()
        if not rows or RunStatus(rows[0].run_state).final:
            return None
        run, steps = rows[0], [row._asdict() for row in rows]
        if any(not StepStatus(step["state"]).final for step in steps if step["phase"] == str(Phase.PERCEIVE)):
            return None
        if run.run_phase == str(Phase.PERCEIVE):
            planned = _plan(connection, run)
            phase = Phase.INTERPRET if open_lanes(planned) else Phase.MERGE
            # Who changes the phase publishes what follows; a second one at the same moment finds it changed.
            if not connection.execute(_TURN, {"run": run_id, "next": str(phase), "moment": now()}).rowcount:
                return None
            if planned:
                connection.execute(insert(Step).on_conflict_do_nothing(), planned)
            steps += planned
    lanes = open_lanes(step for step in steps if step["phase"] == str(Phase.INTERPRET))
    return (Phase.INTERPRET, lanes) if lanes else (Phase.MERGE, [])


def _plan(connection: Connection, run: AnyRow) -> list[dict[str, Any]]:
    """The steps that read the text layers; none where there is no layer."""
    if not run.has_text:
        return []
    rows = interpreting()
    scopes = {row.scope for row in rows if not missing_vendor(row)}
    verdicts = ask(connection, run.user_id, run.consent_token_id, scopes, relaxed=True)
    return plan(rows, run_id=run.run_id, package_id=run.package_id, user_id=run.user_id, verdicts=verdicts)
