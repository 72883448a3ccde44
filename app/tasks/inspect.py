"""What the fleet looks like from outside: live workers by queue, messages waiting by queue."""

from __future__ import annotations

from amqp.exceptions import AMQPError, NotFound  # type: ignore[import-untyped]  # it ships no types
from kombu import Connection
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from app.tasks.app import celery
from app.vocabulary import Queue

#: What a broker that is away or refuses us raises.
UNREACHABLE = (OperationalError, AMQPError, RedisError, OSError)


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
    except UNREACHABLE:
        return found
    for name, stats in answers.items():
        # A worker is named after the one queue that it serves: text-1@host.
        queue = name.partition("@")[0].partition("-")[0]
        if queue in found:
            found[queue]["workers"] += 1
            found[queue]["slots"] += int(stats.get("pool", {}).get("max-concurrency") or 1)
    return found


def depths() -> dict[str, int | None]:
    """Messages waiting by queue, urgent ones included; None where the broker does not answer."""
    try:
        with celery().connection_for_read(connect_timeout=1) as connection:
            connection.ensure_connection(max_retries=1)
            return {str(queue): _depth(connection, str(queue)) for queue in Queue}
    except UNREACHABLE:
        return {str(queue): None for queue in Queue}


def _depth(connection: Connection, queue: str) -> int:
    if connection.transport.driver_type != "amqp":
        return int(connection.default_channel._size(queue))  # noqa: SLF001 - the sum over all priorities
    # A refused question closes its channel.
    with connection.channel() as channel:
        try:
            return int(channel.queue_declare(queue, passive=True).message_count)
        except NotFound:
            return 0
