"""Claiming a lane's steps: the lock that dies with its process, the consent gate, and the token that fences results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID, uuid4

from sqlalchemy import BindParameter, Connection, Text, Update, bindparam, case, cast, or_, select, text, update
from sqlalchemy.dialects.postgresql import JSONB

from app.consent import ask
from app.database import AnyRow, engine, stable_id
from app.models import PackageKey, Run, Step, UserDataPackage
from app.services import access
from app.services.planning import denied, now
from app.vocabulary import AccessAction, RunStatus, StepStatus
from config.settings import settings

#: States of steps that somebody may begin.
OPEN = (str(StepStatus.PENDING), str(StepStatus.RUNNING))


@dataclass(frozen=True, slots=True)
class Claim:
    """Steps that are ours to do now.

    Attributes:
        steps: columns of `steps`, with our token; by analyzer.
        package: columns of `packages`, with `wrapped_key`, and the run's `sequence`, `bulk` and `consent` token.
        more: whether the lane may have further steps after these.
    """

    steps: Sequence[AnyRow]
    package: AnyRow
    more: bool


def lane_key(run_id: UUID, lane: str) -> int:
    """The advisory lock of a lane: 63 bits of its stable id."""
    return stable_id("lane", run_id, lane).int >> 65


@contextmanager
def lane_lock(run_id: UUID, lane: str) -> Iterator[Connection | None]:
    """Hold the lane, if no living worker does.

    Yields:
        A connection while we hold it, in a transaction that the first claim goes on with; else None. PostgreSQL frees
        the lock if we die.
    """
    key = {"key": lane_key(run_id, lane)}
    with engine().connect() as connection:
        if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), key).scalar():
            yield None
            return
        try:
            yield connection
        except BaseException:
            # Whatever state the connection is in, closing it frees the lock.
            connection.invalidate()
            raise
        connection.commit()
        # A session's lock does not care about transactions: without one, this is a single round trip.
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)


def claim(connection: Connection, run_id: UUID, lane: str) -> Claim | None:
    """Claim the lane's open steps: all of them on a first attempt, the next one on a repeated attempt.

    A poison input thus uses up its own attempts and takes no neighbour with it. Steps whose scope is not covered now
    are denied here, before anything is read; what is going to be read is entered in the access log.

    Args:
        connection: the one that holds the lane; its transaction is committed on return.
        run_id: of the run.
        lane: `AnalyzerRow.lane`.

    Returns:
        What to do, or None where nothing is left.
    """
    found = _claim(connection, run_id, lane)
    connection.commit()
    return found


def _claim(connection: Connection, run_id: UUID, lane: str) -> Claim | None:
    rows = _open_steps(connection, run_id, lane)
    if not rows or RunStatus(rows[0].run_state).final:
        return None
    package = rows[0]
    scopes = {row.scope for row in rows}
    verdicts = ask(connection, package.user_id, package.consent, scopes, relaxed=True)
    allowed = [row for row in rows if verdicts[row.scope].is_valid]
    chosen = allowed[:1] if any(row.attempts for row in allowed) else allowed
    refused = [row for row in rows if not verdicts[row.scope].is_valid]
    given = {
        "chosen": [row.step_id for row in [*chosen, *refused]],
        "refused": {str(row.step_id): denied(row.scope, verdicts[row.scope]).as_json() for row in refused},
        "fresh": uuid4(),
        "moment": now(),
    }
    if chosen:
        why = f"{lane}: {', '.join(row.analyzer for row in chosen)}"
        given |= access.values(
            package.user_id, f"worker:{chosen[0].queue}", AccessAction.ANALYSE, why, package.package_id
        )
    ours = [step for step in connection.execute(_claiming(logged=bool(chosen)), given) if step.token is not None]
    if not ours:
        return None
    return Claim(sorted(ours, key=lambda step: str(step.analyzer)), package, more=len(chosen) < len(allowed))


@cache
def _claiming(*, logged: bool) -> Update:
    """Begin the chosen steps or refuse them, unless somebody ended them since they were read.

    Args:
        logged: with an entry in the access log.
    """
    why = bindparam("refused", type_=JSONB).op("->", return_type=JSONB())(cast(Step.step_id, Text))
    moment: BindParameter[datetime] = bindparam("moment")
    begins = why.is_(None)
    claiming = (
        update(Step)
        .where(Step.step_id.in_(bindparam("chosen", expanding=True)), Step.state.in_(OPEN))
        .values(
            state=case((begins, str(StepStatus.RUNNING)), else_=str(StepStatus.DENIED)),
            attempts=Step.attempts + case((begins, 1), else_=0),
            token=case((begins, bindparam("fresh"))),
            started_at=case((begins, moment), else_=Step.started_at),
            finished_at=case((begins, Step.finished_at), else_=moment),
            reason=why,
        )
        .returning(Step.__table__)
    )
    return claiming.add_cte(access.logging()) if logged else claiming


def _open_steps(connection: Connection, run_id: UUID, lane: str) -> Sequence[AnyRow]:
    return connection.execute(
        select(
            Step.step_id,
            Step.analyzer,
            Step.queue,
            Step.attempts,
            Step.scope,
            Run.state.label("run_state"),
            Run.sequence,
            Run.consent_token_id.label("consent"),
            Run.bulk,
            UserDataPackage.package_id,
            UserDataPackage.user_id,
            UserDataPackage.object_key,
            UserDataPackage.media_type,
            UserDataPackage.details,
            PackageKey.wrapped_key,
        )
        .join(Run, Run.run_id == Step.run_id)
        .join(UserDataPackage, UserDataPackage.package_id == Run.package_id)
        .outerjoin(PackageKey, PackageKey.package_id == Run.package_id)
        .where(
            Step.run_id == run_id,
            Step.lane == lane,
            Step.state.in_(OPEN),
            Step.attempts < settings().max_attempts,
            or_(Step.not_before.is_(None), Step.not_before <= now()),
        )
        .order_by(Step.attempts.desc(), Step.analyzer)
    ).all()
