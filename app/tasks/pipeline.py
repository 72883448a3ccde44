"""The pipeline: the only place where a chord is built, with its failure path.

Two flat chords and a merge: perceive lanes -> interpret; interpret lanes -> merge. The bodies read rows, never the
chord's results.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from uuid import UUID

import structlog
from celery import Signature, chord
from celery._state import _set_task_join_will_block

from app.services.ports import Lane, Pipeline
from app.tasks import control
from app.tasks.app import celery
from app.tasks.lanes import LANE_TASKS
from app.vocabulary import Phase

log = structlog.get_logger()


class CeleryPipeline:
    """Publishes through Celery; the broker has a bounded second to take a message."""

    def publish(self, run_id: UUID, phase: Phase, lanes: Sequence[Lane]) -> bool:
        """Publish the chord of a phase, or the merge.

        Args:
            run_id: of the run.
            phase: PERCEIVE, INTERPRET or MERGE.
            lanes: header tasks; none means that the body comes at once.

        Returns:
            Whether the broker took it.
        """
        try:
            _signature(str(run_id), phase, lanes).apply_async()
        except Exception as error:  # noqa: BLE001 - the rows are written: whatever the machinery says, they are published later
            log.warning("publish_refused", run=str(run_id), phase=str(phase), error=type(error).__name__)
            return False
        return True


def _signature(run_id: str, phase: Phase, lanes: Sequence[Lane]) -> Signature:
    body: Signature = (control.interpret if phase is Phase.PERCEIVE else control.merge).si(run_id)
    if phase is Phase.MERGE or not lanes:
        return body
    header = [LANE_TASKS[lane.queue].s(run_id, lane.name) for lane in lanes]
    failed = control.stalled.si(run_id)
    if len(header) == 1:
        # A chord of one is its header followed by its body; without the counting it costs half.
        alone: Signature = header[0].set(ignore_result=True, link=[body], link_error=[failed])
        return alone
    return chord(header, body.on_error(failed))


@cache
def pipeline() -> Pipeline:
    """The pipeline of this process."""
    celery()
    # Who publishes never reads a result. Told so, Celery does not subscribe to one Redis channel per header task, over
    # one connection that all threads would share.
    _set_task_join_will_block(True)  # noqa: FBT003 - celery's own signature
    return CeleryPipeline()
