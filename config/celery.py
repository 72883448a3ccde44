"""Celery settings; every value was measured (faults.md section 3) or says why."""

from __future__ import annotations

from typing import Any

from app.vocabulary import Queue
from config.broker import CONNECT_S, Address, HighestFirst, address, result_address, work_queues
from config.settings import settings

#: Soft and hard limit of a task in seconds, by queue; only prefork enforces them.
LIMITS: dict[Queue, tuple[int, int]] = {
    Queue.TEXT: (120, 180),
    Queue.AUDIO: (600, 720),
    Queue.GPU: (840, 900),
    Queue.CONTROL: (60, 90),
    Queue.MAINTENANCE: (60, 90),
}

#: Above twice the longest limit: a shorter one ran a living task four times, two at once.
VISIBILITY_TIMEOUT_S = 3600


#: Options of `apply_async` for what goes ahead of other work, right on both brokers; ordinary messages carry none.
#: Quorum queues know priorities from RabbitMQ 4 on; before that such a message waits its turn.
URGENT: dict[str, Any] = {"priority": 9}


def celery_settings() -> dict[str, Any]:
    """The configuration of the Celery application.

    Raises:
        WrongAddress: a URL of broker or result backend cannot be used.
    """
    asked = settings().broker_url.get_secret_value()
    broker, results = address(asked), result_address(asked, settings().result_url.get_secret_value())
    return {**_connections(broker), **_results(results), **_tasks(broker), **_workers(), **_schedule()}


def _connections(broker: Address) -> dict[str, Any]:
    found = {
        "broker_url": broker.url,
        "broker_transport_options": _rabbitmq() if broker.amqp else _redis() | broker.options,
        "broker_connection_timeout": CONNECT_S,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # We delay nothing by message; 28 replicated queues for it would cost RabbitMQ seconds and memory.
        "broker_native_delayed_delivery_queue_type": "classic",
        "worker_detect_quorum_queues": True,
    }
    if broker.use_ssl:
        found["broker_use_ssl"] = broker.use_ssl
    return found


def _rabbitmq() -> dict[str, Any]:
    # Without it a message that the broker refuses is lost without an error.
    return {"confirm_publish": True}


def _redis() -> dict[str, Any]:
    return {
        "visibility_timeout": VISIBILITY_TIMEOUT_S,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": CONNECT_S,
        "socket_timeout": 30,
        "socket_keepalive": True,
        "retry_on_timeout": True,
        # Two lists per queue: urgent and ordinary.
        "priority_steps": HighestFirst((0, URGENT["priority"])),
    }


def _results(results: Address) -> dict[str, Any]:
    found = {
        "result_backend": results.url,
        "result_backend_transport_options": {
            "visibility_timeout": VISIBILITY_TIMEOUT_S,
            "retry_policy": {"max_retries": 2, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.5},
            **results.options,
        },
        "result_expires": 3600,
        "result_chord_expires": 86400,
        # A Redis that is away for seconds may not turn finished work into a failed chord.
        "result_backend_always_retry": True,
        "result_backend_max_retries": 30,
        "result_backend_base_sleep_between_retries_ms": 200,
        "result_backend_max_sleep_between_retries_ms": 1000,
    }
    if results.use_ssl:
        found["redis_backend_use_ssl"] = results.use_ssl
    return found


def _tasks(broker: Address) -> dict[str, Any]:
    return {
        "task_queues": work_queues(broker),
        "task_routes": {f"{queue}.*": {"queue": str(queue)} for queue in Queue},
        "task_default_queue": str(Queue.CONTROL),
        "task_default_exchange": "echosphere",
        "task_default_routing_key": str(Queue.CONTROL),
        # A typing error must fail instead of waiting in a queue that nobody serves.
        "task_create_missing_queues": False,
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        # Acknowledged when done; the poison loop that this allows is stopped by the attempts in the row.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        # Publishing with Redis down would otherwise block a request for 19 s. A RabbitMQ that hangs takes a second for
        # the confirmation and one more for each attempt to connect.
        "task_publish_retry_policy": {
            "max_retries": 1 if broker.amqp else 2,
            "interval_start": 0,
            "interval_step": 0.25,
            "interval_max": 0.5,
        },
    }


def _workers() -> dict[str, Any]:
    return {
        "worker_prefetch_multiplier": 1,
        # True fails chords on Redis.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        # Flower turns events on while it watches.
        "worker_send_task_events": False,
        "task_send_sent_event": False,
    }


def _schedule() -> dict[str, Any]:
    return {
        "timezone": "UTC",
        "beat_schedule": {
            "tick": {
                "task": "maintenance.tick",
                "schedule": settings().tick_s,
                # A tick that nobody took in time is worth nothing: the next one does the same.
                "options": {"expires": settings().tick_s * 2},
            },
            "batches": {
                "task": "maintenance.batches",
                "schedule": settings().llm_batch_tick_s,
                "options": {"expires": settings().llm_batch_tick_s * 2},
            },
            "sweep": {"task": "maintenance.sweep", "schedule": 3600.0},
        },
        "beat_schedule_filename": str(settings().home / "beat-schedule"),
    }
