"""Between the chords: perception has ended, so decide what reads its text layers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app.analyzers.catalog import interpreting
from app.consent import covered
from app.database import relaxed, transaction
from app.models import Run, Step
from app.services.layers import main_layer
from app.services.planning import now, open_lanes, plan
from app.services.ports import Lane
from app.vocabulary import Phase, RunStatus, StepStatus


def interpret(run_id: UUID) -> tuple[Phase, list[Lane]] | None:
    """Plan the interpreting steps of a run whose perception has ended. Any number of times.

    Args:
        run_id: of the run.

    Returns:
        What to publish next: the interpreting lanes, or the merge; None where perception has not ended or the run has.
    """
    with transaction() as connection:
        relaxed(connection)
        run = connection.execute(select(Run.__table__).where(Run.run_id == run_id).with_for_update()).one_or_none()
        if run is None or RunStatus(run.state).final:
            return None
        steps = [
            {**row}
            for row in connection.execute(
                select(Step.phase, Step.queue, Step.lane, Step.state).where(Step.run_id == run_id)
            ).mappings()
        ]
        if any(not StepStatus(s["state"]).final for s in steps if s["phase"] == str(Phase.PERCEIVE)):
            return None
        if run.phase == str(Phase.PERCEIVE):
            planned: list[dict[str, Any]] = []
            if main_layer(connection, run.package_id) is not None:
                rows = interpreting()
                scopes = covered(connection, run.user_id, run.consent_token_id, {row.scope for row in rows})
                planned = plan(rows, run_id=run_id, package_id=run.package_id, user_id=run.user_id, covered=scopes)
                connection.execute(insert(Step).on_conflict_do_nothing(), planned)
            steps += planned
            phase = Phase.INTERPRET if open_lanes(planned) else Phase.MERGE
            connection.execute(update(Run).where(Run.run_id == run_id).values(phase=str(phase), moved_at=now()))
    lanes = open_lanes(step for step in steps if step["phase"] == str(Phase.INTERPRET))
    return (Phase.INTERPRET, lanes) if lanes else (Phase.MERGE, [])
