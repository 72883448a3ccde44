"""What all worker kinds share: one queue, one pool, one name."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, worker_init, worker_process_init

from app.tasks.app import celery
from app.vocabulary import Queue


def worker(
    queue: Queue,
    *,
    slots: int,
    pool: str = "prefork",
    preload: Sequence[str] = (),
    warm: Sequence[str] = (),
    shutdown_s: float = 25.0,
    start_method: str = "fork",
) -> Celery:
    """The Celery application of a worker kind, for `celery -A workers.<kind> worker`.

    Args:
        queue: the one queue it serves.
        slots: children or threads, unless `ECHO_<QUEUE>_CONCURRENCY` says otherwise.
        pool: "prefork" or "threads"; only prefork enforces time limits.
        preload: modules imported before the children fork, so that they share the memory.
        warm: modules that each child's sandbox loads at once, so that the first file does not wait for them.
        shutdown_s: seconds that a running step has to end after SIGTERM.
        start_method: "spawn" where a library must not see a fork.
    """
    application = celery()
    application.conf.update(
        worker_concurrency=int(os.environ.get(f"ECHO_{queue.upper()}_CONCURRENCY", slots)),
        worker_pool=pool,
        worker_soft_shutdown_timeout=shutdown_s,
        worker_pool_start_method=start_method,
    )

    def name_and_queue(instance: Any = None, **_: object) -> None:  # noqa: ANN401 - celery ships no types
        host = instance.hostname.partition("@")[2]
        # No other instance has this name, and the part before the hyphen is the queue (app.tasks.inspect).
        instance.hostname = f"{queue}-{secrets.token_hex(4)}@{host}"
        application.amqp.queues.select([str(queue)])

    def load(**_: object) -> None:
        for module in preload:
            import_module(module)

    def warm_up(**_: object) -> None:
        from app.perception.sandbox import sandbox  # noqa: PLC0415 - only in the child

        # In a thread, since a child that does not report within seconds is taken for dead.
        threading.Thread(target=sandbox().warm, args=(warm,), daemon=True).start()

    celeryd_init.connect(name_and_queue, weak=False)
    if warm:
        worker_process_init.connect(warm_up, weak=False)
    worker_init.connect(load, weak=False)
    return application
