"""Carrying an erasure out: stage by stage, alone, to be interrupted anywhere and taken up again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import structlog
from sqlalchemy import func, select, text

from app.database import AnyRow, engine, stable_id, transaction
from app.errors import NotFound, Reason, StoreUnavailable
from app.models import Erasure
from app.services.erasing import canaries, receipt
from app.services.erasing.search import Found, Messages, search
from app.services.erasing.stages import STAGES, Later, Work
from app.services.erasing.state import change, erasure_row
from app.services.failpoints import failpoint
from app.services.planning import now
from app.vocabulary import ErasureStage, ErasureState, ReasonCode

log = structlog.get_logger()

#: Seconds of one attempt: less than a control task may take; the next tick goes on.
BUDGET_S = 40.0
#: Seconds after which an erasure that nobody moves is taken up; they double with every failed attempt.
PATIENCE_S, LONGEST_PATIENCE_S = 1.0, 60.0
#: Attempts are counted up to here.
MOST_ATTEMPTS = 1000


def run(erasure_id: UUID, messages: Messages) -> bool:
    """Carry an erasure on, unless somebody does at this moment.

    Args:
        erasure_id: of the erasure.
        messages: broker and result backend.

    Returns:
        Whether it is done. Where a store does not answer, the reason is written and the tick tries again.
    """
    with _alone(erasure_id) as mine:
        if not mine:
            return False
        try:
            with transaction() as connection:
                row = erasure_row(connection, erasure_id)
        except NotFound:
            return False
        if row.state == ErasureState.DONE:
            return True
        try:
            _carry_on(row, messages)
        except Later:
            change(erasure_id, state=str(ErasureState.RUNNING))
            return False
        except StoreUnavailable as error:
            _postpone(row, Reason(ReasonCode.INTERNAL, error.message, {"store": "unavailable"}))
            return False
        except Exception as error:
            _postpone(row, Reason(ReasonCode.INTERNAL, f"it failed ({type(error).__name__}): this is our fault"))
            raise
        return True


def pending(limit: int = 20) -> list[UUID]:
    """Erasures that nobody carries on, the one that waits longest first."""
    patience = func.least(LONGEST_PATIENCE_S, PATIENCE_S * func.power(2.0, func.least(Erasure.attempts, 10)))
    query = (
        select(Erasure.erasure_id)
        .where(
            Erasure.state != str(ErasureState.DONE),
            Erasure.moved_at < now() - patience * text("interval '1 second'"),
        )
        .order_by(Erasure.moved_at)
        .limit(limit)
    )
    with transaction() as connection:
        return [*connection.execute(query).scalars()]


@contextmanager
def _alone(erasure_id: UUID) -> Iterator[bool]:
    """Be the only one who carries it out; PostgreSQL frees the lock of one who dies."""
    key = {"key": stable_id("erasing", erasure_id).int >> 65}
    with engine().connect() as connection:
        mine = bool(connection.execute(text("SELECT pg_try_advisory_lock(:key)"), key).scalar())
        connection.commit()
        try:
            yield mine
        except BaseException:
            connection.invalidate()
            raise
        if mine:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)


def _carry_on(row: AnyRow, messages: Messages) -> None:
    erasure_id = row.erasure_id
    change(erasure_id, state=str(ErasureState.RUNNING))
    work = Work(row, messages, time.monotonic() + BUDGET_S)
    for stage in _left(ErasureStage(row.stage)):
        STAGES[stage](work)
        failpoint(f"erase.{stage}")
        change(erasure_id, stage=str(stage))
    found = _searched(work)
    failpoint(f"erase.{ErasureStage.SEARCH}")
    change(erasure_id, stage=str(ErasureStage.SEARCH))
    with transaction() as connection:
        counted = erasure_row(connection, erasure_id)
    receipt.sign(counted, found)
    log.info("erased", erasure=str(erasure_id), scope=row.scope, found=sum(one.found for one in found))


def _left(stage: ErasureStage) -> list[ErasureStage]:
    """Stages after the last one that ended."""
    order = [*ErasureStage]
    return [one for one in STAGES if order.index(one) > order.index(stage)]


def _searched(work: Work) -> Sequence[Found]:
    """Search; where anything is found, everything is done once more, and what the second search says is the truth."""
    words = canaries.opened(work.row)
    found = search(work.row, words, work.messages)
    if any(one.found for one in found):
        where = [one.store for one in found if one.found]
        log.warning("erasure_repeated", erasure=str(work.row.erasure_id), stores=where)
        for stage in STAGES.values():
            stage(work)
        found = search(work.row, words, work.messages)
    return found


def _postpone(row: AnyRow, reason: Reason) -> None:
    attempts = min(row.attempts + 1, MOST_ATTEMPTS)
    log.warning("erasure_postponed", erasure=str(row.erasure_id), attempts=attempts)
    change(
        row.erasure_id,
        state=str(ErasureState.RUNNING),
        attempts=attempts,
        reason=reason.as_json(),
    )
