"""The ledger of calls: entered with their worst case before they are made, so that no budget is ever overdrawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, func, insert, select, text, update

from app.asking import Answer, Request, Usage
from app.database import stable_id
from app.models import LlmCall
from app.services.planning import now
from config.settings import settings

OPEN = "open"
ANSWERED = "answered"
#: Seconds beyond its deadline after which an open call's worker must be dead.
_GRACE_S = 60.0


@dataclass(frozen=True, slots=True)
class Purse:
    """A budget that a call does not fit into.

    Attributes:
        name: "run" or "person_month".
        limit: US dollars.
        spent: US dollars, worst cases of open calls included.
        passing: whether open calls may yet turn out to cost less than that.
    """

    name: str
    limit: Decimal
    spent: Decimal
    passing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What became of a call.

    Attributes:
        outcome: `ANSWERED`, or what went wrong.
        usage: that is billed.
        model: that answered, else that was asked.
        request_id: the vendor's.
        milliseconds: that it took.
    """

    outcome: str
    usage: Usage = field(default_factory=Usage)
    model: str
    request_id: str = ""
    milliseconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """On whose behalf a call is made, and of which vendor."""

    package_id: UUID
    run_id: UUID
    step_id: UUID
    user_id: str
    vendor: str
    model: str


def hold_purse(connection: Connection, user_id: str) -> None:
    """Let one at a time look into a person's budgets, until the transaction ends."""
    key = stable_id("purse", user_id).int >> 65
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def short_of(connection: Connection, asker: Asker, worst: Decimal) -> Purse | None:
    """The budget that a call of this worst case would overdraw, if any. Call `hold_purse` before."""
    budgets = (
        ("run", settings().llm_budget_run, [LlmCall.run_id == asker.run_id]),
        (
            "person_month",
            settings().llm_budget_person_month,
            [LlmCall.user_id == asker.user_id, LlmCall.asked_at >= month()],
        ),
    )
    living = LlmCall.asked_at > now() - timedelta(seconds=settings().llm_deadline_s + _GRACE_S)
    for name, limit, mine in budgets:
        row = connection.execute(
            select(
                func.coalesce(func.sum(LlmCall.cost), 0).label("spent"),
                func.coalesce(func.sum(LlmCall.cost).filter(LlmCall.outcome == OPEN, living), 0).label("open"),
            ).where(*mine)
        ).one()
        spent, unsettled = Decimal(row.spent), Decimal(row.open)
        if spent + worst > limit:
            return Purse(name, limit, spent, passing=unsettled > 0 and spent - unsettled + worst <= limit)
    return None


def month() -> datetime:
    """When the calendar month began."""
    return datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def enter(connection: Connection, asker: Asker, request: Request, worst: Decimal) -> UUID:
    """A call that is about to be made; its id."""
    call_id = uuid4()
    connection.execute(
        insert(LlmCall),
        {
            "call_id": call_id,
            "package_id": asker.package_id,
            "run_id": asker.run_id,
            "step_id": asker.step_id,
            "user_id": asker.user_id,
            "vendor": asker.vendor,
            "model": asker.model,
            "prompt": request.prompt,
            "window": request.window,
            "attempt": request.attempt,
            "outcome": OPEN,
            "cost": worst,
            "asked_at": now(),
        },
    )
    return call_id


def settle(connection: Connection, call_id: UUID, ended: Ended, cost: Decimal) -> None:
    """What the call came to."""
    connection.execute(
        update(LlmCall)
        .where(LlmCall.call_id == call_id)
        .values(
            **_paid(ended.usage, cost, ended.model, ended.request_id),
            outcome=ended.outcome,
            milliseconds=ended.milliseconds,
        )
    )


def settle_lost(connection: Connection, asker: Asker, request: Request, answer: Answer, cost: Decimal) -> None:
    """The answer was kept, and then its worker died: enter what the recording says that it cost."""
    connection.execute(
        update(LlmCall)
        .where(
            LlmCall.step_id == asker.step_id,
            LlmCall.prompt == request.prompt,
            LlmCall.window == request.window,
            LlmCall.attempt == request.attempt,
            LlmCall.outcome == OPEN,
        )
        .values(**_paid(answer.usage, cost, answer.model, answer.request_id), outcome=ANSWERED)
    )


def judged(connection: Connection, step_id: UUID, windows: Sequence[Mapping[str, int]]) -> None:
    """Enter what the proof made of a step's answers.

    Args:
        connection: of the transaction that stores the features.
        step_id: of the step.
        windows: `findings.Counts` of each window that has an answer.
    """
    for counts in windows:
        mine = (LlmCall.step_id == step_id, LlmCall.window == counts["window"], LlmCall.outcome == ANSWERED)
        last = select(func.max(LlmCall.attempt)).where(*mine).scalar_subquery()
        connection.execute(
            update(LlmCall)
            .where(*mine, LlmCall.attempt == last)
            .values(quotes=counts["quotes"], fabricated=counts["fabricated"])
        )


def fabrications(connection: Connection) -> list[tuple[str, str, int, int]]:
    """How much models make up: (model, prompt, quotations, those that are not in the text)."""
    quotes, fabricated = func.sum(LlmCall.quotes).label("quotes"), func.sum(LlmCall.fabricated).label("fabricated")
    counted = select(LlmCall.model, LlmCall.prompt, quotes, fabricated).where(LlmCall.quotes.is_not(None))
    rows = connection.execute(counted.group_by(LlmCall.model, LlmCall.prompt))
    return [(row.model, row.prompt, row.quotes, row.fabricated) for row in rows]


def _paid(usage: Usage, cost: Decimal, model: str, request_id: str) -> dict[str, Any]:
    return {
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cache_write_tokens": usage.cache_write,
        "cache_read_tokens": usage.cache_read,
        "cost": cost,
        "model": model[:96],
        "request_id": request_id[:128],
    }


def costs(connection: Connection, run_ids: Sequence[UUID]) -> Mapping[UUID, Mapping[UUID, Decimal]]:
    """US dollars by run and step."""
    found: dict[UUID, dict[UUID, Decimal]] = {}
    spent = (
        select(LlmCall.run_id, LlmCall.step_id, func.sum(LlmCall.cost).label("cost"))
        .where(LlmCall.run_id.in_(run_ids))
        .group_by(LlmCall.run_id, LlmCall.step_id)
    )
    for row in connection.execute(spent):
        found.setdefault(row.run_id, {})[row.step_id] = row.cost
    return found


def spent_this_month(connection: Connection, user_id: str) -> Decimal:
    """US dollars of a person in the current calendar month (UTC)."""
    mine = select(func.coalesce(func.sum(LlmCall.cost), 0)).where(
        LlmCall.user_id == user_id, LlmCall.asked_at >= month()
    )
    return Decimal(connection.execute(mine).scalar_one())


def outcomes(connection: Connection) -> list[tuple[str, str, str, int]]:
    """Calls by vendor, model and outcome: (vendor, model, outcome, how many)."""
    counted = select(LlmCall.vendor, LlmCall.model, LlmCall.outcome, func.count().label("calls")).group_by(
        LlmCall.vendor, LlmCall.model, LlmCall.outcome
    )
    return [(row.vendor, row.model, row.outcome, row.calls) for row in connection.execute(counted)]
