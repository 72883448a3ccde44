"""What language models cost and how much they make up, read out of the ledger: one statement for each part.

A trait's cost is its share of the answers that it rests on: of each feature set, what the calls of its steps cost, by
equal parts among the candidates that it supports. What led to no candidate, or to none that is still there, is not
shared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select, text, tuple_

from app.database import AnyRow, transaction
from app.models import LlmBreaker, LlmCall, Run, Step, UserDataPackage
from app.services.llm import ledger, slots
from app.services.planning import now
from app.vocabulary import Queue, StepStatus
from config.settings import settings

CURRENCY = "USD"
#: From this window on, windows are counted together: a long text has hundreds, and each is a time series.
LAST_WINDOW = 8
#: Traits that an answer names; what the others cost is added up.
MOST_TRAITS = 500

_WINDOW = func.least(LlmCall.window, LAST_WINDOW)
_FAILED = LlmCall.outcome.not_in([ledger.OPEN, ledger.BATCHED, ledger.ANSWERED])
_TOKENS = {
    "input": LlmCall.input_tokens,
    "output": LlmCall.output_tokens,
    "cacheWrite": LlmCall.cache_write_tokens,
    "cacheRead": LlmCall.cache_read_tokens,
}

_QUOTED = (
    func.coalesce(func.sum(LlmCall.quotes), 0).label("quotes"),
    func.coalesce(func.sum(LlmCall.fabricated), 0).label("fabricated"),
)

# What each of the person's feature sets cost, and the candidates that it supports.
_SHARES = """
WITH paid AS (
    SELECT s.feature_set_id, s.package_id, sum(c.cost) AS cost
    FROM llm_calls c JOIN steps s ON s.step_id = c.step_id
    -- What is asked after the step has ended is a repetition's (`replay`): no feature rests on it.
    WHERE c.user_id = :user AND s.feature_set_id IS NOT NULL AND c.asked_at <= s.finished_at
    GROUP BY s.feature_set_id, s.package_id
), rests AS (
    -- By package, which has an index; the feature sets of a contribution are of its package.
    SELECT DISTINCT c.candidate_id, source.value::uuid AS feature_set_id
    FROM (SELECT DISTINCT package_id FROM paid) AS asked
    JOIN candidate_contributions c USING (package_id),
         jsonb_each_text(c.contribution -> 'sources') AS source
    WHERE c.weight > 0
), shares AS (
    SELECT rests.candidate_id,
           sum(paid.cost / among.candidates) AS cost
    FROM rests
    JOIN paid USING (feature_set_id)
    JOIN (SELECT feature_set_id, count(*) AS candidates FROM rests GROUP BY feature_set_id) AS among
        USING (feature_set_id)
    GROUP BY rests.candidate_id
)
"""
_TRAITS = text(
    _SHARES
    + """
SELECT k.candidate_id, k.trait_name, shares.cost,
       sum(shares.cost) OVER () AS all_costs
FROM shares JOIN candidates k USING (candidate_id)
ORDER BY shares.cost DESC, k.candidate_id
LIMIT :most
"""
)


def window_name(window: int) -> str:
    """How a window is called where windows are counted: "0" to "7", "8+"."""
    return str(window) if window < LAST_WINDOW else f"{LAST_WINDOW}+"


def of_person(user_id: str, *, limit: int = 50, offset: int = 0) -> dict[str, Any]:
    """What language models cost for a person.

    Calls that are being made count with the most that they can cost, as they do in budgets.

    Args:
        user_id: whose.
        limit: runs at most.
        offset: runs that are left out, newest first.

    Returns:
        `{currency, month: {spent, budget, left}, total, analyzers, runs, traits, otherTraits, unshared, pagination}`:
        amounts are numbers of US dollars; `traits`, dearest first, `otherTraits` and `unshared` add up to `total`.
    """
    with transaction() as connection:
        # One state of the ledger for all parts, or they would not add up while calls end.
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        spent = ledger.spent_this_month(connection, user_id)
        analyzers = _analyzers(connection, user_id)
        runs, counted = _runs(connection, user_id, limit, offset)
        traits = connection.execute(_TRAITS, {"user": user_id, "most": MOST_TRAITS}).all()
    total = sum((row.cost for row in analyzers), Decimal(0))
    shared = traits[0].all_costs if traits else Decimal(0)
    named = sum((row.cost for row in traits), Decimal(0))
    budget = settings().llm_budget_person_month
    return {
        "currency": CURRENCY,
        "month": {"spent": amount(spent), "budget": amount(budget), "left": amount(max(budget - spent, Decimal(0)))},
        "total": amount(total),
        "analyzers": [
            {"analyzer": row.analyzer, "calls": row.calls, "tokens": row.tokens, "cost": amount(row.cost)}
            for row in analyzers
        ],
        "runs": runs,
        "traits": [
            {"candidateID": row.candidate_id, "traitName": row.trait_name, "cost": amount(row.cost)} for row in traits
        ],
        "otherTraits": amount(shared - named),
        "unshared": amount(total - shared),
        "pagination": {"offset": offset, "limit": limit, "total": counted},
    }


def amount(cost: Decimal) -> float:
    """US dollars as JSON has them: a number, exact to the ledger's eight places."""
    return float(round(cost, 8))


def _analyzers(connection: Connection, user_id: str) -> Sequence[AnyRow]:
    """Dearest first; null stands for those whose package is erased."""
    tokens = sum(_TOKENS.values(), start=0 * LlmCall.input_tokens)
    return connection.execute(
        select(
            Step.analyzer,
            func.count().label("calls"),
            func.sum(tokens).label("tokens"),
            func.sum(LlmCall.cost).label("cost"),
        )
        .select_from(LlmCall)
        .outerjoin(Step, Step.step_id == LlmCall.step_id)
        .where(LlmCall.user_id == user_id)
        .group_by(Step.analyzer)
        .order_by(func.sum(LlmCall.cost).desc(), Step.analyzer)
    ).all()


def _runs(connection: Connection, user_id: str, limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
    """A page of the runs that asked, newest first, each with its steps; and how many such runs there are."""
    begun = func.min(LlmCall.asked_at)
    page = (
        select(LlmCall.run_id, begun.label("begun"), func.count().over().label("runs"))
        .where(LlmCall.user_id == user_id)
        .group_by(LlmCall.run_id)
        .order_by(begun.desc(), LlmCall.run_id)
        .limit(limit)
        .offset(offset)
        .subquery()
    )
    by = (*page.c, LlmCall.package_id, UserDataPackage.file_name, Run.state, Step.analyzer)
    rows = connection.execute(
        select(*by, func.count().label("calls"), func.sum(LlmCall.cost).label("cost"))
        .select_from(page)
        .join(LlmCall, LlmCall.run_id == page.c.run_id)
        .outerjoin(Step, Step.step_id == LlmCall.step_id)
        .outerjoin(Run, Run.run_id == page.c.run_id)
        .outerjoin(UserDataPackage, UserDataPackage.package_id == LlmCall.package_id)
        .group_by(*by)
        .order_by(page.c.begun.desc(), page.c.run_id, Step.analyzer)
    ).all()
    if not rows:
        counted = select(func.count(LlmCall.run_id.distinct())).where(LlmCall.user_id == user_id)
        return [], connection.execute(counted).scalar_one() if offset else 0
    grouped: dict[UUID, list[AnyRow]] = {}
    for row in rows:
        grouped.setdefault(row.run_id, []).append(row)
    return [_run(of_run) for of_run in grouped.values()], rows[0].runs


def _run(rows: Sequence[AnyRow]) -> dict[str, Any]:
    first = rows[0]
    return {
        "runID": first.run_id,
        "packageID": first.package_id,
        "file": first.file_name,
        "runStatus": first.state,
        "askedAt": first.begun,
        "calls": sum(row.calls for row in rows),
        "cost": amount(sum((row.cost for row in rows), Decimal(0))),
        "steps": [{"analyzer": row.analyzer, "calls": row.calls, "cost": amount(row.cost)} for row in rows],
    }


def measured(connection: Connection) -> list[dict[str, Any]]:
    """What models did here: by model (prompt and window null), and by model, prompt and window.

    Returns:
        `{model, prompt, window, calls, failures, medianSeconds, tokens, cost, quotes, fabricated, fabricationRate}`.
    """
    answered = LlmCall.outcome == ledger.ANSWERED
    query = select(
        LlmCall.model,
        LlmCall.prompt,
        _WINDOW.label("window"),
        func.count().label("calls"),
        func.count().filter(_FAILED).label("failures"),
        func.percentile_cont(0.5).within_group(LlmCall.milliseconds).filter(answered).label("median"),
        *(func.sum(column).label(name) for name, column in _TOKENS.items()),
        func.sum(LlmCall.cost).label("cost"),
        *_QUOTED,
    ).group_by(func.grouping_sets(tuple_(LlmCall.model), tuple_(LlmCall.model, LlmCall.prompt, _WINDOW)))
    rows = connection.execute(query.order_by(LlmCall.model, LlmCall.prompt.nulls_first(), _WINDOW)).all()
    return [_measured(row) for row in rows]


def _measured(row: AnyRow) -> dict[str, Any]:
    return {
        "model": row.model,
        "prompt": row.prompt,
        "window": None if row.prompt is None else window_name(row.window),
        "calls": row.calls,
        "failures": row.failures,
        "medianSeconds": None if row.median is None else round(float(row.median) / 1000, 3),
        "tokens": {name: int(getattr(row, name)) for name in _TOKENS},
        "cost": amount(row.cost),
        "quotes": int(row.quotes),
        "fabricated": int(row.fabricated),
        "fabricationRate": round(row.fabricated / row.quotes, 4) if row.quotes else None,
    }


def tallies(connection: Connection) -> Sequence[AnyRow]:
    """Calls, cost, quotations and what of them was made up, by vendor, model, prompt, window and outcome."""
    by = (LlmCall.vendor, LlmCall.model, LlmCall.prompt, _WINDOW.label("window"), LlmCall.outcome)
    return connection.execute(
        select(
            *by,
            func.count().label("calls"),
            func.sum(LlmCall.cost).label("cost"),
            *_QUOTED,
        ).group_by(LlmCall.vendor, LlmCall.model, LlmCall.prompt, _WINDOW, LlmCall.outcome)
    ).all()


def breakers(connection: Connection) -> dict[str, bool]:
    """Whether a vendor's breaker is open, for any of its keys, by vendor."""
    opened = func.bool_or(func.coalesce(LlmBreaker.open_until > now(), False))
    rows = connection.execute(select(LlmBreaker.vendor, opened.label("open")).group_by(LlmBreaker.vendor))
    return {row.vendor: row.open for row in rows}


def slots_used(connection: Connection, digests: Mapping[str, str]) -> dict[str, int]:
    """Calls that are being made, by vendor.

    Args:
        connection: to read with.
        digests: of the key, by vendor.
    """
    keys = {slots.lock(vendor, digest): vendor for vendor, digest in digests.items()}
    found = dict.fromkeys(digests, 0)
    for row in connection.execute(_HELD, {"vendors": [*keys]}):
        found[keys[row.vendor]] = row.held
    return found


# Advisory locks of two numbers have objsubid 2.
_HELD = text(
    "SELECT classid::bigint AS vendor, count(*) AS held FROM pg_locks "
    "WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND classid::bigint = ANY(:vendors) "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) GROUP BY classid"
)


def waiting(connection: Connection) -> int:
    """Steps that wait until their vendor may be asked again."""
    put_off = (Step.state == str(StepStatus.PENDING), Step.not_before.is_not(None), Step.queue == str(Queue.LLM))
    return connection.execute(select(func.count()).select_from(Step).where(*put_off)).scalar_one()
