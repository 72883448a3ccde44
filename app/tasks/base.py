"""The base task and the one way to declare a task: named options only, so that none can be misspelt."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from celery import Task, shared_task

from app.vocabulary import Queue
from config.broker import CONFIRM_S
from config.celery import LIMITS

log = structlog.get_logger()


class EchoTask(Task):  # type: ignore[misc]  # celery ships no types
    """Failures are logged as a static event with ids; arguments and messages of exceptions never are."""

    abstract = True

    def apply_async(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - celery ships no types
        """Publish; a RabbitMQ that hangs would otherwise be waited for without end."""
        return super().apply_async(*args, **{"confirm_timeout": CONFIRM_S, **options})

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:  # noqa: ANN401, ARG002
        """Log that it failed, not what it was about."""
        log.warning("task_failed", task=self.name, task_id=task_id, error=type(exc).__name__)


def fleet_task(*, queue: Queue, verb: str, ignore_result: bool = True) -> Callable[[Callable[..., Any]], Any]:
    """Declare a task of the fleet.

    Args:
        queue: where it runs (`task_routes` goes by the name's first part); chooses its limits.
        verb: what it does; the task is named "<queue>.<verb>".
        ignore_result: False on the headers of a chord.

    Returns:
        A decorator.
    """
    soft, hard = LIMITS.get(queue, (None, None))

    def declare(function: Callable[..., Any]) -> Any:  # noqa: ANN401 - a celery task, which has no type
        return shared_task(
            name=f"{queue}.{verb}",
            base=EchoTask,
            ignore_result=ignore_result,
            soft_time_limit=soft,
            time_limit=hard,
        )(_ordinary(function))

    return declare


def _ordinary(function: Callable[..., Any]) -> Callable[..., Any]:
    """MemoryError would stop the whole worker, which would then loop on the message: make it an ordinary failure."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the task takes and returns
        try:
            return function(*args, **kwargs)
        except (MemoryError, RecursionError) as error:
            raise RuntimeError(type(error).__name__) from None

    return run
