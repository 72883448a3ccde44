"""Packages that are analysed again in bulk, and the ticks that carry their questions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update

from app import consent as consent_ledger
from app.database import AnyRow, transaction
from app.models import ExtractedTraitCandidate, LlmBatch, LlmBatchItem, LlmBreaker, LlmCall, Run, Step
from app.services import packages, reconcile
from app.services.llm import batches
from app.services.planning import now
from tests.integration.llm.conftest import KEY, Case
from tests.integration.rows.conftest import LETTER, Line
from tests.stub_anthropic import Stub

Make = Callable[..., Case]
Setting = Callable[..., None]
TASKS = ("llm.concepts", "llm.facts", "llm.stance", "llm.style", "llm.summary", "llm.traits")


@pytest.fixture(autouse=True)
def at_once(vendor: Stub, setting: Setting) -> None:
    """No question waits for others, and nothing of an earlier test is under way."""
    setting(llm_batch_gather_s=0.0)
    with transaction() as connection:
        connection.execute(delete(LlmBatchItem))
        connection.execute(delete(LlmBatch))


@dataclass
class Bulk:
    """Packages that were analysed, and are analysed again in bulk.

    Attributes:
        cases: the packages.
        line: where runs are published.
    """

    cases: Sequence[Case]
    line: Line

    def again(self) -> None:
        """Begin the bulk runs; their questions are put down."""
        for one in self.cases:
            packages.analyse_again(one.user, one.package_id, self.line, bulk=True)
        self.line.drive()

    def woken(self) -> None:
        """What the fleet's ticks do with steps whose time has come."""
        with transaction() as connection:
            earlier = now() - timedelta(seconds=10)
            due = (Step.state == "pending", Step.not_before <= now())
            connection.execute(update(Step).where(*due).values(not_before=now() - timedelta(seconds=1)))
            connection.execute(update(Run).where(Run.state == "running").values(moved_at=earlier))
        reconcile.tick(self.line)
        self.line.drive()

    def carried(self) -> dict[str, int]:
        """A tick of the carrier, whatever batches it looked at a moment ago."""
        with transaction() as connection:
            connection.execute(update(LlmBatch).values(poll_at=now()))
            connection.execute(update(LlmBatchItem).values(not_before=None))
        return batches.tick()

    def to_the_end(self) -> None:
        for _ in range(8):
            self.carried()
            self.woken()

    def steps(self) -> list[AnyRow]:
        """The vendor's steps of the newest runs."""
        runs = [one.status()["runID"] for one in self.cases]
        with transaction() as connection:
            found = select(Step.__table__).where(Step.run_id.in_(runs), Step.queue == "llm").order_by(Step.analyzer)
            return [*connection.execute(found)]

    def calls(self) -> list[AnyRow]:
        """Of the newest runs."""
        runs = [one.status()["runID"] for one in self.cases]
        with transaction() as connection:
            return [*connection.execute(select(LlmCall.__table__).where(LlmCall.run_id.in_(runs)))]

    def items(self) -> list[AnyRow]:
        with transaction() as connection:
            return [*connection.execute(select(LlmBatchItem.__table__))]

    def candidates(self) -> list[Any]:
        """What is proposed, without ids and times."""
        names = ("trait_name", "trait_category", "claim_kind", "confidence", "status")
        with transaction() as connection:
            mine = select(ExtractedTraitCandidate.__table__).where(
                ExtractedTraitCandidate.user_id.in_([one.user for one in self.cases])
            )
            return sorted(str([row._mapping[name] for name in names]) for row in connection.execute(mine))

    def features(self) -> list[Any]:
        found = []
        for one in self.cases:
            documents = packages.features(one.user, one.package_id)
            found.append(sorted((doc["modelNameOrType"], str(doc["extractedFeatures"])) for doc in documents))
        return found


@pytest.fixture
def bulk(case: Make, line: Line) -> Callable[..., Bulk]:
    """Packages that were analysed as usual."""

    def make(count: int = 1, tasks: Sequence[str] = TASKS) -> Bulk:
        cases = []
        for number in range(count):
            one = case(f"Letter {number}.\n\n{LETTER}")
            for task in tasks:
                one.run(task)
            for lane in one.lanes:
                one.run(lane.removeprefix("llm:"))
            assert one.finish()["runStatus"] == "done"
            cases.append(one)
        return Bulk(cases, line)

    return make


def revoke_quietly(one: Case) -> None:
    """End the consent alone: nothing is erased, so that what the carrier itself does shows."""
    with transaction() as connection:
        tokens = select(Run.consent_token_id).where(Run.package_id == one.package_id)
        token = {*connection.execute(tokens).scalars()}.pop()
        consent_ledger.revoke(connection, one.user, token)


def questions_in(home: Path, one: Case) -> list[Path]:
    return [*(home / "objects").rglob(f"*/{one.package_id}/ask-*")]


def recordings_of(home: Path, one: Case) -> list[Path]:
    run_id = UUID(str(one.status()["runID"]))
    return [*(home / "objects").rglob(f"*/{one.package_id}/llm-{run_id.hex}-*")]


def died_at(point: str, vendor: Stub, home: Path) -> None:
    """A carrier in a process of its own, killed at a failpoint."""
    (home / f"failpoint-{point}").unlink(missing_ok=True)
    environment = {
        **os.environ,
        "ECHO_FAILPOINT": point,
        "ECHO_ANTHROPIC_API_KEY": KEY,
        "ECHO_ANTHROPIC_BASE_URL": vendor.url,
        "ECHO_LLM_BATCH_GATHER_S": "0",
    }
    with transaction() as connection:
        connection.execute(update(LlmBatch).values(poll_at=now()))
    command = [sys.executable, "-c", "from app.services.llm import batches; batches.tick()"]
    died = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()


def long_ago() -> None:
    """So long ago that a batch which was taken would be on the vendor's list."""
    with transaction() as connection:
        connection.execute(update(LlmBatch).values(created_at=now() - timedelta(minutes=2)))


def no_breaker() -> None:
    with transaction() as connection:
        connection.execute(delete(LlmBreaker))
