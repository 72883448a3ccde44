"""The lane against a stub of the vendor: real rows, real SDK, real sockets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import delete, select, update

from app.analyzers.llm import prices
from app.database import AnyRow, transaction
from app.models import LlmBreaker, LlmCall, Step
from app.services import consents, interpret, merge, packages
from app.services.analyse import run_lane
from app.services.planning import now
from app.vocabulary import Phase
from config.settings import Settings, settings
from tests.integration.rows.conftest import LETTER, Line, consent, line, send, state, user
from tests.stub_anthropic import Stub, running

__all__ = ["consent", "line", "send", "state", "user"]

VENDOR = "analyse:text:anthropic"
KEY = "sk-ant-a-key-of-the-tests"


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running() as started:
        yield started


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch, postgres: object) -> Callable[..., None]:
    """Change settings of this process."""
    chosen: Settings = settings()

    def change(**changed: Any) -> None:
        for name, value in changed.items():
            monkeypatch.setattr(chosen, name, value)

    return change


@pytest.fixture
def vendor(stub: Stub, setting: Callable[..., None]) -> Iterator[Stub]:
    """The vendor, set up in this process; no breaker is left over."""
    setting(anthropic_api_key=SecretStr(KEY), anthropic_base_url=stub.url, llm_deadline_s=4.0)
    with transaction() as connection:
        connection.execute(delete(LlmBreaker))
    yield stub
    with transaction() as connection:
        connection.execute(delete(LlmBreaker))


@dataclass
class Case:
    """A package whose perception has ended: its llm lanes are open.

    Attributes:
        user: whose.
        sent: what the upload was answered.
    """

    user: str
    sent: dict[str, Any]
    lanes: Sequence[str] = field(default_factory=list)

    @property
    def package_id(self) -> UUID:
        return UUID(str(self.sent["packageID"]))

    @property
    def run_id(self) -> UUID:
        with transaction() as connection:
            found: UUID = connection.execute(
                select(Step.run_id).where(Step.package_id == self.package_id).limit(1)
            ).scalar_one()
        return found

    def step(self, analyzer: str = "llm.facts") -> AnyRow:
        with transaction() as connection:
            return connection.execute(
                select(Step.__table__).where(Step.package_id == self.package_id, Step.analyzer == analyzer)
            ).one()

    def run(self, analyzer: str = "llm.facts") -> AnyRow:
        run_lane(self.run_id, f"llm:{analyzer}")
        return self.step(analyzer)

    def due(self, analyzer: str = "llm.facts") -> None:
        """Its time has come."""
        with transaction() as connection:
            connection.execute(
                update(Step)
                .where(Step.package_id == self.package_id, Step.analyzer == analyzer)
                .values(not_before=now())
            )

    def calls(self) -> Sequence[AnyRow]:
        with transaction() as connection:
            return connection.execute(
                select(LlmCall.__table__).where(LlmCall.package_id == self.package_id).order_by(LlmCall.asked_at)
            ).all()

    def status(self) -> dict[str, Any]:
        return packages.status(self.user, self.package_id)

    def finish(self) -> dict[str, Any]:
        merge.merge(self.run_id)
        return self.status()


@pytest.fixture
def case(user: str, line: Line, send: Callable[..., dict[str, Any]], vendor: Stub) -> Callable[..., Case]:
    """Upload a text under a consent that covers the vendor, and read it."""

    def make(text: str = LETTER, *scopes: str) -> Case:
        covered = scopes or ("analyse:text:local", VENDOR)
        token = UUID(str(consents.grant(user, [*covered], "a test")["consentTokenID"]))
        sent = send(text.encode(), consent_token_id=token)
        run_id, phase, lanes = line.published.pop(0)
        assert phase is Phase.PERCEIVE
        for lane in lanes:
            run_lane(run_id, lane.name)
        following = interpret.interpret(run_id)
        assert following is not None
        open_lanes = [lane.name for lane in following[1]]
        if "text" in open_lanes:
            run_lane(run_id, "text")
        return Case(user, sent, [name for name in open_lanes if name.startswith("llm:")])

    return make


def seconds_until(moment: datetime) -> float:
    return (moment - now()).total_seconds()


def table(folder: Path, *models: str) -> Path:
    """Prices of our own: a cent for a thousand tokens of any kind."""
    row = {"input": "10", "output": "10", "cache_write": "10", "cache_read": "10", "context": 200_000}
    path = folder / "models.json"
    path.write_text(json.dumps({"date": "2026-01", "models": dict.fromkeys(models, row)}))
    prices.models.cache_clear()
    return path
