"""Batches that were lost sight of: nothing is paid twice, nothing is charged for nothing, and nobody gives up early."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import update

from app.database import transaction
from app.models import Step
from app.services import packages
from app.services.llm import batches
from app.services.planning import now
from tests.integration.llm.bulk import Bulk, at_once, bulk, died_at, long_ago, no_breaker
from tests.stub_anthropic import Stub

__all__ = ["at_once", "bulk"]


def test_two_batches_in_doubt_of_one_size_are_told_apart(
    bulk: Callable[..., Bulk], vendor: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = bulk()
    monkeypatch.setattr(batches, "MOST_QUESTIONS", 3)
    only.again()
    for _ in range(2):
        vendor.batches.lose_answer = True
        only.carried()
        no_breaker()
    assert len(vendor.batches.created) == 2
    long_ago()
    only.to_the_end()
    assert {step.state for step in only.steps()} == {"done"}
    assert (len(vendor.batches.created), len(vendor.batches.deleted)) == (2, 2)
    assert sorted(call.outcome for call in only.calls()) == ["answered"] * 6


def test_questions_that_never_left_and_that_nobody_wants_cost_nothing(
    bulk: Callable[..., Bulk], vendor: Stub, home: Path
) -> None:
    only = bulk()
    only.again()
    died_at("batch.creating", vendor, home)
    assert {call.outcome for call in only.calls()} == {"batched"}
    (one,) = only.cases
    packages.cancel(one.user, one.package_id)
    long_ago()
    only.carried()
    assert {(call.outcome, call.cost) for call in only.calls()} == {("not_taken", Decimal(0))}
    assert only.items() == []


def test_a_steps_patience_begins_when_its_question_travels(bulk: Callable[..., Bulk], vendor: Stub) -> None:
    only = bulk()
    only.again()
    nearly = now() - timedelta(hours=25, minutes=50)
    with transaction() as connection:
        mine = Step.step_id.in_([step.step_id for step in only.steps()])
        connection.execute(
            update(Step).where(mine).values(waiting_since=nearly, not_before=nearly + timedelta(hours=26))
        )
    vendor.batches.at_once = False
    only.carried()
    assert all(step.waiting_since > now() - timedelta(minutes=1) for step in only.steps())
    assert all(step.not_before > now() + timedelta(hours=25) for step in only.steps())
