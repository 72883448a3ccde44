"""What goes wrong with batches, and that nothing is lost or paid twice by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update
from structlog.testing import CapturingLogger

from app.analyzers.llm.port import VendorError, VendorErrorKind
from app.database import engine, transaction
from app.models import LlmBatch, LlmBreaker
from app.services.llm import batches, breaker, vendors
from app.services.planning import now
from tests.integration.llm.bulk import Bulk, Setting, at_once, bulk, died_at, long_ago, no_breaker, questions_in
from tests.integration.llm.conftest import KEY
from tests.stub_anthropic import Stub
from tests.stub_batches import Batch

__all__ = ["at_once", "bulk"]


#: What becomes of a question in its first batch -> state of its step, batches, outcome in the ledger.
FATES = {
    "expired": ("done", 2, "timeout"),
    "canceled": ("done", 2, "cancelled"),
    "omitted": ("done", 2, "server"),
    "errored:overloaded_error": ("done", 2, "overloaded"),
    "errored:api_error": ("done", 2, "server"),
    "garbled": ("done", 2, "invalid_answer"),
    "wordless": ("done", 2, "invalid_answer"),
    "errored:null": ("done", 2, "invalid_answer"),
    "null": ("done", 2, "invalid_answer"),
    "odd": ("done", 2, "invalid_answer"),
    "broken": ("done", 2, "invalid_answer"),
    "errored:invalid_request_error": ("failed", 1, "invalid_request"),
}


@pytest.mark.parametrize("fate", FATES)
def test_what_becomes_of_a_question_that_a_batch_brings_no_answer_to(
    fate: str, bulk: Callable[..., Bulk], vendor: Stub, home: Path
) -> None:
    state, number, outcome = FATES[fate]
    only = bulk()
    vendor.batches.fate = lambda place: fate if len(vendor.batches.created) == 1 and place == 0 else "succeeded"
    only.again()
    only.to_the_end()
    states = sorted(step.state for step in only.steps())
    assert states == sorted([state] + ["done"] * 5)
    assert len(vendor.batches.created) == number
    assert sorted(call.outcome for call in only.calls()) == sorted([outcome] + ["answered"] * (4 + number))
    assert (only.items(), questions_in(home, only.cases[0])) == ([], [])
    if state == "failed":
        (step,) = [step for step in only.steps() if step.state == "failed"]
        assert (step.reason["code"], step.reason["details"]) == ("vendor_unavailable", {"kind": "invalid_request"})


def test_a_question_that_no_batch_answers_ends_its_step_after_three(bulk: Callable[..., Bulk], vendor: Stub) -> None:
    only = bulk()
    vendor.batches.fate = lambda place: "expired" if place == 0 else "succeeded"
    only.again()
    only.to_the_end()
    (failed,) = [step for step in only.steps() if step.state == "failed"]
    assert failed.reason["code"] == "vendor_unavailable"
    assert failed.reason["details"] == {"kind": "timeout", "tries": 3}
    assert (len(vendor.batches.created), sum(call.cost > 0 for call in only.calls())) == (3, 5)
    assert only.cases[0].status()["runStatus"] == "partial"


@pytest.mark.parametrize("mode", ["refusal", "max-tokens"])
def test_a_model_that_does_not_finish_is_paid_and_ends_the_step(
    mode: str, bulk: Callable[..., Bulk], vendor: Stub
) -> None:
    only = bulk()
    vendor.mode = mode
    only.again()
    only.to_the_end()
    codes = {step.reason["code"] for step in only.steps()}
    assert codes == {"vendor_refused" if mode == "refusal" else "invalid_answer"}
    assert all(call.cost > 0 and call.outcome in {"refused", "cut_off"} for call in only.calls())


def test_an_answer_in_the_wrong_form_is_asked_for_once_more_in_the_next_batch(
    bulk: Callable[..., Bulk], vendor: Stub
) -> None:
    only = bulk()
    vendor.mode = "repairable"
    only.again()
    only.to_the_end()
    assert {step.state for step in only.steps()} == {"done"}
    assert (len(vendor.batches.created), len(vendor.batches.asked)) == (2, 12)


@pytest.mark.parametrize(
    ("points", "number"),
    [
        (["batch.created"], 1),
        (["batch.recorded"], 1),
        (["batch.deleted"], 1),
        (["batch.created", "batch.recorded", "batch.deleted"], 1),
        (["batch.creating"], 1),
    ],
)
def test_a_carrier_killed_anywhere_pays_no_question_twice(
    points: Sequence[str], number: int, bulk: Callable[..., Bulk], vendor: Stub, home: Path
) -> None:
    only = bulk()
    before = only.features()
    vendor.cache.clear()
    only.again()
    for point in points:
        if point == "batch.recorded" or (point == "batch.deleted" and not vendor.batches.created):
            only.carried()
        died_at(point, vendor, home)
    long_ago()
    only.to_the_end()
    assert {step.state for step in only.steps()} == {"done"}
    assert only.features() == before
    assert (len(vendor.batches.created), vendor.batches.deleted) == (number, [*vendor.batches.created])
    assert sorted(call.outcome for call in only.calls() if call.cost) == ["answered"] * 6


def test_a_batch_whose_creation_was_not_confirmed_is_found_and_not_made_again(
    bulk: Callable[..., Bulk], vendor: Stub
) -> None:
    only = bulk()
    only.again()
    vendor.batches.at_once, vendor.batches.lose_answer = False, True
    only.carried()
    assert [item.state for item in only.items()] == ["sent"] * 6
    no_breaker()
    long_ago()
    only.carried()  # it works: whose it is cannot be seen yet
    assert ([item.state for item in only.items()], len(vendor.batches.created)) == (["sent"] * 6, 1)
    vendor.end_batches()
    only.to_the_end()
    assert {step.state for step in only.steps()} == {"done"}
    assert (len(vendor.batches.created), len(vendor.batches.deleted)) == (1, 1)


def test_somebody_elses_batch_of_the_same_size_is_left_alone(
    bulk: Callable[..., Bulk], vendor: Stub, home: Path
) -> None:
    only = bulk()
    only.again()
    died_at("batch.creating", vendor, home)
    theirs = [{"custom_id": f"theirs-{n}", "params": {}} for n in range(6)]
    vendor.batches.created["theirs"] = Batch("theirs", theirs)
    vendor.batches.fate = lambda _: "expired"
    vendor.end_batches()
    vendor.batches.fate = lambda _: "succeeded"
    long_ago()
    only.to_the_end()
    assert {step.state for step in only.steps()} == {"done"}
    assert "theirs" not in vendor.batches.deleted
    assert len(vendor.batches.deleted) == 1


@pytest.mark.parametrize(
    ("refuse", "kind"),
    [
        ((401, "authentication_error"), "auth"),
        ((429, "rate_limit_error"), "rate_limited"),
        ((529, "overloaded_error"), "overloaded"),
        ((404, "not_found_error"), "not_found"),
    ],
)
def test_a_vendor_that_takes_no_batches_is_tried_again_and_nothing_is_lost(
    refuse: tuple[int, str], kind: str, bulk: Callable[..., Bulk], vendor: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = bulk()
    only.again()
    vendor.batches.refuse = refuse
    logger = CapturingLogger()
    monkeypatch.setattr(batches, "log", logger)
    only.carried()
    assert [call.kwargs["kind"] for call in logger.calls] == [kind]
    assert [(item.state, item.tries) for item in only.items()] == [("waiting", 0)] * 6
    assert sum(call.cost for call in only.calls()) == 0
    with transaction() as connection:
        failures = connection.execute(select(LlmBreaker.failures)).scalars().all()
    assert [count for count in failures if count] == ([1] if kind in {"rate_limited", "overloaded"} else [])
    vendor.batches.refuse = None
    only.to_the_end()
    assert {step.state for step in only.steps()} == {"done"}


def test_an_open_breaker_lets_no_batch_through(bulk: Callable[..., Bulk], vendor: Stub) -> None:
    only = bulk()
    only.again()
    with transaction() as connection:
        for _ in range(breaker.FAILURES):
            breaker.failed(connection, "anthropic", vendors.key_digest(), None)
    before = len(vendor.requests)
    only.carried()
    assert (len(vendor.requests), vendor.batches.created) == (before, {})


def test_a_batch_that_is_gone_at_the_vendor_is_sent_again_and_stays_in_the_ledger(
    bulk: Callable[..., Bulk], vendor: Stub
) -> None:
    only = bulk()
    vendor.batches.at_once = False
    only.again()
    only.carried()
    vendor.batches.deleted += vendor.batches.created
    vendor.batches.at_once = True
    only.to_the_end()
    assert {step.state for step in only.steps()} == {"done"}
    assert sorted(call.outcome for call in only.calls()) == ["answered"] * 6 + ["not_found"] * 6


def test_without_a_key_questions_wait(bulk: Callable[..., Bulk], vendor: Stub, setting: Setting) -> None:
    only = bulk()
    only.again()
    setting(anthropic_api_key=SecretStr(""))
    only.carried()
    assert (vendor.batches.created, [item.state for item in only.items()]) == ({}, ["waiting"] * 6)
    setting(anthropic_api_key=SecretStr(KEY))
    only.to_the_end()
    assert {step.state for step in only.steps()} == {"done"}


def test_a_question_that_the_vendor_refuses_a_whole_batch_for_costs_no_other_its_answer(
    bulk: Callable[..., Bulk], vendor: Stub
) -> None:
    only = bulk()
    only.again()
    vendor.batches.poison = "Task: stance"
    for _ in range(20):
        only.carried()
        only.woken()
    states = {step.analyzer: step.state for step in only.steps()}
    assert states.pop("llm.stance") == "failed"
    assert {*states.values()} == {"done"}
    (failed,) = [step for step in only.steps() if step.state == "failed"]
    assert failed.reason["details"]["kind"] == "invalid_request"
    assert only.items() == []


def two_batches(only: Bulk, vendor: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three questions each have been handed over; the first batch is looked at first, and both have ended."""
    monkeypatch.setattr(batches, "MOST_QUESTIONS", 3)
    vendor.batches.at_once = False
    only.again()
    only.carried()
    assert [*vendor.batches.created] == ["msgbatch_0000", "msgbatch_0001"]
    vendor.end_batches()
    with transaction() as connection:
        for place, vendor_id in enumerate(vendor.batches.created):
            earlier = now() - timedelta(seconds=20 - place)
            mine = update(LlmBatch).where(LlmBatch.vendor_id == vendor_id)
            connection.execute(mine.values(poll_at=earlier))


def looked_at() -> dict[str, float]:
    """Seconds until the next look at each batch."""
    with transaction() as connection:
        found = connection.execute(select(LlmBatch.vendor_id, LlmBatch.poll_at)).all()
    return {row.vendor_id: (row.poll_at - now()).total_seconds() for row in found}


@pytest.mark.parametrize("fate", ["errored:null", "null", "odd", "broken", "garbled"])
def test_a_line_that_cannot_be_read_stops_neither_its_batch_nor_the_one_behind(
    fate: str, bulk: Callable[..., Bulk], vendor: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = bulk()
    first = iter([fate])
    vendor.batches.fate = lambda _: next(first, "succeeded")
    two_batches(only, vendor, monkeypatch)
    reserved = {call.call_id: call.cost for call in only.calls()}
    assert batches.tick()["answered"] == 5
    assert vendor.batches.deleted == ["msgbatch_0000", "msgbatch_0001"]
    (unread,) = [call for call in only.calls() if call.outcome != "answered"]
    assert (unread.outcome, unread.input_tokens, unread.output_tokens) == ("invalid_answer", 0, 0)
    assert unread.cost == reserved[unread.call_id] > 0, "nobody knows what it cost: its worst case stands"
    assert all(call.cost < reserved[call.call_id] for call in only.calls() if call.outcome == "answered")
    vendor.batches.at_once = True
    only.to_the_end()
    assert {step.state for step in only.steps()} == {"done"}


def test_a_paid_answer_without_words_is_entered_with_what_it_cost(bulk: Callable[..., Bulk], vendor: Stub) -> None:
    only = bulk()
    vendor.batches.fate = lambda _: "wordless"
    only.again()
    only.carried()
    reserved = {call.call_id: call.cost for call in only.calls()}
    only.carried()
    for call in only.calls():
        assert (call.outcome, call.request_id[:4]) == ("invalid_answer", "msg_")
        assert call.input_tokens + call.cache_write_tokens + call.cache_read_tokens > 0
        assert 0 < call.cost < reserved[call.call_id]


@pytest.mark.parametrize(
    ("refuse", "ends"),
    [((404, "not_found_error"), "done"), ((413, "request_too_large"), "failed")],
)
def test_results_that_cannot_be_had_end_with_their_batch_and_stop_no_other(
    refuse: tuple[int, str], ends: str, bulk: Callable[..., Bulk], vendor: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = bulk()
    two_batches(only, vendor, monkeypatch)
    reserved = {call.call_id: call.cost for call in only.calls()}
    vendor.batches.refuse_results = {"msgbatch_0000": refuse}
    assert batches.tick()["answered"] == 3
    assert vendor.batches.deleted == ["msgbatch_0000", "msgbatch_0001"]
    lost = [call for call in only.calls() if call.outcome != "answered"]
    assert [call.cost for call in lost] == [reserved[call.call_id] for call in lost]
    assert len(lost) == 3
    vendor.batches.at_once = True
    only.to_the_end()
    assert sorted(step.state for step in only.steps()) == ["done"] * 3 + [ends] * 3


def test_a_batch_whose_results_fail_for_now_goes_behind_the_others(
    bulk: Callable[..., Bulk], vendor: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = bulk()
    two_batches(only, vendor, monkeypatch)
    vendor.batches.refuse_results = {"msgbatch_0000": (500, "api_error")}
    assert batches.tick()["answered"] == 0
    waits = looked_at()
    assert waits["msgbatch_0001"] < 0 < batches.LOOK_S[1] - 30 < waits["msgbatch_0000"]
    assert batches.tick()["answered"] == 3
    vendor.batches.refuse_results, vendor.batches.at_once = {}, True
    only.to_the_end()
    assert {step.state for step in only.steps()} == {"done"}
    assert len(vendor.batches.created) == 2


def test_a_doubt_that_cannot_be_settled_holds_up_nothing_else(
    bulk: Callable[..., Bulk], vendor: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = bulk()
    monkeypatch.setattr(batches, "MOST_QUESTIONS", 3)
    only.again()
    vendor.batches.lose_answer = True
    only.carried()
    vendor.batches.refuse_results = {"msgbatch_0000": (404, "not_found_error")}
    no_breaker()
    long_ago()
    assert batches.tick()["sent"] == 3
    assert looked_at()[""] > batches.LOOK_S[1] - 30
    vendor.batches.refuse_results = {}
    only.to_the_end()
    assert {step.state for step in only.steps()} == {"done"}
    assert len(vendor.batches.created) == 2


def test_of_a_batch_in_doubt_a_line_that_cannot_be_read_is_passed_over(bulk: Callable[..., Bulk], vendor: Stub) -> None:
    only = bulk()
    only.again()
    # Results come in reverse: the last question's line is the first.
    vendor.batches.fate = lambda place: "broken" if len(vendor.batches.created) == 1 and place == 5 else "succeeded"
    vendor.batches.lose_answer = True
    only.carried()
    no_breaker()
    long_ago()
    only.to_the_end()
    assert {step.state for step in only.steps()} == {"done"}
    asked = [len(batch.requests) for batch in vendor.batches.created.values()]
    assert asked == [6, 1], "the batch was found: only the answer that nobody could read was asked for again"


def test_a_call_that_began_before_the_breaker_opened_is_no_news_to_it(bulk: Callable[..., Bulk]) -> None:
    mine = LlmBreaker.key_digest == vendors.key_digest()
    with engine().connect() as connection:
        carrier = batches._Carrier(connection)
        with transaction() as other:
            for _ in range(breaker.FAILURES):
                breaker.failed(other, "anthropic", vendors.key_digest(), None)
            until = now() + timedelta(seconds=breaker.TRY_S + 60)
            other.execute(update(LlmBreaker).where(mine).values(open_until=until))
        carrier.trouble(VendorError(VendorErrorKind.SERVER, "as ordered"))
    with transaction() as connection:
        row = connection.execute(select(LlmBreaker).where(mine)).one()
    assert (row.failures, row.open_until) == (breaker.FAILURES, until)
