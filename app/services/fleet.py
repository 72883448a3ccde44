"""What operations and probes ask about the runs as a whole."""

from __future__ import annotations

from sqlalchemy import func, select

from app.database import transaction
from app.models import Run
from app.vocabulary import RunStatus


def run_counts() -> dict[str, int]:
    """Runs by state, every state named."""
    with transaction() as connection:
        counted = connection.execute(select(Run.state, func.count().label("runs")).group_by(Run.state)).all()
    found = {row.state: row.runs for row in counted}
    return {str(state): found.get(state, 0) for state in RunStatus}
