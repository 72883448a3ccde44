"""What operations and probes ask about the runs as a whole, and about the vendors that they use."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import func, select

from app.analyzers.catalog import catalog
from app.database import AnyRow, transaction
from app.models import Run
from app.services.llm import spending, vendors
from app.vocabulary import RunStatus
from config.settings import settings


@dataclass(frozen=True, slots=True)
class Vendors:
    """How vendors are used at this moment.

    Attributes:
        tallies: calls, cost and quotations by vendor, model, prompt, window and outcome, as `spending.tallies`.
        breakers: whether each vendor's breaker is open.
        slots_used: calls that are being made, by vendor.
        slots_allowed: calls that may be made at a time, by vendor.
        waiting: steps that wait until their vendor may be asked again; None where nobody could be asked.
    """

    tallies: list[AnyRow] = field(default_factory=list)
    breakers: dict[str, bool] = field(default_factory=dict)
    slots_used: dict[str, int] = field(default_factory=dict)
    slots_allowed: dict[str, int] = field(default_factory=dict)
    waiting: int | None = None


def vendors_now() -> Vendors:
    """Calls, breakers, slots and waiting steps: one statement each."""
    names = sorted({name for row in catalog().values() if (name := vendors.vendor_name(row))})
    digests = dict.fromkeys(names, vendors.key_digest())
    with transaction() as connection:
        return Vendors(
            tallies=[*spending.tallies(connection)],
            breakers={**dict.fromkeys(names, False), **spending.breakers(connection)},
            slots_used=spending.slots_used(connection, digests),
            slots_allowed=dict.fromkeys(names, settings().llm_concurrency),
            waiting=spending.waiting(connection),
        )


def run_counts() -> dict[str, int]:
    """Runs by state, every state named."""
    with transaction() as connection:
        counted = connection.execute(select(Run.state, func.count().label("runs")).group_by(Run.state)).all()
    found = {row.state: row.runs for row in counted}
    return {str(state): found.get(state, 0) for state in RunStatus}
