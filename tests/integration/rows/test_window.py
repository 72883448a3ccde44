from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text, update

from app.database import transaction
from app.models import Run
from app.services import consents, dispatch
from config.settings import settings
from tests.integration.rows.conftest import Line

Send = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def _nobody_else(postgres: Any) -> None:
    with transaction() as connection:
        connection.execute(update(Run).values(state="cancelled"))


@pytest.fixture
def narrow(monkeypatch: Any) -> None:
    monkeypatch.setattr(settings(), "slots", 2)
    monkeypatch.setattr(settings(), "window_per_slot", 2)


def _end(run_id: UUID) -> None:
    with transaction() as connection:
        connection.execute(update(Run).where(Run.run_id == run_id).values(state="done"))


def test_no_more_than_the_window_is_in_flight(send: Send, narrow: None, line: Line) -> None:
    for _ in range(8):
        send()
    dispatch.fill(line)
    with transaction() as connection:
        states = connection.execute(text("SELECT state, count(*) FROM runs GROUP BY state")).all()
    assert dict(states) | {"cancelled": 0} == {"running": 4, "queued": 4, "cancelled": 0}


def test_a_flood_of_one_person_delays_another_by_one_slot(send: Send, narrow: None, line: Line) -> None:
    mine = [send()["runID"] for _ in range(20)]
    other = f"other-{uuid4().hex[:8]}"
    token = UUID(str(consents.grant(other, ["analyse:text:local"], "a test")["consentTokenID"]))
    theirs = send(user_id=other, consent_token_id=token)["runID"]
    dispatch.fill(line)
    running = [run for run, _, _ in line.published]
    if theirs not in running:
        _end(mine[0])
        dispatch.fill(line)
        running = [run for run, _, _ in line.published]
    assert theirs in running


def test_runs_of_one_person_start_in_the_order_of_their_uploads(send: Send, narrow: None, line: Line) -> None:
    sent = [send()["runID"] for _ in range(8)]
    for run_id in sent:
        dispatch.fill(line)
        _end(run_id)
    dispatch.fill(line)
    assert [run for run, _, _ in line.published] == sent


def test_a_refused_publication_waits_again(send: Send, narrow: None, line: Line, state: Any) -> None:
    line.up = False
    sent = [send() for _ in range(3)]
    assert dispatch.fill(line) == 0
    assert {state(one)["runStatus"] for one in sent} == {"queued"}
