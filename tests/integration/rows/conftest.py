"""A pipeline that keeps what it is given, so that a test decides when, how often and in which order things run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from app.database import transaction
from app.models import Run
from app.services import consents, interpret, merge, packages
from app.services.analyse import run_lane
from app.services.ports import Lane
from app.services.submit import Upload, submit
from app.vocabulary import Phase

LETTER = (
    "Dear Anna,\n\nI work as a nurse in a small hospital, and I love my garden. Do you still play the cello? "
    "I think perhaps we could meet in June? Would you come to us for a week? I was so glad about your letter! "
    "Every morning I walk along the river before work, and I never miss it. Have you seen the new bridge?\n\n"
) * 6


@dataclass
class Line:
    """Publishes into a list; `drive` does the work of the fleet in this process."""

    up: bool = True
    published: list[tuple[UUID, Phase, tuple[Lane, ...]]] = field(default_factory=list)

    def publish(self, run_id: UUID, phase: Phase, lanes: Sequence[Lane]) -> bool:
        if self.up:
            self.published.append((run_id, phase, tuple(lanes)))
        return self.up

    def drive(self) -> None:
        while self.published:
            run_id, phase, lanes = self.published.pop(0)
            for lane in lanes:
                run_lane(run_id, lane.name)
            if phase is Phase.PERCEIVE:
                following = interpret.interpret(run_id)
                if following is not None:
                    self.publish(run_id, *following)
            else:
                merge.merge(run_id)


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def user(postgres: Any) -> Iterator[str]:
    """Somebody new; no run of theirs stays in the window for the next test to find."""
    somebody = f"user-{uuid4().hex[:10]}"
    yield somebody
    with transaction() as connection:
        left = (Run.user_id == somebody, Run.state.in_(["queued", "running"]))
        connection.execute(update(Run).where(*left).values(state="cancelled"))


@pytest.fixture
def consent(user: str) -> UUID:
    return UUID(str(consents.grant(user, ["analyse:text:local"], "a test")["consentTokenID"]))


@pytest.fixture
def send(user: str, consent: UUID, line: Line) -> Callable[..., dict[str, Any]]:
    def send(data: bytes = LETTER.encode(), **changed: Any) -> dict[str, Any]:
        upload = Upload(changed.pop("user_id", user))
        upload.receive(iter([data]))
        said: dict[str, Any] = {
            "consent_token_id": consent,
            "source_description": "letters",
            "file_name": "letters.txt",
            "data_type": None,
            "metadata": {},
            "idempotency_key": None,
            "pipeline": line,
        }
        try:
            return submit(upload, **{**said, **changed})
        except Exception:
            upload.discard()
            raise

    return send


@pytest.fixture
def state(user: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda sent: packages.status(user, sent["packageID"])


def objects(home: Path) -> set[Path]:
    return {path for path in (home / "objects").rglob("*") if path.is_file()}
