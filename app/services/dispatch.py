"""The window: how many packages are in flight, and whose is next.

A run waits as `queued` until the window lets it in; then it is `running` and its chord is published after the commit.
Next is the person with the fewest in flight, then age, so that one person's flood delays another by one slot at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, select, text, update

from app.database import transaction
from app.models import Run, Step
from app.services.planning import now, open_lanes
from app.services.ports import Pipeline
from app.vocabulary import Phase, RunStatus
from config.settings import settings

#: Advisory lock of whoever fills the window at this moment.
FILL_LOCK = 7_240_201

#: Runs whose next step waits for a vendor take nobody's place.
_WAITING = "run_id IN (SELECT run_id FROM steps WHERE state = 'pending' AND not_before > now())"

_NEXT = text(
    f"""
    WITH in_flight AS (SELECT user_id, count(*) AS n FROM runs
                       WHERE state = 'running' AND NOT {_WAITING} GROUP BY user_id),
         waiting AS (
             SELECT run_id, sequence, user_id, row_number() OVER (PARTITION BY user_id ORDER BY sequence) AS place
             FROM runs WHERE state = 'queued'
         )
    SELECT run_id FROM waiting LEFT JOIN in_flight USING (user_id)
    ORDER BY coalesce(n, 0) + place, sequence
    LIMIT :free
    """  # noqa: S608 - our own words
)

_ROOM = text(
    f"""
    SELECT count(*) FILTER (WHERE state = 'running' AND NOT {_WAITING}) AS in_flight,
           count(*) FILTER (WHERE state = 'running' AND user_id = :user_id AND NOT {_WAITING}) AS own,
           count(*) FILTER (WHERE state = 'queued') AS waiting,
           count(*) FILTER (WHERE state = 'queued' AND user_id = :user_id) AS own_waiting,
           count(DISTINCT user_id) FILTER (WHERE state = 'running') AS people
    FROM runs WHERE state IN ('queued', 'running')
    """  # noqa: S608 - our own words
)

_IN_FLIGHT = text(f"SELECT count(*) FROM runs WHERE state = 'running' AND NOT {_WAITING}")  # noqa: S608 - our own words


def window() -> int:
    """Packages that may be in flight."""
    return settings().window_per_slot * settings().slots


def room_for(connection: Connection, user_id: str) -> tuple[bool, int]:
    """Whether a new run of this person may start at once, and how many of theirs wait.

    It may while nobody waits and the person holds no more than half of the window, so that there is always a slot for
    somebody else's first package.
    """
    row = connection.execute(_ROOM, {"user_id": user_id}).one()
    at_once = row.waiting == 0 and row.in_flight < window() and row.own < max(1, window() // 2)
    return at_once, row.own_waiting


def publish(pipeline: Pipeline, run_ids: Sequence[UUID], phase: Phase = Phase.PERCEIVE) -> int:
    """Publish the open lanes of these runs; those that the broker does not take wait again.

    Returns:
        How many were taken.
    """
    if not run_ids:
        return 0
    with transaction() as connection:
        rows = connection.execute(
            select(Step.run_id, Step.queue, Step.lane, Step.state).where(
                Step.run_id.in_(run_ids), Step.phase == str(phase)
            )
        ).mappings()
        steps: dict[UUID, list[dict[str, str]]] = {}
        for row in rows:
            steps.setdefault(row["run_id"], []).append({**row})
    taken = 0
    for run_id in run_ids:
        lanes = open_lanes(steps.get(run_id, []))
        if pipeline.publish(run_id, phase if lanes else Phase.MERGE, lanes):
            taken += 1
        else:
            waiting_again(run_id)
    return taken


def waiting_again(run_id: UUID) -> None:
    """The broker did not take it: the dispatcher publishes it later."""
    with transaction() as connection:
        connection.execute(
            update(Run)
            .where(Run.run_id == run_id, Run.state == str(RunStatus.RUNNING), Run.phase == str(Phase.PERCEIVE))
            .values(state=str(RunStatus.QUEUED), dispatched_at=None)
        )


def fill(pipeline: Pipeline, *, at_least: int = 1) -> int:
    """Let as many waiting runs in as the window allows, and publish them.

    Args:
        pipeline: where they are published.
        at_least: places that must be free; more than one lets a merge leave it to a later one, for several at once.

    Returns:
        How many were published.
    """
    with transaction() as connection:
        if not connection.execute(text("SELECT EXISTS (SELECT 1 FROM runs WHERE state = 'queued')")).scalar():
            return 0
        in_flight = connection.execute(_IN_FLIGHT).scalar_one()
        free = window() - in_flight
        if free < at_least:
            return 0
        if not connection.execute(text(f"SELECT pg_try_advisory_xact_lock({FILL_LOCK})")).scalar():
            return 0
        chosen = [row.run_id for row in connection.execute(_NEXT, {"free": free})]
        connection.execute(
            update(Run)
            .where(Run.run_id.in_(chosen), Run.state == str(RunStatus.QUEUED))
            .values(state=str(RunStatus.RUNNING), dispatched_at=now(), moved_at=now(), dispatches=Run.dispatches + 1)
        )
    return publish(pipeline, chosen)
