"""The tick of dispatcher and reconciler, on a queue and a worker of its own."""

from __future__ import annotations

from app.services import graph, reconcile
from app.tasks.base import fleet_task
from app.tasks.control import project
from app.tasks.pipeline import pipeline
from app.vault import object_store
from app.vocabulary import Queue

#: Age of an upload's draft that nobody can still be writing.
ABANDONED_AFTER_S = 86_400.0

#: Graphs brought up to date in one tick.
PROJECTIONS = 50


@fleet_task(queue=Queue.MAINTENANCE, verb="sweep")
def sweep() -> None:
    """Remove what interrupted uploads left in the object store."""
    object_store().sweep(ABANDONED_AFTER_S)


@fleet_task(queue=Queue.MAINTENANCE, verb="tick")
def tick() -> None:
    """Fill the window, mend what stopped, project what changed."""
    reconcile.tick(pipeline())
    for user_id in graph.pending(PROJECTIONS):
        project.delay(user_id)
