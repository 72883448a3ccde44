"""What operations and probes ask about the runs as a whole."""

from __future__ import annotations

from sqlalchemy import func, select

from app.database import transaction
from app.models import Run
from app.services.llm import ledger
from app.vocabulary import RunStatus


def vendor_calls() -> list[tuple[str, str, str, int]]:
    """Calls to vendors by vendor, model and outcome."""
    with transaction() as connection:
        return ledger.outcomes(connection)


def fabrications() -> list[tuple[str, str, int, int]]:
    """Quotations of language models by model and prompt: all, and those that are not in the text."""
    with transaction() as connection:
        return ledger.fabrications(connection)


def run_counts() -> dict[str, int]:
    """Runs by state, every state named."""
    with transaction() as connection:
        counted = connection.execute(select(Run.state, func.count().label("runs")).group_by(Run.state)).all()
    found = {row.state: row.runs for row in counted}
    return {str(state): found.get(state, 0) for state in RunStatus}
