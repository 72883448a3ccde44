"""The ledger of calls: entered with their worst case before they are made, so that no budget is ever overdrawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select, text, update

from app.asking import Answer, Request, Usage
from app.database import stable_id
from app.errors import Reason
from app.models import LlmCall
from app.services.planning import now
from app.vocabulary import ReasonCode
from config.settings import settings

OPEN = "open"
#: Part of a batch that has not been entered yet.
BATCHED = "batched"
#: Part of a batch that the vendor refused as a whole.
NOT_TAKEN = "not_taken"
ANSWERED = "answered"
#: Seconds beyond its deadline after which an open call's worker must be dead.
_GRACE_S = 60.0
#: Seconds after which a batch is past its day.
BATCH_S = 26 * 3600.0
#: Characters that are kept of a vendor's id.
_LONGEST_ID = 128


@dataclass(frozen=True, slots=True)
class Purse:
    """A budget that a call does not fit into.

    Attributes:
        name: "run" or "person_month".
        limit: US dollars.
        spent: US dollars, worst cases of open calls included.
        passing: whether calls that are being made may yet turn out to cost less than that.
        later: whether calls and batches may; a batch takes hours.
    """

    name: str
    limit: Decimal
    spent: Decimal
    passing: bool
    later: bool = False

    @property
    def exhausted(self) -> Reason:
        """Why a question is not asked."""
        return Reason(
            ReasonCode.BUDGET_EXHAUSTED,
            f"the budget of {self.limit} USD ({self.name.replace('_', ' and ')}) leaves no room for another question: "
            "raise it, or wait for the next month, and analyse again",
            {"budget": self.name, "limit": str(self.limit), "spent": str(self.spent)},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What became of a call.

    Attributes:
        outcome: `ANSWERED`, or what went wrong.
        usage: that is billed.
        model: that answered, else that was asked.
        request_id: the vendor's.
        milliseconds: that it took; None for a part of a batch.
    """

    outcome: str
    usage: Usage = field(default_factory=Usage)
    model: str
    request_id: str = ""
    milliseconds: int | None


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
    return Budgets(connection, asker.user_id, [asker.run_id]).short_of(asker.run_id, worst)


class Budgets:
    """What a person's budgets have left, for several calls; the caller holds the purse (`hold_purse`).

    Args:
        connection: of the transaction.
        user_id: whose.
        run_ids: of the runs that ask.
    """

    def __init__(self, connection: Connection, user_id: str, run_ids: Sequence[UUID]) -> None:
        of_runs = _sums.add_columns(LlmCall.run_id).where(LlmCall.run_id.in_(run_ids)).group_by(LlmCall.run_id)
        of_month = _sums.where(LlmCall.user_id == user_id, LlmCall.asked_at >= month())
        given = {
            "living": now() - timedelta(seconds=settings().llm_deadline_s + _GRACE_S),
            "batched": now() - timedelta(seconds=BATCH_S),
        }
        self._runs = {row.run_id: _Sum(*row[:3]) for row in connection.execute(of_runs, given)}
        self._month = _Sum(*connection.execute(of_month, given).one())

    def short_of(self, run_id: UUID, worst: Decimal) -> Purse | None:
        """The budget that a call of this worst case would overdraw, if any."""
        run = self._runs.setdefault(run_id, _Sum())
        budgets = (
            ("run", settings().llm_budget_run, run),
            ("person_month", settings().llm_budget_person_month, self._month),
        )
        for name, limit, held in budgets:
            if held.spent + worst > limit:
                without = held.spent - held.open + worst
                passing, later = held.open > 0 and without <= limit, without - held.batched <= limit
                return Purse(name, limit, held.spent, passing=passing, later=held.batched > 0 and later)
        return None

    def take(self, run_id: UUID, worst: Decimal) -> None:
        """Count a call of a batch that is going to be entered."""
        for held in (self._runs.setdefault(run_id, _Sum()), self._month):
            held.spent, held.batched = held.spent + worst, held.batched + worst


@dataclass(slots=True)
class _Sum:
    """US dollars: all, and of these what calls and batches hold that have not ended."""

    spent: Decimal = Decimal(0)
    open: Decimal = Decimal(0)
    batched: Decimal = Decimal(0)


def _sum(*only: ColumnElement[bool]) -> ColumnElement[Decimal]:
    total = func.sum(LlmCall.cost)
    return func.coalesce(total.filter(*only) if only else total, 0)


_sums = select(
    _sum(),
    _sum(LlmCall.outcome == OPEN, LlmCall.asked_at > bindparam("living")),
    _sum(LlmCall.outcome == BATCHED, LlmCall.asked_at > bindparam("batched")),
)


def month() -> datetime:
    """When the calendar month began."""
    return datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def enter(connection: Connection, asker: Asker, request: Request, worst: Decimal) -> UUID:
    """A call that is about to be made; its id."""
    row = _call(asker, request, worst)
    connection.execute(insert(LlmCall), row)
    call_id: UUID = row["call_id"]
    return call_id


def enter_batched(
    connection: Connection,
    batch_id: UUID,
    asked: Sequence[tuple[UUID, Asker, Request, Decimal]],
    before: Sequence[UUID],
) -> None:
    """Questions that are about to travel in a batch.

    Args:
        connection: of the transaction.
        batch_id: of the batch.
        asked: (id, on whose behalf, question, worst case).
        before: calls of the same questions; of batches that the vendor did not take, the newest is remembered.
    """
    connection.execute(delete(LlmCall).where(LlmCall.call_id.in_(before), LlmCall.outcome == NOT_TAKEN))
    rows = [
        {**_call(asker, request, worst), "call_id": call_id, "outcome": BATCHED, "bulk": True, "batch_id": batch_id}
        for call_id, asker, request, worst in asked
    ]
    connection.execute(insert(LlmCall), rows)


def _call(asker: Asker, request: Request, worst: Decimal) -> dict[str, Any]:
    return {
        "call_id": uuid4(),
        "package_id": asker.package_id,
        "run_id": asker.run_id,
        "step_id": asker.step_id,
        "user_id": asker.user_id,
        "vendor": asker.vendor,
        "model": asker.model,
        "prompt": request.prompt,
        "window": request.window,
        "attempt": request.attempt,
        "question": request.key,
        "outcome": OPEN,
        "cost": worst,
        "asked_at": now(),
    }


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


def settle_batched(connection: Connection, call_id: UUID, ended: Ended, cost: Decimal | None) -> None:
    """What a part of a batch came to, unless that is known already.

    Args:
        connection: of the transaction.
        call_id: of the part.
        ended: what became of it; the model that was asked stays where none is named.
        cost: US dollars; None leaves the worst case standing.
    """
    values = {**_paid(ended.usage, cost or Decimal(0), ended.model, ended.request_id), "outcome": ended.outcome}
    if not ended.model:
        del values["model"]
    if cost is None:
        del values["cost"]
    connection.execute(update(LlmCall).where(LlmCall.call_id == call_id, LlmCall.outcome == BATCHED).values(**values))


def end_batched(connection: Connection, batch_id: UUID, outcome: str, cost: Decimal | None) -> None:
    """The parts of a batch that are not entered yet, of which nothing more will be heard.

    Args:
        connection: of the transaction.
        batch_id: of the batch.
        outcome: why.
        cost: of each, in US dollars; None leaves the worst cases standing, since what they cost is not known.
    """
    values: dict[str, Any] = {"outcome": outcome} if cost is None else {"outcome": outcome, "cost": cost}
    mine = (LlmCall.batch_id == batch_id, LlmCall.outcome == BATCHED)
    connection.execute(update(LlmCall).where(*mine).values(**values))


def settle_lost(connection: Connection, asker: Asker, request: Request, answer: Answer, cost: Decimal) -> None:
    """The answer was kept, and then its worker died: enter what the recording says that it cost.

    The recording is the newest call's. What an earlier one came to, whose worker died before an answer, nobody knows:
    its worst case stands.
    """
    newest = (
        select(LlmCall.call_id)
        .where(
            LlmCall.step_id == asker.step_id,
            LlmCall.prompt == request.prompt,
            LlmCall.window == request.window,
            LlmCall.attempt == request.attempt,
        )
        .order_by(LlmCall.asked_at.desc(), LlmCall.call_id)
        .limit(1)
        .scalar_subquery()
    )
    connection.execute(
        update(LlmCall)
        .where(LlmCall.call_id == newest, LlmCall.outcome.in_([OPEN, BATCHED]))
        .values(**_paid(answer.usage, cost, answer.model, answer.request_id), outcome=ANSWERED)
    )


def judged(connection: Connection, step_id: UUID, windows: Sequence[Mapping[str, Any]]) -> None:
    """Enter what the proof made of a step's answers.

    Args:
        connection: of the transaction that stores the features.
        step_id: of the step.
        windows: `findings.Counts` of each question that has an answer, with its `window` and `prompt`.
    """
    for counts in windows:
        mine = (
            LlmCall.step_id == step_id,
            LlmCall.window == counts["window"],
            LlmCall.prompt == counts["prompt"],
            LlmCall.outcome == ANSWERED,
        )
        last = select(func.max(LlmCall.attempt)).where(*mine).scalar_subquery()
        connection.execute(
            update(LlmCall)
            .where(*mine, LlmCall.attempt == last)
            .values(quotes=counts["quotes"], fabricated=counts["fabricated"])
        )


def _paid(usage: Usage, cost: Decimal, model: str, request_id: str) -> dict[str, Any]:
    return {
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cache_write_tokens": usage.cache_write,
        "cache_read_tokens": usage.cache_read,
        "cost": cost,
        "model": model[:96],
        "request_id": request_id[:_LONGEST_ID],
    }


def request_id(answer: Answer) -> str:
    """The vendor's id of an answer, as the ledger holds it."""
    return answer.request_id[:_LONGEST_ID]


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
