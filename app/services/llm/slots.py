"""How many calls are made at a time, in all workers together: advisory locks, which die with their process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import uniform

from sqlalchemy import Connection, text

from app.database import stable_id
from config.settings import settings

#: Seconds between two looks for a free slot, on average.
POLL_S = 0.1

# The filter is evaluated row by row and LIMIT ends it at the first lock that is had: no second one is ever taken.
_TAKE = text("SELECT slot FROM generate_series(1, :slots) AS slot WHERE pg_try_advisory_lock(:vendor, slot) LIMIT 1")
_GIVE = text("SELECT pg_advisory_unlock(:vendor, :slot)")


@contextmanager
def slot(connection: Connection, vendor: str, digest: str, gone: Callable[[], bool]) -> Iterator[bool]:
    """Hold one of a vendor's slots.

    Args:
        connection: outside of a transaction; it holds the slot.
        vendor: its name.
        digest: of the key.
        gone: whether nobody wants it any more.

    Yields:
        Whether we hold one; False where none came free within the deadline of a call, or nobody wants it.
    """
    given = {"vendor": lock(vendor, digest), "slots": settings().llm_concurrency}
    until = time.monotonic() + settings().llm_deadline_s
    while (held := _take(connection, given)) is None:
        if time.monotonic() > until or gone():
            break
        time.sleep(uniform(POLL_S / 2, POLL_S * 1.5))  # noqa: S311 - so that waiting threads do not march in step
    try:
        yield held is not None
    finally:
        if held is not None:
            with connection.begin():
                connection.execute(_GIVE, {"vendor": given["vendor"], "slot": held})


def lock(vendor: str, digest: str) -> int:
    """The first of the two numbers of a vendor's locks; the second is the slot."""
    return stable_id("slots", vendor, digest).int >> 97


def _take(connection: Connection, given: dict[str, int]) -> int | None:
    with connection.begin():
        found: int | None = connection.execute(_TAKE, given).scalar_one_or_none()
    return found
