"""Control tasks: short and decisive, on a queue of their own."""

from __future__ import annotations

from uuid import UUID

from app.services import dispatch, graph
from app.services import interpret as interpreting
from app.services import merge as merging
from app.services.reconcile import hasten
from app.tasks.base import fleet_task
from app.vocabulary import Queue


@fleet_task(queue=Queue.CONTROL, verb="interpret")
def interpret(run_id: str) -> None:
    """Perception ended: publish what reads its text layers."""
    from app.tasks.pipeline import pipeline  # noqa: PLC0415 - the pipeline names this task

    following = interpreting.interpret(UUID(run_id))
    if following is not None:
        pipeline().publish(UUID(run_id), *following)


@fleet_task(queue=Queue.CONTROL, verb="merge")
def merge(run_id: str) -> None:
    """Features to candidates; then let the next waiting run in."""
    from app.tasks.pipeline import pipeline  # noqa: PLC0415 - as above

    merging.merge(UUID(run_id))
    dispatch.fill(pipeline(), at_least=dispatch.window() // 4)


@fleet_task(queue=Queue.CONTROL, verb="project")
def project(user_id: str) -> None:
    """Bring a person's graph up to date."""
    graph.project(user_id)


@fleet_task(queue=Queue.CONTROL, verb="stalled")
def stalled(run_id: str) -> None:
    """A chord failed in the machinery: let the reconciler look at the run at once."""
    hasten(UUID(run_id))
