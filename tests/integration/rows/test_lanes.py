from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from app.analysis import Result
from app.analyzers.catalog import AnalyzerRow
from app.database import transaction
from app.errors import Refusal
from app.models import Run, Step
from app.services import analyse, claims, consents, interpret, merge, packages, reconcile
from app.services.planning import now
from app.vocabulary import Phase, ReasonCode
from config.settings import settings
from tests.integration.rows.conftest import Line

Send = Callable[..., dict[str, Any]]


def _steps(run_id: UUID) -> dict[str, Any]:
    with transaction() as connection:
        rows = connection.execute(select(Step.__table__).where(Step.run_id == run_id)).all()
    return {row.analyzer: row for row in rows}


def _change(run_id: UUID, analyzer: str, **values: Any) -> None:
    with transaction() as connection:
        connection.execute(update(Step).where(Step.run_id == run_id, Step.analyzer == analyzer).values(**values))


def _forget(run_id: UUID) -> None:
    """As if nothing had happened for long."""
    with transaction() as connection:
        connection.execute(update(Run).where(Run.run_id == run_id).values(moved_at=now() - timedelta(hours=1)))


def _replace(monkeypatch: Any, name: str, function: Callable[..., Result]) -> None:
    """Let an analyzer of the catalog do something else."""
    real = AnalyzerRow.load
    monkeypatch.setattr(AnalyzerRow, "load", lambda row: function if row.name == name else real(row))


def test_a_letter_ends_done_with_candidates(send: Send, line: Line, state: Any) -> None:
    sent = send()
    line.drive()
    ended = state(sent)
    assert ended["runStatus"] == "done"
    assert ended["reason"] is None
    assert ended["progress"] == 1
    by_status = {step["analyzer"]: step["status"] for step in ended["steps"]}
    assert by_status["text.read"] == by_status["text.facts"] == "done"
    assert by_status["text.sentiment_model"] == "skipped"
    assert [layer["kind"] for layer in ended["textLayers"]] == ["document"]


def test_running_everything_twice_changes_nothing(send: Send, line: Line, user: str) -> None:
    sent = send()
    messages = [*line.published]
    line.drive()
    before = packages.features(user, sent["packageID"])
    steps = _steps(sent["runID"])
    for run_id, phase, lanes in messages * 2:
        line.publish(run_id, phase, lanes)
        line.publish(run_id, Phase.INTERPRET, [])
    line.drive()
    assert packages.features(user, sent["packageID"]) == before
    assert _steps(sent["runID"]) == steps


def test_a_lane_that_a_living_worker_holds_is_not_run_beside_it(send: Send) -> None:
    sent = send()
    with claims.lane_lock(sent["runID"], "text") as held:
        assert held is not None
        assert analyse.run_lane(sent["runID"], "text").busy
    assert _steps(sent["runID"])["text.read"].attempts == 0


def test_a_result_whose_token_was_taken_over_is_discarded(send: Send, line: Line, user: str, monkeypatch: Any) -> None:
    sent = send()
    run_id = sent["runID"]
    analyse.run_lane(run_id, "text")
    assert interpret.interpret(run_id) is not None

    def overtaken(*_: Any) -> Result:
        _change(run_id, "text.statistics", token=uuid4())
        return Result({"mine": 1})

    _replace(monkeypatch, "text.statistics", overtaken)
    analyse.run_lane(run_id, "text")
    documents = {doc["modelNameOrType"]: doc for doc in packages.features(user, sent["packageID"])}
    assert "text.style" in documents
    assert documents.get("text.statistics", {}).get("extractedFeatures") != {"mine": 1}


def test_a_failing_analyzer_ends_the_run_partial_and_says_which(
    send: Send, line: Line, state: Any, monkeypatch: Any
) -> None:
    def broken(*_: Any) -> Result:
        raise ValueError("Anna wrote this to me")

    _replace(monkeypatch, "text.sentiment", broken)
    sent = send()
    line.drive()
    ended = state(sent)
    failed = next(step for step in ended["steps"] if step["analyzer"] == "text.sentiment")
    assert (ended["runStatus"], failed["status"], failed["reason"]["code"]) == ("partial", "failed", "internal")
    assert "Anna" not in str(ended)
    assert failed["featureSetID"]


@pytest.mark.parametrize("error", [MemoryError(), RecursionError()])
def test_memory_and_recursion_errors_are_ordinary_failures(
    send: Send, line: Line, state: Any, monkeypatch: Any, error: BaseException
) -> None:
    def broken(*_: Any) -> Result:
        raise error

    _replace(monkeypatch, "text.style", broken)
    sent = send()
    line.drive()
    failed = next(step for step in state(sent)["steps"] if step["analyzer"] == "text.style")
    assert failed["reason"]["code"] == "limit_exceeded"


def test_an_analyzer_that_has_nothing_to_do_is_skipped(send: Send, line: Line, state: Any, monkeypatch: Any) -> None:
    def refuses(*_: Any) -> Result:
        raise Refusal(ReasonCode.UNSUPPORTED_TYPE, "only Frisian")

    _replace(monkeypatch, "text.sentiment", refuses)
    sent = send()
    line.drive()
    ended = state(sent)
    assert ended["runStatus"] == "done"
    assert next(s for s in ended["steps"] if s["analyzer"] == "text.sentiment")["status"] == "skipped"


def test_time_up_is_recorded_as_timed_out(send: Send, monkeypatch: Any) -> None:
    class Up(Exception):
        pass

    def slow(*_: Any) -> Result:
        raise Up

    sent = send()
    analyse.run_lane(sent["runID"], "text")
    interpret.interpret(sent["runID"])
    _replace(monkeypatch, "text.topics", slow)
    analyse.run_lane(sent["runID"], "text", timeouts=(Up,))
    assert _steps(sent["runID"])["text.topics"].reason["code"] == "timed_out"


def test_consent_taken_away_before_the_lane_denies_it_and_nothing_is_read(
    send: Send, user: str, consent: UUID, line: Line, state: Any
) -> None:
    sent = send()
    consents.revoke(user, consent)
    line.drive()
    assert {step.state for step in _steps(sent["runID"]).values()} == {"denied"}
    assert packages.features(user, sent["packageID"]) == []
    _forget(sent["runID"])
    reconcile.tick(line)
    line.drive()
    assert state(sent)["runStatus"] == "denied"


def test_consent_taken_away_during_the_work_stores_nothing(
    send: Send, user: str, consent: UUID, line: Line, monkeypatch: Any
) -> None:
    sent = send()
    analyse.run_lane(sent["runID"], "text")
    interpret.interpret(sent["runID"])

    def meanwhile(*_: Any) -> Result:
        consents.revoke(user, consent)
        return Result({"found": 1})

    _replace(monkeypatch, "text.facts", meanwhile)
    analyse.run_lane(sent["runID"], "text")
    assert {doc["modelNameOrType"] for doc in packages.features(user, sent["packageID"])} == {"text.read"}
    assert _steps(sent["runID"])["text.facts"].state == "denied"


def test_cancelling_in_the_middle_stores_nothing_more(send: Send, user: str, line: Line, monkeypatch: Any) -> None:
    sent = send()
    analyse.run_lane(sent["runID"], "text")
    interpret.interpret(sent["runID"])

    def meanwhile(*_: Any) -> Result:
        packages.cancel(user, sent["packageID"])
        return Result({"found": 1})

    _replace(monkeypatch, "text.facts", meanwhile)
    analyse.run_lane(sent["runID"], "text")
    merge.merge(sent["runID"])
    assert packages.status(user, sent["packageID"])["runStatus"] == "cancelled"
    assert {doc["modelNameOrType"] for doc in packages.features(user, sent["packageID"])} == {"text.read"}


def test_a_repeated_attempt_claims_step_by_step(send: Send, line: Line, monkeypatch: Any) -> None:
    sent = send()
    run_id = sent["runID"]
    analyse.run_lane(run_id, "text")
    interpret.interpret(run_id)
    # A worker died in the middle of this one.
    _change(run_id, "text.style", state="running", attempts=1, token=uuid4())
    seen: list[tuple[int, int]] = []

    def watch(*_: Any) -> Result:
        steps = _steps(run_id).values()
        seen.append((sum(s.state == "running" for s in steps), sum(s.state == "done" for s in steps)))
        return Result({})

    _replace(monkeypatch, "text.style", watch)
    analyse.run_lane(run_id, "text")
    assert seen == [(1, 1)]
    assert all(step.state in {"done", "skipped"} for step in _steps(run_id).values())


def test_a_step_is_given_up_after_its_attempts_and_the_others_go_on(send: Send, line: Line, state: Any) -> None:
    sent = send()
    run_id = sent["runID"]
    analyse.run_lane(run_id, "text")
    interpret.interpret(run_id)
    line.published.clear()
    _change(run_id, "text.topics", state="running", attempts=settings().max_attempts, token=uuid4())
    _forget(run_id)
    reconcile.tick(line)
    line.drive()
    ended = state(sent)
    lost = next(step for step in ended["steps"] if step["analyzer"] == "text.topics")
    assert (lost["status"], lost["reason"]["code"]) == ("failed", "worker_lost")
    assert ended["runStatus"] == "partial"


def test_the_reconciler_sends_a_lost_lane_again_but_not_one_that_is_held(send: Send, line: Line) -> None:
    sent = send()
    line.published.clear()
    _forget(sent["runID"])
    with claims.lane_lock(sent["runID"], "text"):
        reconcile.tick(line)
        assert sent["runID"] not in [run for run, _, _ in line.published]
    _forget(sent["runID"])
    reconcile.tick(line)
    assert sent["runID"] in [run for run, _, _ in line.published]


def test_the_reconciler_leaves_a_step_alone_until_its_time(send: Send, line: Line) -> None:
    sent = send()
    line.published.clear()
    _change(sent["runID"], "text.read", not_before=now() + timedelta(hours=1))
    _forget(sent["runID"])
    reconcile.tick(line)
    assert sent["runID"] not in [run for run, _, _ in line.published]
    assert analyse.run_lane(sent["runID"], "text").ended == {}
    _change(sent["runID"], "text.read", not_before=now() - timedelta(seconds=1))
    _forget(sent["runID"])
    reconcile.tick(line)
    assert sent["runID"] in [run for run, _, _ in line.published]


@pytest.mark.parametrize("lost", ["interpret", "merge"])
def test_a_run_whose_chord_body_was_lost_is_moved_on(send: Send, line: Line, state: Any, lost: str) -> None:
    sent = send()
    run_id = sent["runID"]
    line.published.clear()
    analyse.run_lane(run_id, "text")
    if lost == "merge":
        interpret.interpret(run_id)
        analyse.run_lane(run_id, "text")
    _forget(run_id)
    reconcile.tick(line)
    line.drive()
    assert state(sent)["runStatus"] == "done"


def test_analysing_again_replaces_and_never_doubles(send: Send, line: Line, user: str, state: Any) -> None:
    sent = send()
    line.drive()
    before = {doc["featureSetID"] for doc in packages.features(user, sent["packageID"])}
    again = packages.analyse_again(user, sent["packageID"], line)
    line.drive()
    assert again["runID"] != sent["runID"]
    assert state(sent)["runStatus"] == "done"
    assert {doc["featureSetID"] for doc in packages.features(user, sent["packageID"])} == before


def test_an_older_run_cannot_overwrite_a_newer_ones_features(send: Send, line: Line, user: str) -> None:
    sent = send()
    line.drive()
    packages.analyse_again(user, sent["packageID"], line)
    line.drive()
    newest = packages.features(user, sent["packageID"])
    with transaction() as connection:
        connection.execute(update(Run).where(Run.run_id == sent["runID"]).values(state="running", phase="perceive"))
        connection.execute(update(Step).where(Step.run_id == sent["runID"]).values(state="pending"))
    line.publish(sent["runID"], Phase.PERCEIVE, [])
    analyse.run_lane(sent["runID"], "text")
    assert packages.features(user, sent["packageID"]) == newest


def test_a_run_that_can_never_be_merged_is_given_up_and_says_so(
    send: Send, line: Line, state: Any, monkeypatch: Any
) -> None:
    sent = send()
    run_id = sent["runID"]
    analyse.run_lane(run_id, "text")
    interpret.interpret(run_id)
    analyse.run_lane(run_id, "text")
    for _ in range(reconcile.MAX_DISPATCHES + 1):
        _forget(run_id)
        reconcile.tick(line)
        line.published.clear()
    ended = state(sent)
    assert (ended["runStatus"], ended["reason"]["code"]) == ("failed", "internal")
