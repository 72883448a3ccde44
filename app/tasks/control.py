"""Control tasks: short and decisive, on a queue of their own."""

from __future__ import annotations

from uuid import UUID

import structlog

from app.services import dispatch, erasing, graph
from app.services import interpret as interpreting
from app.services import merge as merging
from app.services.reconcile import hasten
from app.tasks.base import fleet_task
from app.tasks.messages import messages
from app.vocabulary import Queue
from config.celery import URGENT

log = structlog.get_logger()

#: Seconds after which a message about an erasure is worth nothing: the tick has sent another one.
ERASE_EXPIRES_S = 60


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


@fleet_task(queue=Queue.CONTROL, verb="erase")
def erase(erasure_id: str) -> None:
    """Carry an erasure on, as far as it goes now."""
    erasing.run(UUID(erasure_id), messages())


def urge(erasure_id: UUID | str) -> bool:
    """Publish an erasure ahead of other work; a broker that is down costs a bounded second, and the tick does it later.

    Returns:
        Whether the broker took it.
    """
    try:
        erase.apply_async((str(erasure_id),), expires=ERASE_EXPIRES_S, **URGENT)
    except Exception as error:  # noqa: BLE001 - the row is written: whatever the machinery says, it is published later
        log.warning("publish_refused", erasure=str(erasure_id), error=type(error).__name__)
        return False
    return True


@fleet_task(queue=Queue.CONTROL, verb="stalled")
def stalled(run_id: str) -> None:
    """A chord failed in the machinery: let the reconciler look at the run at once."""
    hasten(UUID(run_id))
