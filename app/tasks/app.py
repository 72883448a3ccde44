"""The Celery application and its signals."""

from __future__ import annotations

import os
from functools import cache

from celery import Celery
from celery.signals import setup_logging

from config.celery import celery_settings
from config.logging import configure

#: Modules whose tasks every worker knows; they are thin and load nothing heavy.
TASK_MODULES = ("app.tasks.lanes", "app.tasks.control", "app.tasks.maintenance", "app.tasks.batches")


@cache
def celery() -> Celery:
    """The application of this process, made at first use."""
    # A worker that is asked to stop gives its unfinished messages back at once (soft shutdown needs SIGQUIT).
    os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")
    application = Celery("echosphere", include=TASK_MODULES, set_as_current=True)
    # "Current" is of one thread; a web tier publishes from many.
    application.set_default()
    application.conf.update(celery_settings())
    return application


def _logging(**_: object) -> None:
    configure()


setup_logging.connect(_logging, weak=False)
