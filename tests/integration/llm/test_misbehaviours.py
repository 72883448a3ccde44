"""What a vendor does, and what becomes of the step: the table of the issue, row by row."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, text, update

from app.database import transaction
from app.models import Base, LlmBreaker, Step
from app.services import dispatch, merge, reconcile
from app.services.planning import now
from app.web.resources.health.metrics import exposition
from tests.integration.llm.conftest import Case, seconds_until
from tests.integration.rows.conftest import LETTER, Line
from tests.stub_anthropic import Stub

Make = Callable[..., Case]

#: Mode of the stub -> least and most seconds that the step is put off, and the outcome in the ledger.
PASSING = {
    "429": (600, 700, "rate_limited"),
    "429-date": (80, 120, "rate_limited"),
    "429-bare": (5, 20, "rate_limited"),
    "500": (5, 20, "server"),
    "503": (5, 20, "server"),
    "504": (5, 20, "timeout"),
    "529": (5, 20, "overloaded"),
    "error-event": (5, 20, "overloaded"),
    "hang": (5, 20, "timeout"),
    "drip": (5, 20, "timeout"),
    "drip-head": (5, 20, "timeout"),
    "close": (5, 20, "connection"),
}
#: Mode -> reason, outcome in the ledger, questions.
ENDING = {
    "expired": ("vendor_unavailable", "auth", 1),
    "unpaid": ("vendor_unavailable", "auth", 1),
    "no-model": ("vendor_unavailable", "not_found", 1),
    "refusal": ("vendor_refused", "refused", 1),
    "max-tokens": ("invalid_answer", "cut_off", 1),
    "wrong-shape": ("invalid_answer", "answered", 2),
    "cut-json": ("invalid_answer", "answered", 2),
    "not-json": ("invalid_answer", "answered", 2),
    "garbage": ("invalid_answer", "invalid_answer", 2),
    "413": ("limit_exceeded", "too_large", 1),
    "enormous": ("limit_exceeded", "too_large", 1),
}


@pytest.mark.parametrize("mode", PASSING)
def test_what_passes_puts_the_step_off(mode: str, case: Make, vendor: Stub, setting: Callable[..., None]) -> None:
    setting(llm_deadline_s=2.0)
    least, most, outcome = PASSING[mode]
    one = case()
    vendor.mode = mode
    step = one.run()
    assert (step.state, step.attempts, step.waits) == ("pending", 0, 1)
    assert least <= seconds_until(step.not_before) + 2.5
    assert seconds_until(step.not_before) <= most
    assert step.reason["code"] == "vendor_unavailable"
    assert step.reason["details"] == {"kind": outcome, "tries": 1}
    assert [call.outcome for call in one.calls()] == [outcome]
    shown = {shown["analyzer"]: shown for shown in one.status()["steps"]}["llm.facts"]
    assert (shown["status"], shown["notBefore"]) == ("pending", step.not_before)


@pytest.mark.parametrize("mode", ENDING)
def test_what_does_not_pass_ends_the_step_with_its_reason(mode: str, case: Make, vendor: Stub) -> None:
    code, outcome, questions = ENDING[mode]
    one = case()
    vendor.mode = mode
    step = one.run()
    assert (step.state, step.attempts, step.waits, step.not_before) == ("failed", 1, 0, None)
    assert step.reason["code"] == code
    assert [call.outcome for call in one.calls()] == [outcome] * questions


def test_what_a_model_makes_up_is_counted_and_yields_nothing(case: Make, vendor: Stub) -> None:
    one = case()
    vendor.mode = "invented"
    assert one.run("llm.traits").state == "done"
    (call,) = one.calls()
    assert call.quotes == call.fabricated == 3
    found = b'echosphere_llm_quotes{model="claude-sonnet-5-5",prompt="traits.v1",proven="no",window="0"}'
    assert found in exposition()


def test_a_vendor_that_never_answers_is_given_up_after_six_tries(case: Make, vendor: Stub) -> None:
    one = case()
    vendor.mode = "529"
    waits = []
    for _ in range(6):
        waits.append(one.run().waits)
        one.due()
        with transaction() as connection:
            connection.execute(delete(LlmBreaker))
    step = one.step()
    assert waits == [1, 2, 3, 4, 5, 5]
    assert (step.state, step.reason["code"], step.reason["details"]["tries"]) == ("failed", "vendor_unavailable", 6)
    assert len(vendor.messages) == 6


def test_a_step_is_put_off_for_a_day_at_most(case: Make, vendor: Stub) -> None:
    one = case()
    vendor.mode = "529"
    one.run()
    with transaction() as connection:
        connection.execute(
            update(Step).where(Step.step_id == one.step().step_id).values(waiting_since=now() - timedelta(days=1))
        )
    one.due()
    assert (one.run().state, len(vendor.messages)) == ("failed", 2)


def test_the_run_stays_open_until_the_vendor_answers_and_the_reconciler_asks_again(
    case: Make, vendor: Stub, line: Line
) -> None:
    one = case()
    vendor.mode = "429"
    for lane in one.lanes:
        one.run(lane.removeprefix("llm:"))
    merge.merge(one.run_id)
    waiting = one.status()
    assert (waiting["runStatus"], waiting["progress"] < 1) == ("running", True)
    line.published.clear()
    reconcile.tick(line)
    assert one.run_id not in [run_id for run_id, _, _ in line.published]
    vendor.mode = "honest"
    with transaction() as connection:
        connection.execute(delete(LlmBreaker))
        past = now() - timedelta(seconds=1)
        connection.execute(
            update(Step).where(Step.run_id == one.run_id, Step.state == "pending").values(not_before=past)
        )
        earlier = past - timedelta(seconds=3)
        connection.execute(
            text("UPDATE runs SET moved_at = :at WHERE run_id = :run"), {"at": earlier, "run": one.run_id}
        )
    reconcile.tick(line)
    line.drive()
    ended = one.status()
    assert (ended["runStatus"], ended["reason"], ended["progress"]) == ("done", None, 1.0)
    assert all(step["status"] in {"done", "skipped"} for step in ended["steps"])
    assert ended["cost"]["amount"] > 0


def test_a_run_that_waits_for_its_vendor_takes_nobodys_place(
    case: Make, vendor: Stub, send: Callable[..., dict[str, Any]], setting: Callable[..., None]
) -> None:
    one = case()
    with transaction() as connection:
        in_flight = connection.execute(dispatch._IN_FLIGHT).scalar_one()
    setting(window_per_slot=in_flight, slots=1)
    assert send(LETTER.encode() + b"full")["runStatus"] == "queued"
    vendor.mode = "429"
    for lane in one.lanes:
        one.run(lane.removeprefix("llm:"))
    with transaction() as connection:
        assert connection.execute(dispatch._IN_FLIGHT).scalar_one() == in_flight - 1
    assert dispatch.fill(Line()) == 1


def test_no_plaintext_is_in_any_row_or_log_during_all_of_it(
    case: Make, vendor: Stub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    one = case()
    for mode, analyzer in zip(
        ("honest", "invented", "cut-json", "400", "error-event", "close"), one.lanes, strict=True
    ):
        vendor.mode = mode
        one.run(analyzer.removeprefix("llm:"))
    held = []
    with transaction() as connection:
        for name in Base.metadata.tables:
            held += [row[0] for row in connection.execute(text(f"SELECT t::text FROM {name} AS t"))]  # noqa: S608 - ours
    held.append(caplog.text)
    passages = [LETTER[at : at + 24] for at in range(0, 380, 8) if "\n" not in LETTER[at : at + 24]]
    assert len(passages) > 30
    assert not [passage for passage in passages for one_row in held if passage in one_row]


def test_without_a_key_the_steps_are_skipped_and_nothing_else_changes(
    case: Make, vendor: Stub, setting: Callable[..., None]
) -> None:
    from pydantic import SecretStr

    setting(anthropic_api_key=SecretStr(""))
    one = case()
    status = one.finish()
    reasons = {step["reason"]["message"] for step in status["steps"] if step["analyzer"].startswith("llm.")}
    assert reasons == {"ECHO_ANTHROPIC_API_KEY is not set"}
    assert (one.lanes, status["runStatus"], vendor.requests) == ([], "done", [])


def test_a_consent_without_the_vendor_sends_nothing_and_costs_nothing(case: Make, vendor: Stub) -> None:
    one = case(LETTER, "analyse:text:local")
    status: dict[str, Any] = one.finish()
    vendors = [step for step in status["steps"] if step["analyzer"].startswith("llm.")]
    assert {(step["status"], step["reason"]["code"]) for step in vendors} == {("skipped", "consent_denied")}
    assert (status["runStatus"], status["reason"], vendor.requests) == ("done", None, [])
