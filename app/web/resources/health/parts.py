"""The parts that the service needs, and whether each of them works at this moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from uuid import uuid4

from sqlalchemy import text

from app.database import transaction
from app.errors import EchoError
from app.tasks import inspect
from app.vault import object_store
from app.vocabulary import Queue
from config.settings import ROOT

#: Seconds that a good answer holds, so that many probes cost one look.
HOLDS_S = 3.0
#: Queues without which no run comes to its end.
ESSENTIAL = frozenset({Queue.CONTROL, Queue.MAINTENANCE})
Check = Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class Part:
    """One part's state.

    Attributes:
        state: "up" or "down".
        detail: what is wrong and how to mend it; empty where nothing is.
    """

    state: str
    detail: str = ""


@cache
def schema_head() -> str:
    """The newest migration of this code."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - 0.2 s, at the first probe only

    return ScriptDirectory(str(ROOT / "migrations")).get_current_head() or ""


def database() -> str | None:
    """What is wrong with PostgreSQL or its schema."""
    with transaction() as connection:
        connection.execute(text("SET LOCAL statement_timeout = '2s'"))
        table = connection.execute(text("SELECT to_regclass('alembic_version')")).scalar()
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if table else None
    return None if found == schema_head() else "the schema is not the newest: run `echosphere migrate`"


def broker() -> str | None:
    """What is wrong with the broker."""
    return "the broker does not answer: is Redis, or RabbitMQ, running?" if None in inspect.depths().values() else None


def objects() -> str | None:
    """What is wrong with the object store."""
    store, key = object_store(), f"readyz/{uuid4()}"
    store.put(key, [b""])
    store.delete(key)
    return None


def workers() -> str | None:
    """Which queues nobody serves although they must be; one that is scaled to nothing is no fault until work waits."""
    found, waiting = inspect.workers(), inspect.depths()
    idle = [
        str(queue) for queue in Queue if not found[queue]["workers"] and (queue in ESSENTIAL or waiting[str(queue)])
    ]
    return f"no worker serves {', '.join(idle)}: `echosphere up` starts them" if idle else None


CHECKS: dict[str, Check] = {"database": database, "broker": broker, "objects": objects, "workers": workers}


class Watch:
    """The parts, looked at on demand, all at once, and not more often than needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parts: dict[str, Part] = {}
        self._seen = float("-inf")

    def parts(self) -> dict[str, Part]:
        """Every part's state; a good answer is a few seconds old at most, a bad one fresh."""
        with self._lock:
            if time.monotonic() - self._seen > HOLDS_S:
                with ThreadPoolExecutor(len(CHECKS)) as pool:
                    self._parts = dict(zip(CHECKS, pool.map(_look, CHECKS.values()), strict=True))
                if all(part.state == "up" for part in self._parts.values()):
                    self._seen = time.monotonic()
            return self._parts


def _look(check: Check) -> Part:
    try:
        wrong = check()
    except EchoError as error:
        return Part("down", error.message)
    except Exception as error:  # noqa: BLE001 - whatever a part dies of, it is down, and the others are still looked at
        return Part("down", f"it failed with {type(error).__name__}: `echosphere doctor` looks closer")
    return Part("down", wrong) if wrong else Part("up")
