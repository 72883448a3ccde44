"""Re-analysis in bulk: questions travel together at half the price, whatever happens on the way."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from sqlalchemy import select, text, update

from app.cli import cli
from app.database import transaction
from app.errors import Conflict
from app.models import Base, LlmBatch, LlmBatchItem, LlmCall, Step
from app.services import packages
from app.services.erasing import Messages
from app.services.erasing import request as erase
from app.services.llm import batch_items as items
from app.services.llm import batches, ledger, vendors
from app.services.planning import now
from tests.integration.erasing.conftest import carried_out, messages
from tests.integration.llm.bulk import Bulk, Make, Setting, at_once, bulk, questions_in, recordings_of, revoke_quietly
from tests.integration.rows.conftest import LETTER, Line
from tests.stub_anthropic import Stub

__all__ = ["at_once", "bulk", "carried_out", "messages"]


def test_twelve_packages_in_bulk_come_to_the_same_at_half_the_price(bulk: Callable[..., Bulk], vendor: Stub) -> None:
    many = bulk(12)
    before, usual = (many.features(), many.candidates()), sum(call.cost for call in many.calls())
    vendor.cache.clear()
    questions = len(vendor.messages)
    many.again()
    assert {(step.state, step.attempts, step.reason["details"]["kind"]) for step in many.steps()} == {
        ("pending", 0, "batch")
    }
    many.to_the_end()
    assert {step.state for step in many.steps()} == {"done"}
    assert {one.status()["runStatus"] for one in many.cases} == {"done"}
    assert (many.features(), many.candidates()) == before
    assert sum(call.cost for call in many.calls()) == usual / 2
    assert {(call.outcome, call.bulk) for call in many.calls()} == {("answered", True)}
    assert (len(vendor.messages), len(vendor.batches.created), len(vendor.batches.asked)) == (questions, 1, 72)
    assert vendor.batches.deleted == [*vendor.batches.created]
    assert many.items() == []


@pytest.mark.parametrize("erased", [False, True])
def test_consent_that_ends_before_the_batch_is_made_lets_nothing_out(
    erased: bool, bulk: Callable[..., Bulk], vendor: Stub, home: Path
) -> None:
    two = bulk(2)
    two.again()
    gone, other = two.cases
    assert len(questions_in(home, gone)) == 6
    if erased:
        erase.erase_package(gone.user, gone.package_id)
    else:
        revoke_quietly(gone)
    two.to_the_end()
    sent = [request["params"]["messages"][0]["content"][0]["source"]["data"] for request in vendor.batches.asked]
    assert (len(sent), [text for text in sent if "Letter 0." in text]) == (6, [])
    assert questions_in(home, gone) == []
    with transaction() as connection:
        states = select(Step.state).where(Step.run_id == UUID(str(gone.status()["runID"])), Step.queue == "llm")
        assert {*connection.execute(states).scalars()} == {"cancelled" if erased else "denied"}
    assert other.status()["runStatus"] == "done"


def test_consent_that_ends_while_the_vendor_works_stores_nothing_and_is_entered(
    bulk: Callable[..., Bulk], vendor: Stub, home: Path
) -> None:
    two = bulk(2)
    gone, other = two.cases
    vendor.batches.at_once = False
    two.again()
    two.carried()
    revoke_quietly(gone)
    vendor.end_batches()
    two.to_the_end()
    assert (recordings_of(home, gone), len(recordings_of(home, other))) == ([], 6)
    assert {step.state for step in two.steps()} == {"denied", "done"}
    outcomes = sorted((call.outcome, call.cost > 0) for call in two.calls())
    assert outcomes == [("answered", True)] * 6 + [("cancelled", True)] * 6
    assert vendor.batches.deleted == [*vendor.batches.created]
    assert questions_in(home, gone) == []


@pytest.mark.parametrize("how", ["cancel", "erase", "revoke"])
def test_a_batch_that_nobody_wants_any_more_is_cancelled_at_the_vendor(
    how: str, bulk: Callable[..., Bulk], vendor: Stub, home: Path
) -> None:
    only = bulk()
    (one,) = only.cases
    vendor.batches.at_once = False
    only.again()
    only.carried()
    run_id = UUID(str(one.status()["runID"]))
    if how == "cancel":
        packages.cancel(one.user, one.package_id)
    elif how == "erase":
        erase.erase_package(one.user, one.package_id)
    else:
        revoke_quietly(one)
    only.carried()
    (batch,) = vendor.batches.created.values()
    assert (batch.cancelled, only.items()) == (True, [])
    vendor.end_batches()
    only.carried()
    assert vendor.batches.deleted == [batch.id]
    with transaction() as connection:
        calls = connection.execute(select(LlmCall.outcome, LlmCall.cost).where(LlmCall.run_id == run_id)).all()
        assert connection.execute(select(LlmBatch.batch_id)).all() == []
    assert [*map(tuple, calls)] == [("cancelled", 0)] * 6
    assert [*(home / "objects").rglob(f"*/{one.package_id}/llm-{run_id.hex}-*")] == []


def test_budgets_hold_to_the_cent_and_what_batches_free_lets_others_through(
    bulk: Callable[..., Bulk], vendor: Stub, setting: Setting
) -> None:
    only = bulk()
    vendor.cache.clear()
    only.again()
    worst = worst_of_items(only)
    setting(llm_budget_run=sum(worst[:2], Decimal(0)))
    only.carried()
    assert len(vendor.batches.asked) == 2
    spent = []
    for _ in range(12):
        only.carried()
        only.woken()
        spent.append(sum(call.cost for call in only.calls()))
    assert max(spent) <= sum(worst[:2])
    states = [step.state for step in only.steps()]
    assert "done" in states
    assert {*states} <= {"done", "failed"}
    assert {step.reason["code"] for step in only.steps() if step.state == "failed"} <= {"budget_exhausted"}


def worst_of_items(only: Bulk) -> list[Decimal]:
    with transaction() as connection:
        rows = connection.execute(items._ABOUT.order_by(LlmBatchItem.created_at, LlmBatchItem.item_id)).all()
    return [vendors.worst(items.question(row), "claude-sonnet-5-5", bulk=True) for row in rows]


def test_a_budget_with_no_room_sends_nothing(bulk: Callable[..., Bulk], vendor: Stub, setting: Setting) -> None:
    only = bulk()
    only.again()
    least = Decimal("0.00000001")
    setting(llm_budget_run=min(worst_of_items(only)) - least)
    only.to_the_end()
    assert vendor.batches.created == {}
    assert {(step.state, step.reason["code"]) for step in only.steps()} == {("failed", "budget_exhausted")}
    assert {step.reason["details"]["budget"] for step in only.steps()} == {"run"}
    assert only.cases[0].status()["cost"]["amount"] == 0


def test_a_usual_question_waits_for_a_batch_that_holds_the_budget(
    bulk: Callable[..., Bulk], case: Make, vendor: Stub, setting: Setting
) -> None:
    only = bulk()
    vendor.batches.at_once = False
    only.again()
    only.carried()
    held = sum((call.cost for call in only.calls()), Decimal(0))
    with transaction() as connection:
        month = ledger.spent_this_month(connection, only.cases[0].user)
    other = case()
    setting(llm_budget_person_month=month + held / 100)
    step = other.run("llm.facts")
    assert (step.state, step.reason["details"]["kind"]) == ("pending", "not_now")
    assert step.not_before > now() + timedelta(minutes=4)
    vendor.end_batches()
    only.to_the_end()


def test_all_windows_of_a_step_travel_together(bulk: Callable[..., Bulk], vendor: Stub, setting: Setting) -> None:
    setting(analyzer_options={"llm.facts": {"window": 400}})
    only = bulk()
    usual = len(vendor.messages)
    only.again()
    only.to_the_end()
    assert usual > 6
    assert (len(vendor.batches.created), len(vendor.batches.asked)) == (1, usual)
    assert {step.state for step in only.steps()} == {"done"}


def test_no_words_are_in_any_row_while_questions_wait_and_travel(
    bulk: Callable[..., Bulk], vendor: Stub, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    only = bulk()
    held = []

    def look() -> None:
        with transaction() as connection:
            for name in Base.metadata.tables:
                held.extend(row[0] for row in connection.execute(text(f"SELECT t::text FROM {name} AS t")))  # noqa: S608 - ours

    vendor.batches.at_once = False
    only.again()
    look()
    only.carried()
    look()
    vendor.end_batches()
    only.to_the_end()
    look()
    said = capsys.readouterr()
    held += [caplog.text, said.out, said.err]
    passages = [LETTER[at : at + 24] for at in range(0, 380, 8) if "\n" not in LETTER[at : at + 24]]
    assert not [passage for passage in passages for row in held if passage in row]


def test_what_is_erased_leaves_no_question_behind(
    bulk: Callable[..., Bulk], vendor: Stub, home: Path, carried_out: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    only = bulk()
    (one,) = only.cases
    only.again()
    assert len(only.items()) == len(questions_in(home, one)) == 6
    receipt = carried_out(erase.erase_package(one.user, one.package_id))["receipt"]
    assert receipt["clean"]
    assert ([item for item in only.items() if item.user_id == one.user], questions_in(home, one)) == ([], [])
    assert vendor.batches.created == {}


def test_a_step_that_falls_asleep_after_its_answer_came_is_woken(bulk: Callable[..., Bulk], vendor: Stub) -> None:
    only = bulk()
    only.again()
    only.carried()
    only.carried()
    asleep = now() + timedelta(hours=26)
    with transaction() as connection:
        connection.execute(update(Step).where(Step.state == "pending").values(not_before=asleep, waiting_since=now()))
    assert batches.pending()
    assert batches.tick()["woken"] == 6
    only.woken()
    assert {step.state for step in only.steps()} == {"done"}
    assert not batches.pending()


def test_a_step_waits_for_its_batch_a_day_and_two_hours(bulk: Callable[..., Bulk], vendor: Stub) -> None:
    only = bulk()
    vendor.batches.at_once = False
    only.again()
    only.carried()
    waits = {round((step.not_before - step.waiting_since).total_seconds() / 3600) for step in only.steps()}
    assert waits == {26}
    with transaction() as connection:
        past = now() - timedelta(hours=26, seconds=1)
        connection.execute(update(Step).where(Step.state == "pending").values(not_before=now(), waiting_since=past))
    only.woken()
    assert {(step.state, step.reason["code"]) for step in only.steps()} == {("failed", "vendor_unavailable")}
    only.carried()
    assert [batch.cancelled for batch in vendor.batches.created.values()] == [True]


def test_one_carries_at_a_time(bulk: Callable[..., Bulk], vendor: Stub) -> None:
    only = bulk()
    only.again()
    with batches._alone() as mine:
        assert mine is not None
        assert batches.tick() == {}
    assert vendor.batches.created == {}
    assert batches.tick()["sent"] == 6


def test_bulk_needs_answers_to_be_kept(case: Make, line: Line, setting: Setting) -> None:
    one = case()
    one.run()
    setting(llm_recordings=False)
    with pytest.raises(Conflict, match="ECHO_LLM_RECORDINGS"):
        packages.analyse_again(one.user, one.package_id, line, bulk=True)


def test_the_command_line_begins_runs_in_bulk(
    bulk: Callable[..., Bulk], vendor: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.tasks import pipeline

    two = bulk(2)
    monkeypatch.setattr(pipeline, "pipeline", lambda: two.line)
    first, second = two.cases
    said = CliRunner().invoke(cli, ["reanalyze", str(first.package_id), "--bulk", "--json"])
    assert said.exit_code == 0, said.output
    (row,) = json.loads(said.stdout)["data"]
    assert (row["packageID"], row["trouble"]) == (str(first.package_id), None)
    again = CliRunner().invoke(cli, ["reanalyze", "--user", first.user, "--bulk"])
    assert again.exit_code == 1
    assert again.stdout.count("still open") == 1
    assert first.status()["bulk"] is second.status()["bulk"] is True
    two.line.drive()
    two.to_the_end()
    assert {step.state for step in two.steps()} == {"done"}
    assert CliRunner().invoke(cli, ["reanalyze"]).exit_code == 2


def test_the_queue_of_vendors_gets_a_message_only_if_there_is_something_to_carry(
    bulk: Callable[..., Bulk], vendor: Stub, messages: Messages
) -> None:
    from app.tasks import batches as tasks
    from app.tasks import inspect

    def waiting() -> int | None:
        return inspect.depths()["llm"]

    only, before = bulk(), waiting()
    tasks.look()
    assert waiting() == before
    only.again()
    tasks.look()
    assert waiting() == (before or 0) + 1
    tasks.carry()
    assert len(vendor.batches.asked) == 6
    only.to_the_end()
    assert {step.state for step in only.steps()} == {"done"}


def test_a_process_that_only_looks_loads_no_library_of_a_vendor() -> None:
    code = "import sys, app.tasks.batches, app.cli.commands.reanalyze; sys.exit('anthropic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
