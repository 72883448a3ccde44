"""Control tasks: short and decisive, on a queue of their own."""

from __future__ import annotations

from uuid import UUID

from app.services import dispatch, graph
from app.services import interpret as interpreting
from app.services import merge as merging
from app.services.reconcile import hasten
from app.tasks.base import fleet_task
from app.vocabulary import Queue


@fleet_task(name="control.interpret", queue=Queue.CONTROL)
def interpret(run_id: str) -> None:
    """Perception ended: publish what reads its text layers."""
    from app.tasks.pipeline import pipeline  # noqa: PLC0415 - the pipeline names this task

    following = interpreting.interpret(UUID(run_id))
    if following is not None:
        pipeline().publish(UUID(run_id), *following)


@fleet_task(name="control.merge", queue=Queue.CONTROL)
def merge(run_id: str) -> None:
    """Features to candidates; then let the next waiting run in."""
    from app.tasks.pipeline import pipeline  # noqa: PLC0415 - as above

    merging.merge(UUID(run_id))
    dispatch.fill(pipeline())


@fleet_task(name="control.project", queue=Queue.CONTROL)
def project(user_id: str) -> None:
    """Bring a person's graph up to date."""
    graph.project(user_id)


@fleet_task(name="control.stalled", queue=Queue.CONTROL)
def stalled(run_id: str) -> None:
    """A chord failed in the machinery: let the reconciler look at the run at once."""
    hasten(UUID(run_id))
