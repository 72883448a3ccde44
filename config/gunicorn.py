"""Gunicorn: the web process (`gunicorn 'app.web:create_app()' --config python:config.gunicorn`)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from config.settings import settings

_host = settings().web_host
bind = f"[{_host}]:{settings().web_port}" if ":" in _host else f"{_host}:{settings().web_port}"

#: Two processes, so that one that dies leaves the other; threads, since requests wait for PostgreSQL and for clients.
workers = int(os.environ.get("ECHO_WEB_WORKERS", "2"))
threads = int(os.environ.get("ECHO_WEB_THREADS", "8"))
worker_class = "gthread"
#: Clients (PostgreSQL, Celery) must be made after the fork.
preload_app = False
#: Connections kept waiting per process; beyond it the kernel's queue holds them and memory stays bounded.
worker_connections = 200
backlog = 512

#: Seconds without a heartbeat after which a worker is replaced.
timeout = 60
#: Seconds that running requests have when the fleet stops.
graceful_timeout = 25
keepalive = 5
#: The heartbeat file in memory: on a slow disk it stalls the worker.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a heartbeat, no data

#: Bytes: our longest URL, and a bearer token of an OIDC provider in one header.
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190

#: No access log: a path holds the person's id and would make a diary of them. Errors go to stderr.
accesslog = None
errorlog = "-"
loglevel = settings().log_level.lower()
#: A shared socket in the home folder would let instances answer for one another.
control_socket_disable = True


def post_fork(_server: Any, _worker: Any) -> None:  # noqa: ANN401 - gunicorn has no types
    """Set up logging in each worker."""
    from config.logging import configure  # noqa: PLC0415 - the arbiter needs no logging of ours

    configure()
