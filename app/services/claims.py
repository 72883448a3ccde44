"""Claiming a lane's steps: the lock that dies with its process, the consent gate, and the token that fences results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import Connection, or_, select, text, update

from app.consent import covered, gate_shared
from app.database import AnyRow, engine, relaxed, stable_id
from app.models import PackageKey, Run, Step, UserDataPackage
from app.services.planning import denied, now
from app.vocabulary import RunStatus, StepStatus
from config.settings import settings


@dataclass(frozen=True, slots=True)
class Claim:
    """Steps that are ours to do now.

    Attributes:
        steps: columns of `steps`, with our token; by analyzer.
        package: columns of `packages`, with `wrapped_key`, and the run's `sequence` and `consent` token.
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
        A connection while we hold it, else None. PostgreSQL frees the lock if we die.
    """
    key = {"key": lane_key(run_id, lane)}
    with engine().connect() as connection:
        if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), key).scalar():
            yield None
            return
        connection.commit()
        try:
            yield connection
        except BaseException:
            # Whatever state the connection is in, closing it frees the lock.
            connection.invalidate()
            raise
        # A session's lock does not care about the transaction that the pool rolls back.
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)


def claim(connection: Connection, run_id: UUID, lane: str) -> Claim | None:
    """Claim the lane's open steps: all of them on a first attempt, the next one on a repeated attempt.

    A poison input thus uses up its own attempts and takes no neighbour with it. Steps whose scope is not covered now
    are denied here, before anything is read.

    Args:
        connection: the one that holds the lane.
        run_id: of the run.
        lane: `AnalyzerRow.lane`.

    Returns:
        What to do, or None where nothing is left.
    """
    with connection.begin():
        relaxed(connection)
        rows = _open_steps(connection, run_id, lane)
        if not rows or RunStatus(rows[0].run_state).final:
            return None
        package = rows[0]
        gate_shared(connection, package.user_id)
        allowed = covered(connection, package.user_id, package.consent, {row.scope for row in rows})
        for row in rows:
            if row.scope not in allowed:
                _deny(connection, row.step_id, row.scope)
        rows = [row for row in rows if row.scope in allowed]
        if not rows:
            return None
        chosen = rows[:1] if any(row.attempts for row in rows) else rows
        claimed = (
            update(Step)
            .where(Step.step_id.in_([row.step_id for row in chosen]))
            .values(
                state=str(StepStatus.RUNNING), attempts=Step.attempts + 1, token=uuid4(), started_at=now(), reason=None
            )
            .returning(Step.__table__)
        )
        steps = sorted(connection.execute(claimed), key=lambda step: str(step.analyzer))
        return Claim(steps, package, more=len(chosen) < len(rows))


def _open_steps(connection: Connection, run_id: UUID, lane: str) -> Sequence[AnyRow]:
    return connection.execute(
        select(
            Step.step_id,
            Step.attempts,
            Step.scope,
            Run.state.label("run_state"),
            Run.sequence,
            Run.consent_token_id.label("consent"),
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
            Step.state.in_([str(StepStatus.PENDING), str(StepStatus.RUNNING)]),
            Step.attempts < settings().max_attempts,
            or_(Step.not_before.is_(None), Step.not_before <= now()),
        )
        .order_by(Step.attempts.desc(), Step.analyzer)
    ).all()


def _deny(connection: Connection, step_id: UUID, scope: str) -> None:
    connection.execute(
        update(Step)
        .where(Step.step_id == step_id)
        .values(state=str(StepStatus.DENIED), reason=denied(scope).as_json(), finished_at=now(), token=None)
    )
