"""The tick of dispatcher and reconciler, on a queue and a worker of its own."""

from __future__ import annotations

from app.services import graph, reconcile
from app.tasks.base import fleet_task
from app.tasks.control import project
from app.tasks.pipeline import pipeline
from app.vocabulary import Queue

#: Graphs brought up to date in one tick.
PROJECTIONS = 50


@fleet_task(queue=Queue.MAINTENANCE, verb="tick")
def tick() -> None:
    """Fill the window, mend what stopped, project what changed."""
    reconcile.tick(pipeline())
    for user_id in graph.pending(PROJECTIONS):
        project.delay(user_id)
