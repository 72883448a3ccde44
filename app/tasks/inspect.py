"""What the fleet looks like from outside: live workers by queue, messages waiting by queue."""

from __future__ import annotations

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from app.tasks.app import celery
from app.vocabulary import Queue


def workers(timeout: float = 0.7) -> dict[str, dict[str, int]]:
    """Live workers and their slots by queue.

    Args:
        timeout: seconds that workers have to answer.

    Returns:
        {queue: {"workers": n, "slots": n}}, every queue named; all zero where the broker does not answer.
    """
    found = {str(queue): {"workers": 0, "slots": 0} for queue in Queue}
    try:
        answers = celery().control.inspect(timeout=timeout).stats() or {}
    except (OperationalError, RedisError, OSError):
        return found
    for name, stats in answers.items():
        # A worker is named after the one queue that it serves: text-1@host.
        queue = name.partition("@")[0].partition("-")[0]
        if queue in found:
            found[queue]["workers"] += 1
            found[queue]["slots"] += int(stats.get("pool", {}).get("max-concurrency") or 1)
    return found


def depths() -> dict[str, int | None]:
    """Messages waiting by queue; None where the broker does not answer."""
    try:
        with celery().connection_for_read(connect_timeout=1) as connection:
            connection.ensure_connection(max_retries=1)
            channel = connection.default_channel
            return {str(queue): int(channel._size(str(queue))) for queue in Queue}  # noqa: SLF001
    except (OperationalError, RedisError, OSError):
        return {str(queue): None for queue in Queue}
