"""The tick of dispatcher and reconciler, on a queue and a worker of its own."""

from __future__ import annotations

from functools import cache

import structlog

from app.errors import StoreUnavailable
from app.services import erasing, graph, reconcile
from app.services.erasing import restore, retention
from app.tasks.base import fleet_task
from app.tasks.control import project, urge
from app.tasks.pipeline import pipeline
from app.vault import object_store
from app.vocabulary import Queue

#: Age of an upload's draft that nobody can still be writing.
ABANDONED_AFTER_S = 86_400.0

#: Graphs brought up to date in one tick.
PROJECTIONS = 50

log = structlog.get_logger()


@fleet_task(queue=Queue.MAINTENANCE, verb="sweep")
def sweep() -> None:
    """Remove what interrupted uploads left in the object store, and erase what is due or was brought back."""
    object_store().sweep(ABANDONED_AFTER_S)
    graph.purge()
    for erasure_id in (*retention.erase_due(), *restore.reapply()):
        urge(erasure_id)


@fleet_task(queue=Queue.MAINTENANCE, verb="tick")
def tick() -> None:
    """Carry erasures on, fill the window, mend what stopped, project what changed."""
    for erasure_id in erasing.pending():
        urge(erasure_id)
    _at_start()
    reconcile.tick(pipeline())
    for user_id in graph.pending(PROJECTIONS):
        project.delay(user_id)


@cache
def _at_start() -> None:
    """At the first tick of a process: a fleet that starts on a restored backup erases again what had been erased."""
    try:
        for erasure_id in restore.reapply():
            urge(erasure_id)
    except StoreUnavailable as error:
        log.warning("tombstones_postponed", error=type(error).__name__)
