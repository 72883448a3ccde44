"""The circuit breaker of a vendor and key: a row that all workers read before they ask.

Closed until `FAILURES` calls in a row fail for a reason that passes, or one says how long to wait. Open until its time;
then one call may try, another one every `TRY_S` while nothing is heard of it, and what becomes of it closes the breaker
or opens it for twice as long.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.models import LlmBreaker
from app.services.planning import now

FAILURES = 5
#: Seconds that it is open the first time, and the most.
FIRST_S, MOST_S = 15.0, 3600.0
#: Seconds after which another call may try, should the one that tries die of it.
TRY_S = 15.0
_DOUBLINGS = 6


def admitted(connection: Connection, vendor: str, digest: str) -> datetime | None:
    """Whether a call may be made now.

    Returns:
        None where it may; else when to ask again.
    """
    until = connection.execute(select(LlmBreaker.open_until).where(*_mine(vendor, digest))).scalar_one_or_none()
    if until is None or until > now():
        return until
    # Who moves the time on is the one that tries; the others wait for what becomes of it.
    next_try = now() + timedelta(seconds=TRY_S)
    moved = connection.execute(
        update(LlmBreaker).where(*_mine(vendor, digest), LlmBreaker.open_until == until).values(open_until=next_try)
    )
    return None if moved.rowcount else next_try


def failed(
    connection: Connection, vendor: str, digest: str, retry_after_s: float | None, began: datetime | None = None
) -> None:
    """A call failed for a reason that passes.

    Args:
        connection: in a transaction.
        vendor: its name.
        digest: of the key.
        retry_after_s: how long the vendor asks to be left alone.
        began: when the call did; None for now.
    """
    fresh = insert(LlmBreaker).values(vendor=vendor, key_digest=digest, failures=0)
    connection.execute(fresh.on_conflict_do_nothing())
    mine = _mine(vendor, digest)
    row = connection.execute(select(LlmBreaker.failures, LlmBreaker.opened_at).where(*mine).with_for_update()).one()
    # What began before it opened fails with those that opened it, and is no sign that the next try failed too: eight
    # calls in flight would double the time three times at once.
    news = row.opened_at is None or began is None or began >= row.opened_at
    failures = row.failures + news
    wait = min(retry_after_s or 0.0, MOST_S)
    if news and failures >= FAILURES:
        wait = max(wait, min(FIRST_S * 2 ** min(failures - FAILURES, _DOUBLINGS), MOST_S))
    until = func.greatest(LlmBreaker.open_until, now() + timedelta(seconds=wait)) if wait else LlmBreaker.open_until
    opened_at = now() if news and wait else row.opened_at
    connection.execute(update(LlmBreaker).where(*mine).values(failures=failures, open_until=until, opened_at=opened_at))


def closed(connection: Connection, vendor: str, digest: str) -> None:
    """The vendor answered: whatever it said, it is there."""
    broken = or_(LlmBreaker.failures > 0, LlmBreaker.open_until.is_not(None))
    connection.execute(
        update(LlmBreaker).where(*_mine(vendor, digest), broken).values(failures=0, open_until=None, opened_at=None)
    )


def _mine(vendor: str, digest: str) -> tuple[ColumnElement[bool], ...]:
    return (LlmBreaker.vendor == vendor, LlmBreaker.key_digest == digest)
