"""When a vendor is left alone, and for how long, on a clock of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, delete, select

from app.database import transaction
from app.models import LlmBreaker
from app.services.llm import breaker

VENDOR, KEY = "anthropic", "a-key-of-a-clock"
START = datetime(2030, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that have passed."""
    passed = [0.0]
    monkeypatch.setattr(breaker, "now", lambda: at(passed[0]))
    return passed


@pytest.fixture
def connection(postgres: object) -> Iterator[Connection]:
    with transaction() as opened:
        opened.execute(delete(LlmBreaker).where(LlmBreaker.key_digest == KEY))
        yield opened
        opened.rollback()


def failed(connection: Connection, began: float, retry_after_s: float | None = None) -> None:
    breaker.failed(connection, VENDOR, KEY, retry_after_s, at(began))


def admitted(connection: Connection) -> bool:
    return breaker.admitted(connection, VENDOR, KEY) is None


def opened(connection: Connection) -> float:
    """Seconds from the start until which it is open."""
    until = connection.execute(select(LlmBreaker.open_until).where(LlmBreaker.key_digest == KEY)).scalar_one()
    return float((until - START).total_seconds())


def test_calls_in_flight_when_it_opens_do_not_double_its_time(connection: Connection, clock: list[float]) -> None:
    clock[0] = 2
    for _ in range(breaker.FAILURES + 7):
        failed(connection, began=0)
    assert opened(connection) == 2 + breaker.FIRST_S


def test_of_tries_that_hang_the_first_doubles_the_time_and_those_of_the_same_opening_do_not(
    connection: Connection, clock: list[float]
) -> None:
    for _ in range(breaker.FAILURES):
        failed(connection, began=0)
    for second in (15, 30):
        clock[0] = second
        assert admitted(connection)
        assert not admitted(connection)
    clock[0] = 280
    failed(connection, began=15)
    assert opened(connection) == 280 + 2 * breaker.FIRST_S
    clock[0] = 295
    failed(connection, began=30)
    assert opened(connection) == 280 + 2 * breaker.FIRST_S


def test_what_the_vendor_asks_for_holds_whenever_the_call_began(connection: Connection, clock: list[float]) -> None:
    for _ in range(breaker.FAILURES):
        failed(connection, began=0)
    clock[0] = 5
    failed(connection, began=0, retry_after_s=600)
    assert opened(connection) == 605


def test_an_answer_closes_it_and_forgets_what_was(connection: Connection, clock: list[float]) -> None:
    for _ in range(breaker.FAILURES):
        failed(connection, began=0)
    clock[0] = 15
    assert admitted(connection)
    breaker.closed(connection, VENDOR, KEY)
    assert admitted(connection)
    failed(connection, began=15)
    assert admitted(connection)
